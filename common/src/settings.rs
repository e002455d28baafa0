//! A module's settings: one table read by load arguments, CONFIG GET/SET and the documents.

use std::sync::atomic::{AtomicI64, Ordering};

/// The kind and the range of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`, stored as 1 and 0.
    Bool,
    /// One of these words; stored as its index.
    Choice(&'static [&'static str]),
    /// An integer from `min` to `max`.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A number of bytes from 0 to `max`; the server takes units (`100mb`).
    Memory {
        /// Greatest value.
        max: i64,
    },
    /// A number above 0 and below 1, stored as the bits of an `f64` ([`Setting::ratio`]).
    Ratio,
    /// A text in a grammar of its own, which the module keeps ([`Text`]).
    Text(Text),
}

/// A setting that is a text in a grammar of its own.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// The value when nothing is said.
    pub default: &'static str,
    /// Takes a new value, or says why not, in the words of the reference.
    pub accept: fn(&str) -> Result<(), String>,
    /// The present value.
    pub shown: fn() -> String,
}

/// Two settings never share their functions, so that the default tells enough.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.default == other.default
    }
}

impl Eq for Text {}

/// The stored form of a ratio.
const fn bits(ratio: f64) -> i64 {
    ratio.to_bits().cast_signed()
}

/// One setting and its present value.
#[derive(Debug)]
pub struct Setting {
    /// Name without the module's prefix.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Kind and range.
    pub kind: Kind,
    /// Value when nothing is said.
    pub default: i64,
    /// Fixed once the module is loaded: only load arguments and the configuration file set it.
    pub fixed: bool,
    /// Registered without the module's prefix where the server can.
    pub unprefixed: bool,
    /// Other names of the same setting, all behind the module's prefix.
    pub aliases: &'static [&'static str],
    /// Further names that only load arguments have.
    pub load_names: [Option<&'static str>; 2],
    /// Known among load arguments alone, and so never shown: what is secret.
    pub load_only: bool,
    /// Whether a value in range is refused all the same.
    pub refuses: Option<fn(i64) -> bool>,
    value: AtomicI64,
}

impl Setting {
    /// A setting at its default.
    pub const fn new(name: &'static str, about: &'static str, kind: Kind, default: i64) -> Self {
        Self {
            name,
            about,
            kind,
            default,
            fixed: false,
            unprefixed: false,
            aliases: &[],
            load_names: [None; 2],
            load_only: false,
            refuses: None,
            value: AtomicI64::new(default),
        }
    }

    /// A setting that is a ratio, at its default.
    pub const fn of_ratio(name: &'static str, about: &'static str, default: f64) -> Self {
        Self::new(name, about, Kind::Ratio, bits(default))
    }

    /// A setting that is a text, at its default.
    pub const fn of_text(name: &'static str, about: &'static str, text: Text) -> Self {
        Self::new(name, about, Kind::Text(text), 0)
    }

    /// Refusing some of the values in range.
    pub const fn refusing(self, refuses: fn(i64) -> bool) -> Self {
        Self { refuses: Some(refuses), ..self }
    }

    /// Under its bare name where the server can, behind the module's prefix elsewhere.
    pub const fn unprefixed(self) -> Self {
        Self { unprefixed: true, ..self }
    }

    /// With other names for the same setting.
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// With a further name among load arguments, of which there may be two.
    pub const fn load_name(self, name: &'static str) -> Self {
        let load_names = match self.load_names {
            [None, last] => [Some(name), last],
            [first, _] => [first, Some(name)],
        };
        Self { load_names, ..self }
    }

    /// Known among load arguments alone.
    pub const fn load_only(self) -> Self {
        Self { load_only: true, ..self }
    }

    /// Whether a load argument of this name means this setting.
    pub fn is_named(&self, name: &str) -> bool {
        [self.name]
            .iter()
            .chain(self.aliases)
            .chain(self.load_names.iter().flatten())
            .any(|n| n.eq_ignore_ascii_case(name))
    }

    /// A setting that cannot change once the module is loaded.
    pub const fn fixed(self) -> Self {
        Self { fixed: true, ..self }
    }

    /// The present value.
    pub fn get(&self) -> i64 {
        self.value.load(Ordering::Relaxed)
    }

    /// The present value of a setting that is a ratio.
    pub fn ratio(&self) -> f64 {
        f64::from_bits(self.get().cast_unsigned())
    }

    /// The present value of a setting that is a text, empty for others.
    pub fn text(&self) -> String {
        if let Kind::Text(text) = self.kind { (text.shown)() } else { String::new() }
    }

    /// Sets the value of a setting that is a text.
    ///
    /// # Errors
    /// Why it is refused, and nothing changed.
    pub fn set_text(&self, value: &str) -> Result<(), String> {
        match self.kind {
            Kind::Text(text) => (text.accept)(value),
            Kind::Bool
            | Kind::Choice(_)
            | Kind::Integer { .. }
            | Kind::Memory { .. }
            | Kind::Ratio => Err(format!("Invalid value for `{}`", self.name)),
        }
    }

    /// Sets the value.
    ///
    /// # Errors
    /// `false`, and nothing changed, if it is out of range.
    pub fn set(&self, value: i64) -> bool {
        let fits = match self.kind {
            Kind::Bool => (0..=1).contains(&value),
            Kind::Choice(words) => usize::try_from(value).is_ok_and(|index| index < words.len()),
            Kind::Integer { min, max } => (min..=max).contains(&value),
            Kind::Memory { max } => (0..=max).contains(&value),
            Kind::Ratio => {
                let ratio = f64::from_bits(value.cast_unsigned());
                ratio > 0.0 && ratio < 1.0
            }
            Kind::Text(_) => false,
        };
        let fits = fits && !self.refuses.is_some_and(|refuses| refuses(value));
        if fits {
            self.value.store(value, Ordering::Relaxed);
        }
        fits
    }

    /// Reads the value from a word of the load arguments: a choice's name, `yes`/`no`, a number.
    pub fn parse(&self, word: &str) -> Option<i64> {
        match self.kind {
            Kind::Bool => ["no", "yes"].iter().position(|w| w.eq_ignore_ascii_case(word)),
            Kind::Choice(words) => words.iter().position(|w| w.eq_ignore_ascii_case(word)),
            Kind::Integer { .. } => return word.parse().ok(),
            Kind::Memory { .. } => return bytes(word),
            Kind::Ratio => return crate::number::parse_f64(word.as_bytes()).map(bits),
            Kind::Text(_) => None,
        }
        .and_then(|index| i64::try_from(index).ok())
    }
}

/// A number of bytes with the servers' units: `k m g` are powers of 1000, `kb mb gb` of 1024.
fn bytes(word: &str) -> Option<i64> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = word.split_at_checked(digits)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// The value of one line of INFO.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure<'a> {
    /// A count, or a number of bytes.
    Count(u64),
    /// Text.
    Text(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, word: &str, expected: Option<i64>) {
        assert_eq!(Setting::new("x", "", kind, 0).parse(word), expected, "{kind:?} {word}");
    }

    #[test]
    fn words_are_read_by_kind() {
        let memory = Kind::Memory { max: i64::MAX };
        for (word, expected) in [
            ("0", Some(0)),
            ("17b", Some(17)),
            ("2k", Some(2000)),
            ("2KB", Some(2048)),
            ("100mb", Some(100 << 20)),
            ("1g", Some(1_000_000_000)),
            ("1gb", Some(1 << 30)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775807k", None),
            ("mb", None),
            ("-1", None),
            ("1tb", None),
            ("", None),
        ] {
            check(memory, word, expected);
        }
        check(Kind::Bool, "YES", Some(1));
        check(Kind::Bool, "1", None);
        check(Kind::Choice(&["compatible", "strict"]), "Strict", Some(1));
        check(Kind::Choice(&["compatible", "strict"]), "lax", None);
        check(Kind::Integer { min: 0, max: 9 }, "-3", Some(-3));
        check(Kind::Ratio, "0.25", Some(bits(0.25)));
        check(Kind::Ratio, "x", None);
    }

    #[test]
    fn a_value_out_of_range_changes_nothing() {
        let setting = Setting::new("x", "", Kind::Integer { min: 1, max: 5 }, 2);
        assert!(!setting.set(0) && !setting.set(6) && setting.get() == 2);
        assert!(setting.set(5) && setting.get() == 5);
        let ratio = Setting::of_ratio("x", "", 0.5);
        for bad in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
            assert!(!ratio.set(bits(bad)), "{bad}");
        }
        assert!(ratio.set(bits(0.25)) && ratio.ratio() == 0.25);
    }

    #[test]
    fn a_setting_answers_to_each_of_its_names() {
        let setting = Setting::new("x-y", "", Kind::Bool, 0).aliases(&["z"]);
        let setting = setting.load_name("OLD").load_name("OLDER");
        for (name, expected) in
            [("X-Y", true), ("z", true), ("old", true), ("older", true), ("x", false)]
        {
            assert_eq!(setting.is_named(name), expected, "{name}");
        }
    }

    #[test]
    fn a_text_is_the_modules_own() {
        fn accept(text: &str) -> Result<(), String> {
            if text.is_empty() { Err("empty".to_owned()) } else { Ok(()) }
        }
        let text = Text { default: "none", accept, shown: || "shown".to_owned() };
        let setting = Setting::of_text("x", "", text);
        assert_eq!((setting.text(), setting.set_text("A")), ("shown".to_owned(), Ok(())));
        assert_eq!(setting.set_text(""), Err("empty".to_owned()));
        assert!(!setting.set(0) && Setting::new("y", "", Kind::Bool, 0).set_text("A").is_err());
    }

    #[test]
    fn a_value_in_range_may_be_refused() {
        let even = Setting::new("x", "", Kind::Integer { min: 0, max: 9 }, 2);
        let even = even.refusing(|value| value % 2 == 1);
        assert!(even.set(4) && !even.set(5) && even.get() == 4);
    }
}
