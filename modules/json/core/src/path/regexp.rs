//! Regular expressions: the regex crate's for `=~`, I-Regexp (RFC 9485) for `match` and `search`.

use regex::bytes::{Regex, RegexBuilder};

use super::ast::Flavour;
use super::{Dialect, REGEX_BYTES_MAX};

/// Longest pattern, in bytes: what compiling it may cost depends on it.
const PATTERN_MAX: usize = 4096;

/// Why a pattern did not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Invalid,
    TooLarge,
}

/// Compiles `pattern`. Matching then takes time linear in the text.
pub(super) fn compile(
    pattern: &[u8],
    flavour: Flavour,
    dialect: Dialect,
) -> Result<Regex, Refusal> {
    if pattern.len() > PATTERN_MAX {
        return Err(Refusal::TooLarge);
    }
    let pattern = std::str::from_utf8(pattern).map_err(|_| Refusal::Invalid)?;
    match flavour {
        Flavour::Native => build(pattern),
        Flavour::Search => build(&translate(pattern, dialect)?),
        Flavour::Match => build(&format!(r"\A(?:{})\z", translate(pattern, dialect)?)),
    }
}

fn build(pattern: &str) -> Result<Regex, Refusal> {
    let built = RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => Refusal::TooLarge,
        _ => Refusal::Invalid,
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
