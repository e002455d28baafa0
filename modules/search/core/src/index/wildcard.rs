//! `?` for any byte, `*` for any number of them.

/// Whether `text` looks like `pattern`. A backslash takes a sign its meaning.
///
/// Steps back to the last star only: O(pattern * text) at worst.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match step(pattern, text) {
            Step::Star(rest) => {
                retry = Some((rest, text));
                pattern = rest;
            }
            Step::Matched(rest, behind) => (pattern, text) = (rest, behind),
            Step::End => return true,
            Step::Failed => {
                let Some((rest, [_, behind @ ..])) = retry else { return false };
                retry = Some((rest, behind));
                (pattern, text) = (rest, behind);
            }
        }
    }
}

enum Step<'a> {
    Star(&'a [u8]),
    Matched(&'a [u8], &'a [u8]),
    End,
    Failed,
}

fn step<'a>(pattern: &'a [u8], text: &'a [u8]) -> Step<'a> {
    match (pattern, text) {
        ([], []) => Step::End,
        ([b'*', rest @ ..], _) => Step::Star(rest),
        ([b'?', rest @ ..], [_, behind @ ..]) => Step::Matched(rest, behind),
        ([b'\\', sign, rest @ ..], [byte, behind @ ..]) if sign == byte => {
            Step::Matched(rest, behind)
        }
        ([sign, rest @ ..], [byte, behind @ ..]) if sign == byte => Step::Matched(rest, behind),
        _ => Step::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_for_bytes() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        };
        check("f?o*", "foobar", true);
        check("f?o*", "fooo", true);
        check("f?o", "fo", false);
        check("*b*d", "abcbd", true);
        check("*b*d", "abcbde", false);
        check("*", "", true);
        check("a\\*", "a*", true);
        check("a\\*", "ab", false);
        check("", "a", false);
        check(&"*a".repeat(40), &"a".repeat(30), false);
    }
}
