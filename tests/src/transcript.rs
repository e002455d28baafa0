//! Commands and their exact replies, as a person can write them.
//!
//! ```text
//! # A comment: a hash and a space.
//! > JSON.SET d $ '{"a":1}'
//! +OK
//! > JSON.GET d NX
//! 2: $-1
//! 3: _
//! > DBSIZE
//! :1
//! @redis-7.0: :1
//! ```
//!
//! * `> ` starts a command, in words as `redis-cli` splits them.
//! * The lines up to the next command are its reply, one RESP line each, `\r\n` understood. `\n`,
//!   `\r`, `\t`, `\\` and `\xHH` stand for bytes; `\?` for any bytes up to the end of the RESP
//!   line, `\*` for all the rest of the reply, a backslash at the end of the line for nothing (so
//!   that an empty RESP line is a lone backslash). Blank lines part commands.
//! * A prefix says when a line holds: `2: ` and `3: ` in that protocol, `@valkey-*: ` on servers
//!   of that name (`*` at its end for any), `2@redis-7.0: ` both. Of the groups that hold, the
//!   most particular is the reply: name and protocol, name, protocol, none.
//! * `~ slug` says that the reply differs from the reference's on purpose, for the reason of that
//!   name in `docs/differences.md`; the reference's own reply stands in `peer: `, `peer2: ` and
//!   `peer3: ` lines, which are not played.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::{Client, Failure, Name, Outcome, Protocol, words};

/// A parsed transcript.
#[derive(Debug)]
pub struct Transcript {
    /// The file it was read from.
    pub file: String,
    /// Its commands, in order.
    pub steps: Vec<Step>,
}

/// One command and what it is to reply.
#[derive(Debug, Default)]
pub struct Step {
    /// The line of the file, from 1.
    pub line: usize,
    /// The command's words.
    pub words: Vec<Vec<u8>>,
    /// Reason (a slug of `docs/differences.md`) why the reply differs from the reference's.
    pub differs: Option<String>,
    replies: Vec<(Condition, Pattern)>,
}

impl Transcript {
    /// Reads a file.
    pub fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read(path)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(&file, &text)
    }

    /// Reads every `.txt` of a folder, in order of their names.
    pub fn read_folder(folder: &Path) -> Outcome<Vec<Self>> {
        let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// Parses text; `file` is for messages.
    pub fn parse(file: &str, text: &[u8]) -> Outcome<Self> {
        let mut steps: Vec<Step> = Vec::new();
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let at = format!("{file}:{}", index + 1);
            let outcome = if let Some(command) = line.strip_prefix(b"> ") {
                words::split(command)
                    .map(|words| steps.push(Step { line: index + 1, words, ..Step::default() }))
            } else if is_comment(line) {
                Ok(())
            } else {
                let step = steps.last_mut().ok_or_else(|| Failure::new("a reply to no command"));
                step.and_then(|step| step.add(line))
            };
            outcome.map_err(|failure| failure.during(&at))?;
        }
        Ok(Self { file: file.to_owned(), steps })
    }

    /// Plays it on one connection; every reply that is not as written is in the failure.
    ///
    /// Returns the number of commands played.
    pub fn play(&self, client: &mut Client, server: Name, protocol: Protocol) -> Outcome<usize> {
        let mut mismatches = String::new();
        for step in &self.steps {
            let at = format!("{}:{}", self.file, step.line);
            let got = client.call(&step.words).map_err(|failure| failure.during(&at))?;
            let expected = step.expected(server, protocol).map_err(|f| f.during(&at))?;
            if !expected.matches(&got) {
                let command = self::command(&step.words);
                let _ = write!(mismatches, "{at} ({server}, {protocol:?})\n{command}\n");
                for line in &expected.lines {
                    let _ = writeln!(mismatches, "  - {}", String::from_utf8_lossy(line));
                }
                for line in lines(&got) {
                    let _ = writeln!(mismatches, "  + {line}");
                }
            }
        }
        crate::ensure(mismatches.is_empty(), || {
            format!("replies not as written (- written, + given):\n{mismatches}")
        })?;
        Ok(self.steps.len())
    }
}

impl Step {
    /// Adds a line that follows the command.
    fn add(&mut self, line: &[u8]) -> Outcome<()> {
        if let Some(slug) = line.strip_prefix(b"~ ") {
            self.differs = Some(String::from_utf8_lossy(slug).trim().to_owned());
            return Ok(());
        }
        let (condition, line) = Condition::split(line)?;
        if condition.peer {
            return Ok(());
        }
        let known = self.replies.iter_mut().find(|(other, _)| *other == condition);
        if let Some((_, pattern)) = known {
            pattern.lines.push(line.to_vec());
        } else {
            self.replies.push((condition, Pattern { lines: vec![line.to_vec()] }));
        }
        Ok(())
    }

    /// The most particular reply that holds for the server and the protocol.
    fn expected(&self, server: Name, protocol: Protocol) -> Outcome<&Pattern> {
        let holds = self.replies.iter().filter(|(condition, _)| condition.holds(server, protocol));
        let best = holds.max_by_key(|(condition, _)| condition.rank());
        best.map(|(_, pattern)| pattern).ok_or_else(|| Failure::new("no reply is written"))
    }
}

fn is_comment(line: &[u8]) -> bool {
    line.is_empty() || line == b"#" || line.starts_with(b"# ")
}

/// When a reply line holds.
#[derive(Debug, Default, PartialEq)]
struct Condition {
    protocol: Option<Protocol>,
    server: Option<String>,
    peer: bool,
}

impl Condition {
    /// The condition in front of a line, and the rest of it.
    fn split(line: &[u8]) -> Outcome<(Self, &[u8])> {
        let Some(colon) = line.windows(2).position(|pair| pair == b": ") else {
            return Ok((Self::default(), line));
        };
        let (prefix, rest) = (line.get(..colon), line.get(colon + 2..));
        match prefix.map(str::from_utf8) {
            Some(Ok(prefix)) => match Self::parse(prefix)? {
                Some(condition) => Ok((condition, rest.unwrap_or_default())),
                None => Ok((Self::default(), line)),
            },
            _ => Ok((Self::default(), line)),
        }
    }

    /// None where the text is no condition but part of a reply.
    fn parse(prefix: &str) -> Outcome<Option<Self>> {
        let mut condition = Self::default();
        let mut rest = prefix;
        if let Some(after) = rest.strip_prefix("peer") {
            condition.peer = true;
            rest = after;
        }
        let protocols = [('2', Protocol::Resp2), ('3', Protocol::Resp3)];
        for (digit, protocol) in protocols {
            if let Some(after) = rest.strip_prefix(digit) {
                condition.protocol = Some(protocol);
                rest = after;
                break;
            }
        }
        if let Some(server) = rest.strip_prefix('@') {
            check_server(server)?;
            condition.server = Some(server.to_owned());
            rest = "";
        }
        let is_condition = !prefix.is_empty() && rest.is_empty();
        Ok(is_condition.then_some(condition))
    }

    fn holds(&self, server: Name, protocol: Protocol) -> bool {
        let in_protocol = self.protocol.is_none_or(|wanted| wanted == protocol);
        in_protocol && self.server.as_ref().is_none_or(|pattern| named(pattern, server))
    }

    fn rank(&self) -> (usize, bool) {
        // A longer name is a more particular one: redis-7.0 before redis-*.
        (self.server.as_ref().map_or(0, String::len), self.protocol.is_some())
    }
}

/// Fails for a name that no server has: such a line would never hold.
fn check_server(pattern: &str) -> Outcome<()> {
    let known = crate::SERVERS.iter().any(|&server| named(pattern, server));
    crate::ensure(known, || format!("no server is named {pattern}"))
}

fn named(pattern: &str, server: Name) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(server.as_str() == pattern, |start| server.as_str().starts_with(start))
}

/// A reply as written: its lines, still escaped.
#[derive(Debug, PartialEq)]
struct Pattern {
    lines: Vec<Vec<u8>>,
}

impl Pattern {
    fn matches(&self, reply: &[u8]) -> bool {
        let mut rest = reply;
        for line in &self.lines {
            match after_line(line, rest) {
                Match::Line(after) => rest = after,
                Match::Rest => return true,
                Match::None => return false,
            }
        }
        rest.is_empty()
    }
}

enum Match<'a> {
    Line(&'a [u8]),
    Rest,
    None,
}

/// What follows the written line in the reply.
fn after_line<'a>(mut line: &[u8], mut reply: &'a [u8]) -> Match<'a> {
    loop {
        match line {
            [] => return reply.strip_prefix(b"\r\n").map_or(Match::None, Match::Line),
            [b'\\'] => line = &[],
            [b'\\', b'*', ..] => return Match::Rest,
            [b'\\', b'?', after @ ..] => {
                let end = reply.windows(2).position(|pair| pair == b"\r\n");
                reply = end.and_then(|end| reply.get(end..)).unwrap_or_default();
                line = after;
            }
            [first, after @ ..] => {
                let (byte, after) = match first {
                    b'\\' => words::escaped(after).unwrap_or((b'\\', after)),
                    other => (*other, after),
                };
                let Some((&got, rest)) = reply.split_first() else { return Match::None };
                if got != byte {
                    return Match::None;
                }
                (line, reply) = (after, rest);
            }
        }
    }
}

/// The command as its line in a transcript.
#[must_use]
pub fn command(words: &[Vec<u8>]) -> String {
    let words: Vec<String> = words.iter().map(|word| words::quote(word)).collect();
    format!("> {}", words.join(" "))
}

/// A reply as the lines of a transcript, without a condition.
///
/// Text in UTF-8 stays readable; other bytes, and starts that would mean something else, are
/// escaped.
#[must_use]
pub fn lines(reply: &[u8]) -> Vec<String> {
    let text = reply.strip_suffix(b"\r\n").unwrap_or(reply);
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let (line, after) = rest.split_at(end);
        lines.push(escaped_line(line));
        rest = after.get(2..).unwrap_or_default();
    }
    lines.push(escaped_line(rest));
    lines
}

fn escaped_line(line: &[u8]) -> String {
    let mut text = match str::from_utf8(line) {
        Ok(line) => line.chars().map(escaped_letter).collect(),
        Err(_) => escaped_bytes(line),
    };
    if text.is_empty() || text.ends_with(' ') {
        text.push('\\');
    }
    if means_else(&text) {
        let first = text.remove(0);
        text.insert_str(0, &format!("\\x{:02x}", u32::from(first)));
    }
    text
}

fn escaped_letter(letter: char) -> String {
    match letter {
        '\\' => "\\\\".into(),
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        _ if letter.is_control() => escaped_bytes(letter.to_string().as_bytes()),
        _ => letter.into(),
    }
}

fn escaped_bytes(bytes: &[u8]) -> String {
    let escape = |&byte: &u8| match byte {
        b' '..=b'[' | b']'..=b'~' => char::from(byte).into(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(escape).collect()
}

/// Whether a reply line would be read as something else.
fn means_else(text: &str) -> bool {
    let mark = is_comment(text.as_bytes()) || text.starts_with("> ") || text.starts_with("~ ");
    let prefix = text.split_once(": ").map(|(prefix, _)| Condition::parse(prefix));
    mark || matches!(prefix, Some(Ok(Some(_)) | Err(_)))
}

/// A reply's lines where the protocols may differ: once if they agree, else each with `2: `, `3: `.
#[must_use]
pub fn reply_lines(resp2: &[u8], resp3: &[u8], prefix: &str) -> Vec<String> {
    let marked = |reply: &[u8], mark: &str| -> Vec<String> {
        lines(reply).into_iter().map(|line| format!("{prefix}{mark}{line}")).collect()
    };
    if resp2 == resp3 {
        return marked(resp2, if prefix.is_empty() { "" } else { ": " });
    }
    let mut both = marked(resp2, "2: ");
    both.extend(marked(resp3, "3: "));
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(reply: &str) -> Step {
        let text = format!("> PING\n{reply}");
        Transcript::parse("t", text.as_bytes()).unwrap().steps.remove(0)
    }

    #[test]
    fn patterns() {
        let check = |written: &str, reply: &[u8], expected: bool| {
            let step = parsed(written);
            let pattern = step.expected(crate::SERVERS[0], Protocol::Resp2).unwrap();
            assert_eq!(pattern.matches(reply), expected, "{written} / {}", reply.escape_ascii());
        };
        check("+OK", b"+OK\r\n", true);
        check("+OK", b"+OK", false);
        check("+OK", b"+OKAY\r\n", false);
        check("+OK", b"+OK\r\n+OK\r\n", false);
        check("$0\n\\", b"$0\r\n\r\n", true);
        check("$3\na\\nb", b"$3\r\na\nb\r\n", true);
        check("$2\n\\x00\\xff", b"$2\r\n\x00\xff\r\n", true);
        check("*1\n:\\?", b"*1\r\n:123\r\n", true);
        check("*1\n:\\?", b"*1\r\n+123\r\n", false);
        check("*2\n:\\?\n:1", b"*2\r\n:123\r\n:2\r\n", false);
        check("$\\?\n\\*", b"$5\r\n\r\n\x00\r\n\r\n", true);
        check("\\x23 x", b"# x\r\n", true);
        check("#t", b"#t\r\n", true);
        check("-ERR: colon", b"-ERR: colon\r\n", true);
    }

    #[test]
    fn conditions() {
        let step = parsed(":0\n2: :2\n@redis-*: :4\n@redis-7.0: :5\n3@redis-7.0: :6\npeer3: :9");
        let check = |server: &str, protocol, expected: &str| {
            let name = Name::parse(server).unwrap();
            let pattern = step.expected(name, protocol).unwrap();
            assert_eq!(pattern.lines, [expected.as_bytes()], "{server} {protocol:?}");
        };
        check("valkey-8.0", Protocol::Resp2, ":2");
        check("valkey-8.0", Protocol::Resp3, ":0");
        check("redis-8.0", Protocol::Resp2, ":4");
        check("redis-7.0", Protocol::Resp2, ":5");
        check("redis-7.0", Protocol::Resp3, ":6");
    }

    #[test]
    fn differences_keep_the_peers_reply_out_of_play() {
        let step = parsed("~ member-order\n:1\npeer: :2");
        assert_eq!(step.differs.as_deref(), Some("member-order"));
        assert_eq!(step.replies, [(Condition::default(), Pattern { lines: vec![b":1".into()] })]);
    }

    #[test]
    fn refuses_what_could_never_be_played() {
        for text in ["+OK\n", "> SET \"a\n", "> A\n@redis-9.9: +OK\n"] {
            assert!(Transcript::parse("t", text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn written_lines_match_their_reply() {
        let replies: [&[u8]; 9] = [
            b"+OK\r\n",
            b"$0\r\n\r\n",
            b"$5\r\n# no \r\n",
            b"$6\r\n2: \\\r\n\x01\r\n",
            b"$8\r\n@redis: \r\n",
            b"$6\r\npeer: \r\n",
            b"$3\r\n> x\r\n",
            "$4\r\n\u{1f600}\r\n".as_bytes(),
            b"$8\r\n\xffa\xc3\xa9\n\t\\x\r\n",
        ];
        for reply in replies {
            let step = parsed(&lines(reply).join("\n"));
            let pattern = step.expected(crate::SERVERS[0], Protocol::Resp2).unwrap();
            assert!(pattern.matches(reply), "{step:?}");
        }
    }
}
