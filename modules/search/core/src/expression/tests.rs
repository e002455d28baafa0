//! Expressions read and judged.

use super::*;

/// Name and text, or no text for what is not there.
struct Document;

impl Properties for Document {
    fn property(&self, name: &[u8]) -> Option<Value> {
        let text = |text: &str| Some(Value::Text(text.as_bytes().into()));
        match name {
            b"age" => text("17"),
            b"name" => text("Gerda"),
            b"empty" => text(""),
            b"n" => Some(Value::Number(2.5)),
            _ => None,
        }
    }
}

fn check(text: &str, expected: Result<bool, Malformed>) {
    let held = Expression::parse(text.as_bytes()).map(|one| one.holds(&Document));
    assert_eq!(held, expected, "{text}");
}

#[test]
fn expressions_hold_or_do_not() {
    for text in [
        "@age==17",
        "@age == \"17\"",
        "@age > 9",
        "@age>=17 && @age <= 17",
        "@name == 'Gerda'",
        "@name != \"x\" && !(@name == 'x')",
        "startswith(@name, 'Ger')",
        "contains(@name, 'e') == 1 && contains('aaa', 'aa') == 2",
        "!exists(@none) && exists(@empty)",
        "exists(@age) || @none == 1",
        "@n * 2 + 1 == 6",
        "1 + 2 * 3 == 7 && 2 ^ 3 == 8 && 7 % 4 == 3 && -1 < 0",
        "upper(@name) == 'GERDA' && lower('A') == 'a' && strlen(@name) == 5",
        "substr(@name, 1, 2) == 'er' && substr(@name, -2, -1) == 'd'",
        "case(@age < 18, 'minor', 'adult') == 'minor'",
        "to_number('5') == 5 && to_str(5) == '5' && floor(2.5) == 2 && abs(-1) == 1",
        "'it\\'s' == \"it's\"",
        "@n",
    ] {
        check(text, Ok(true));
    }
    for text in [
        "@age<17",
        "@none == 1",
        "!(@none == 1)",
        "@none || 1",
        "@empty",
        "NULL",
        "@name + 1 == 1",
        "0",
        "@age > 'x' && 0",
    ] {
        check(text, Ok(false));
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in
        ["", "@", "1 +", "(1", "1)", "'a", "f(1)", "lower()", "strlen(1, 2)", "@a = 1", "1 2"]
    {
        check(text, Err(Malformed));
    }
    check(&"(".repeat(10_000), Err(Malformed));
    check(&"!".repeat(10_000), Err(Malformed));
    check(&format!("{}1{}", "(".repeat(50), ")".repeat(50)), Ok(true));
}
