//! Regular expressions: the regex crate's for `=~`, I-Regexp (RFC 9485) for `match` and `search`.

use regex::bytes::{Regex, RegexBuilder};

use super::ast::Flavour;
use super::{Dialect, REGEX_BYTES_MAX};

/// Longest pattern, in bytes: what compiling it may cost depends on it.
const PATTERN_MAX: usize = 4096;

/// Most positions of a pattern, counted as [`positions`] does. Above, a hostile pattern makes the
/// regex crate leave its fast engine: measured, 1 us a byte at 600 positions, 48 us at 2500.
const POSITIONS_MAX: u64 = 1000;
/// Positions times bytes of text that count as one step.
const POSITION_BYTES_PER_STEP: u64 = 64;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Compiled {
    regex: Regex,
    positions: u64,
}

impl Compiled {
    /// Whether `text` matches. Time is at worst as [`steps`](Self::steps) says.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// How many steps of the budget a match with `text` counts for.
    pub(super) fn steps(&self, text: &[u8]) -> u64 {
        self.positions.saturating_mul(text.len() as u64) / POSITION_BYTES_PER_STEP
    }
}

/// What a running regular expression may cache, in bytes.
const DFA_BYTES_MAX: usize = 256 * 1024;

/// Why a pattern did not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Invalid,
    TooLarge,
}

/// Compiles `pattern`.
pub(super) fn compile(
    pattern: &[u8],
    flavour: Flavour,
    dialect: Dialect,
) -> Result<Compiled, Refusal> {
    if pattern.len() > PATTERN_MAX {
        return Err(Refusal::TooLarge);
    }
    let pattern = std::str::from_utf8(pattern).map_err(|_| Refusal::Invalid)?;
    let positions = positions(pattern.as_bytes());
    if positions > POSITIONS_MAX {
        return Err(Refusal::TooLarge);
    }
    let regex = match flavour {
        Flavour::Native => build(pattern),
        Flavour::Search => build(&translate(pattern, dialect)?),
        Flavour::Match => build(&format!(r"\A(?:{})\z", translate(pattern, dialect)?)),
    }?;
    Ok(Compiled { regex, positions })
}

/// How many characters the pattern has once its counted repetitions are written out, about; the
/// time of a match grows with it. A class counts as one.
fn positions(pattern: &[u8]) -> u64 {
    let mut outer = Vec::new();
    // Of the group that is open: all so far, and the last of it, which a count multiplies.
    let (mut sum, mut last) = (0u64, 0u64);
    let mut at = 0;
    while let Some(byte) = pattern.get(at) {
        let rest = pattern.get(at + 1..).unwrap_or_default();
        at += 1;
        match byte {
            b'(' => {
                outer.push(sum);
                (sum, last) = (0, 0);
            }
            b')' => {
                last = sum;
                sum = sum.saturating_add(outer.pop().unwrap_or_default());
            }
            b'{' => {
                let total = last.saturating_mul(count(rest));
                sum = sum.saturating_sub(last).saturating_add(total);
                last = total;
                at += rest.iter().position(|byte| *byte == b'}').map_or(0, |end| end + 1);
            }
            b'?' | b'*' | b'+' | b'|' => {}
            _ => {
                last = 1;
                sum = sum.saturating_add(1);
                at += item(*byte, rest);
            }
        }
    }
    sum
}

/// How many bytes of `rest` belong to the character or class that starts with `first`.
fn item(first: u8, rest: &[u8]) -> usize {
    match (first, rest) {
        (b'\\', [b'p' | b'P' | b'x' | b'u' | b'U', b'{', name @ ..]) => {
            2 + name.iter().position(|byte| *byte == b'}').map_or(0, |end| end + 1)
        }
        (b'\\', _) => rest.len().min(1),
        (b'[', _) => class(rest),
        _ => 0,
    }
}

/// How long a class is behind its bracket, the closing one included. One that follows the opening
/// bracket or its `^` is a character.
fn class(rest: &[u8]) -> usize {
    let mut at = usize::from(rest.starts_with(b"^"));
    at += usize::from(rest.get(at) == Some(&b']'));
    while let Some(byte) = rest.get(at) {
        match byte {
            b']' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The largest number of a repetition, which starts behind its brace; at least 1.
fn count(rest: &[u8]) -> u64 {
    let numbers = rest.split(|byte| *byte == b'}').next().unwrap_or_default();
    let values = numbers.split(|byte| *byte == b',').map(|digits| {
        digits.iter().filter(|byte| byte.is_ascii_digit()).fold(0u64, |value, digit| {
            value.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        })
    });
    values.max().unwrap_or(1).max(1)
}

fn build(pattern: &str) -> Result<Regex, Refusal> {
    let built = RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(DFA_BYTES_MAX)
        .build();
    built.map_err(|error| {
        let too_large = matches!(error, regex::Error::CompiledTooBig(_));
        if too_large { Refusal::TooLarge } else { Refusal::Invalid }
    })
}

/// An I-Regexp in the regex crate's syntax. Its dot does not match a carriage return. The strict
/// dialect refuses what is no I-Regexp; `^` and `$` are anchors, as the compliance suite has them.
fn translate(pattern: &str, dialect: Dialect) -> Result<String, Refusal> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut class = false;
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let escaped = characters.next().ok_or(Refusal::Invalid)?;
                if dialect == Dialect::Strict && !is_escape(escaped) {
                    return Err(Refusal::Invalid);
                }
                out.push('\\');
                out.push(escaped);
                continue;
            }
            '.' if !class => {
                out.push_str(r"[^\n\r]");
                continue;
            }
            '(' if !class && characters.peek() == Some(&'?') && dialect == Dialect::Strict => {
                return Err(Refusal::Invalid);
            }
            '[' if class && dialect == Dialect::Strict => return Err(Refusal::Invalid),
            // Set operations to the regex crate, plain characters to I-Regexp.
            '&' | '~' if class => out.push('\\'),
            '[' => class = true,
            ']' => class = false,
            _ => {}
        }
        out.push(character);
    }
    Ok(out)
}

fn is_escape(character: char) -> bool {
    matches!(
        character,
        '(' | ')' | '*' | '+' | '-' | '.' | '?' | '[' | '\\' | ']' | '^' | '$' | '{' | '|' | '}'
    ) || matches!(character, 'n' | 'r' | 't' | 'p' | 'P')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_write_repetitions_out() {
        for (pattern, expected) in [
            ("", 0),
            ("abc", 3),
            ("a{5}", 5),
            ("a{2,7}b", 8),
            ("a{3,}", 3),
            ("(ab){10}", 20),
            ("((a{10}b){10}c){10}", 1110),
            (r"\w+@\w+", 3),
            (r"\p{Lu}{4}\{", 5),
            ("a|b?", 2),
            (r"[a-z{\]}]{3}[^]x]", 4),
            ("[", 1),
            ("a{99999999999999999999999}", u64::MAX),
        ] {
            assert_eq!(positions(pattern.as_bytes()), expected, "{pattern}");
        }
    }

    #[test]
    fn patterns_compile_or_are_refused() {
        let check = |pattern: &str, dialect, expected: Result<bool, Refusal>| {
            let compiled = compile(pattern.as_bytes(), Flavour::Match, dialect);
            assert_eq!(compiled.map(|regex| regex.is_match(b"ab&")), expected, "{pattern}");
        };
        check("ab.", Dialect::Strict, Ok(true));
        check("b", Dialect::Strict, Ok(false));
        check("[a&&b]*", Dialect::Strict, Ok(true));
        check(r"\w\w.", Dialect::Strict, Err(Refusal::Invalid));
        check(r"\w\w.", Dialect::Redis, Ok(true));
        check("(?i)AB.", Dialect::Strict, Err(Refusal::Invalid));
        check("(?i)AB.", Dialect::Redis, Ok(true));
        check("(", Dialect::Redis, Err(Refusal::Invalid));
        check("(a{50}){50}", Dialect::Redis, Err(Refusal::TooLarge));
        check(&"a".repeat(5000), Dialect::Redis, Err(Refusal::TooLarge));
    }
}
