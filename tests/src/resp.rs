//! A client that hands over replies as the bytes that came.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::{Failure, Outcome, Value, same, words};

/// Which of the two protocols a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The one that every connection starts in.
    Resp2,
    /// The one that `HELLO 3` switches to.
    Resp3,
}

impl Protocol {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::Resp2, Self::Resp3];
}

/// How long one reply may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection. Pushes (RESP3 type `>`) are kept apart from replies.
pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
    pushes: VecDeque<Vec<u8>>,
    patience: Duration,
}

impl Client {
    /// Connects and speaks RESP2.
    pub fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::new(), pushes: VecDeque::new(), patience: PATIENCE })
    }

    /// Changes how long one reply may take (60 s at first).
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Switches to the protocol with HELLO.
    pub fn speak(&mut self, protocol: Protocol) -> Outcome<()> {
        let (version, first) = match protocol {
            Protocol::Resp2 => ("2", b'*'),
            Protocol::Resp3 => ("3", b'%'),
        };
        let reply = self.call(&["HELLO", version])?;
        crate::ensure(reply.first() == Some(&first), || {
            format!("HELLO {version} gave {}", String::from_utf8_lossy(&reply))
        })
    }

    /// Sends one command.
    pub fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Outcome<()> {
        Ok(self.stream.write_all(&command(words))?)
    }

    /// Sends bytes as they are: inline commands, broken frames.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Outcome<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next reply's bytes; pushes that come before it are set aside.
    pub fn reply(&mut self) -> Outcome<Vec<u8>> {
        let deadline = Instant::now() + self.patience;
        loop {
            let frame = self.frame(deadline)?.ok_or_else(|| self.silent())?;
            if frame.first() != Some(&b'>') {
                return Ok(frame);
            }
            self.pushes.push_back(frame);
        }
    }

    /// The next push's bytes, if one has come or comes within the time.
    pub fn push(&mut self, within: Duration) -> Outcome<Option<Vec<u8>>> {
        if let Some(push) = self.pushes.pop_front() {
            return Ok(Some(push));
        }
        self.frame(Instant::now() + within)
    }

    /// One command and its reply's bytes.
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Outcome<Vec<u8>> {
        self.send(words)?;
        self.reply()
    }

    /// One command, written as for `redis-cli`, and its reply's bytes.
    pub fn line(&mut self, line: &str) -> Outcome<Vec<u8>> {
        self.call(&words::split(line.as_bytes())?).map_err(|failure| failure.during(line))
    }

    /// One command, written as for `redis-cli`, and its decoded reply.
    pub fn value(&mut self, line: &str) -> Outcome<Value> {
        Value::decode(&self.line(line)?)
    }

    /// Runs a command and fails unless its reply is exactly this, `\r\n` at its end understood.
    pub fn expect(&mut self, line: &str, reply: &str) -> Outcome<()> {
        same(&self.line(line)?, format!("{reply}\r\n").as_bytes(), line)
    }

    /// Sends all the commands at once, then reads all their replies.
    pub fn pipeline<W: AsRef<[u8]>>(&mut self, commands: &[Vec<W>]) -> Outcome<Vec<Vec<u8>>> {
        let bytes: Vec<u8> = commands.iter().flat_map(|words| command(words)).collect();
        // The server may stop reading while its replies are not read: write from beside.
        let mut writer = self.stream.try_clone()?;
        std::thread::scope(|scope| {
            let sent = scope.spawn(move || writer.write_all(&bytes));
            let replies = commands.iter().map(|_| self.reply()).collect::<Outcome<Vec<_>>>();
            sent.join().map_err(|_| Failure::new("the writing thread died"))??;
            replies
        })
    }

    /// A field of INFO, such as `used_memory`.
    pub fn info(&mut self, field: &str) -> Outcome<String> {
        self.info_of("INFO everything", field)
    }

    /// A field of another command's reply that is written like that of INFO.
    pub fn info_of(&mut self, command: &str, field: &str) -> Outcome<String> {
        let reply = self.line(command)?;
        let text = String::from_utf8_lossy(&reply).into_owned();
        let prefix = format!("{field}:");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.map(str::to_owned).ok_or_else(|| Failure::new(format!("{command} has no {field}")))
    }

    /// The next whole frame, or None when the time is up.
    fn frame(&mut self, deadline: Instant) -> Outcome<Option<Vec<u8>>> {
        loop {
            if let Some(length) = frame_length(&self.unread)? {
                let rest = self.unread.split_off(length);
                return Ok(Some(std::mem::replace(&mut self.unread, rest)));
            }
            if !self.fill(deadline)? {
                return Ok(None);
            }
        }
    }

    /// Reads what has come; false when the time is up.
    fn fill(&mut self, deadline: Instant) -> Outcome<bool> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut chunk = vec![0; 1 << 16];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Failure::new("the server closed the connection")),
            Ok(count) => {
                self.unread.extend(chunk.iter().take(count));
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn silent(&self) -> Failure {
        Failure::new(format!("no reply within {:?}", self.patience))
    }
}

/// The command as an array of bulk strings.
fn command<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words.iter().map(AsRef::as_ref) {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend(word);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// Length in bytes of the first reply or push, or None while it is not whole.
///
/// Knows every type of RESP2 and RESP3; an attribute belongs to the reply that follows it.
pub fn frame_length(bytes: &[u8]) -> Outcome<Option<usize>> {
    let mut at = 0_usize;
    let mut missing = 1_usize;
    while missing > 0 {
        let Some((line, next)) = header(bytes, at) else { return Ok(None) };
        let (skip, children) = extent(line)?;
        at = next.saturating_add(skip);
        missing = (missing - 1).saturating_add(children);
    }
    Ok((at <= bytes.len()).then_some(at))
}

/// The line that starts at `at`, and where the next one starts.
fn header(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    Some((rest.get(..end)?, at + end + 2))
}

/// What follows a header line: bytes of payload, and values.
fn extent(line: &[u8]) -> Outcome<(usize, usize)> {
    let (kind, rest) = line.split_first().ok_or_else(|| Failure::new("empty RESP line"))?;
    match kind {
        b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => Ok((0, 0)),
        b'$' | b'=' | b'!' => Ok((count(rest)?.map_or(0, |length| length.saturating_add(2)), 0)),
        b'*' | b'~' | b'>' => Ok((0, count(rest)?.unwrap_or(0))),
        b'%' => Ok((0, count(rest)?.unwrap_or(0).saturating_mul(2))),
        b'|' => Ok((0, count(rest)?.unwrap_or(0).saturating_mul(2).saturating_add(1))),
        _ => Err(Failure::new(format!("no RESP type: {:?}", String::from_utf8_lossy(line)))),
    }
}

/// The number of a header; None for the null ones (`$-1`, `*-1`).
fn count(digits: &[u8]) -> Outcome<Option<usize>> {
    if digits == b"-1" {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(digits);
    text.parse().map(Some).map_err(|_| Failure::new(format!("no RESP length: {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let check = |whole: &[u8]| {
            let mut longer = whole.to_vec();
            longer.extend(b"+next\r\n");
            assert_eq!(frame_length(&longer).unwrap(), Some(whole.len()), "{whole:?}");
            for cut in 0..whole.len() {
                assert_eq!(frame_length(&whole[..cut]).unwrap(), None, "{whole:?} cut at {cut}");
            }
        };
        check(b"+OK\r\n");
        check(b"-ERR no\r\n");
        check(b"$-1\r\n");
        check(b"$0\r\n\r\n");
        check(b"$4\r\na\r\nb\r\n");
        check(b"*-1\r\n");
        check(b"*0\r\n");
        check(b"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n");
        check(b"%1\r\n+a\r\n~2\r\n#t\r\n_\r\n");
        check(b">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n");
        check(b"|1\r\n+ttl\r\n:3\r\n*1\r\n,1.5\r\n");
        check(b"=7\r\ntxt:abc\r\n");
        check(b"!3\r\nERR\r\n");
        check(b"(12345678901234567890\r\n");
    }

    #[test]
    fn refuses_what_is_no_resp() {
        for bytes in [&b"hello\r\n"[..], b"\r\n", b"$x\r\n", b"*-2\r\n"] {
            assert!(frame_length(bytes).is_err(), "{bytes:?}");
        }
    }
}
