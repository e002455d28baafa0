//! What the server says of its commands: which read, which write, and where their keys are.

use std::collections::HashSet;

use redis::Value;

/// What the cache needs to know of a command, from `COMMAND INFO`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    flags: HashSet<String>,
    volatile: bool,
    specs: Vec<Spec>,
    containers: bool,
}

/// Where some of the keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spec {
    /// `(first, last from the first or from the end, step, limit)`
    Range { first: usize, last: i64, step: usize, limit: usize },
    /// A number, and after it so many keys.
    Counted { first: usize, number: usize, key: usize, step: usize },
    /// Somewhere that only the server can tell.
    Unknown,
}

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate<'a> {
    /// It reads these keys and nothing else: its reply may be cached.
    Cached(Vec<&'a [u8]>),
    /// It may write these keys.
    Sent(Vec<&'a [u8]>),
    /// It may write keys that only the server knows.
    Hidden,
    /// It writes everything.
    Sweeping,
    /// It may not be sent over a shared connection.
    Refused,
}

/// Commands that change the connection rather than the data, or take it over.
const REFUSED: [&str; 20] = [
    "asking",
    "auth",
    "client",
    "discard",
    "exec",
    "hello",
    "monitor",
    "multi",
    "psubscribe",
    "psync",
    "punsubscribe",
    "quit",
    "readonly",
    "readwrite",
    "reset",
    "select",
    "ssubscribe",
    "subscribe",
    "sync",
    "watch",
];

/// Reads whose replies change though no key does, or which do more than they say.
const VOLATILE: [&str; 14] = [
    "dump",
    "eval_ro",
    "evalsha_ro",
    "expiretime",
    "fcall_ro",
    "hexpiretime",
    "hpexpiretime",
    "hpttl",
    "httl",
    "object",
    "pexpiretime",
    "pttl",
    "touch",
    "ttl",
];

/// Writes of everything.
const SWEEPING: [&str; 3] = ["flushall", "flushdb", "swapdb"];

impl Shape {
    /// Reads one element of the reply to `COMMAND INFO`; None when the server has no such command.
    pub(crate) fn read(info: &Value) -> Option<Self> {
        let Value::Array(fields) = info else { return None };
        let flags = texts(fields.get(2)?).into_iter().collect();
        let tips = fields.get(7).map(texts).unwrap_or_default();
        let specs = fields.get(8).map(items).unwrap_or_default().iter().map(Spec::read).collect();
        let containers = fields.get(9).is_some_and(|commands| !items(commands).is_empty());
        let volatile = tips.iter().any(|tip| tip == "nondeterministic_output");
        Some(Self { flags, volatile, specs, containers })
    }

    /// What becomes of this command; its name is the first word, which names this shape.
    pub(crate) fn fate<'a>(&self, words: &[&'a [u8]]) -> Fate<'a> {
        let name = name(words);
        if self.has("blocking") || REFUSED.contains(&name.as_str()) {
            return Fate::Refused;
        }
        let keys = self.keys(words);
        match keys {
            _ if SWEEPING.contains(&name.as_str()) => Fate::Sweeping,
            Some(keys) if !keys.is_empty() && self.is_cacheable(&name) => Fate::Cached(keys),
            Some(keys) => Fate::Sent(keys),
            None if self.has("readonly") => Fate::Sent(Vec::new()),
            None => Fate::Hidden,
        }
    }

    fn is_cacheable(&self, name: &str) -> bool {
        let fit = self.has("readonly") && !self.has("write") && !self.volatile && !self.containers;
        fit && !name.contains("scan") && !VOLATILE.contains(&name)
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.contains(flag)
    }

    /// The keys among the words; None when only the server knows all of them.
    fn keys<'a>(&self, words: &[&'a [u8]]) -> Option<Vec<&'a [u8]>> {
        if self.containers {
            return None;
        }
        let mut keys = Vec::new();
        for spec in &self.specs {
            keys.extend(spec.keys(words)?);
        }
        keys.sort_unstable();
        keys.dedup();
        Some(keys)
    }
}

impl Spec {
    fn read(spec: &Value) -> Self {
        Self::known(spec).unwrap_or(Self::Unknown)
    }

    fn known(spec: &Value) -> Option<Self> {
        if texts(field(spec, "flags")?).iter().any(|flag| flag == "incomplete") {
            return None;
        }
        let begin = field(spec, "begin_search")?;
        if text(field(begin, "type")?)? != "index" {
            return None;
        }
        let first = usize::try_from(integer(field(begin, "spec")?, "index")?).ok()?;
        let find = field(spec, "find_keys")?;
        let place = field(find, "spec")?;
        let number = |name| usize::try_from(integer(place, name)?).ok();
        let step = || number("keystep").filter(|step| *step > 0);
        match text(field(find, "type")?)?.as_str() {
            "range" => {
                let last = integer(place, "lastkey")?;
                Some(Self::Range { first, last, step: step()?, limit: number("limit")? })
            }
            "keynum" => {
                let (number, key) = (number("keynumidx")?, number("firstkey")?);
                Some(Self::Counted { first, number, key, step: step()? })
            }
            _ => None,
        }
    }

    fn keys<'a>(&self, words: &[&'a [u8]]) -> Option<Vec<&'a [u8]>> {
        match *self {
            Self::Range { first, last, step, limit } => {
                let end = end(first, last, limit, words.len())?;
                let range = words.get(first..end).unwrap_or_default();
                Some(range.iter().step_by(step).copied().collect())
            }
            Self::Counted { first, number, key, step } => {
                let digits = words.get(first.checked_add(number)?)?;
                let count: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
                let rest = words.get(first.checked_add(key)?..)?;
                let keys: Vec<&[u8]> = rest.iter().step_by(step).take(count).copied().collect();
                (keys.len() == count).then_some(keys)
            }
            Self::Unknown => None,
        }
    }
}

/// One past the last key: `last` counts from the first one, or from the end when it is negative;
/// there, a `limit` of 2 or more divides what is left.
fn end(first: usize, last: i64, limit: usize, words: usize) -> Option<usize> {
    if let Ok(last) = usize::try_from(last) {
        return Some(first.checked_add(last)?.checked_add(1)?.min(words));
    }
    if last == -1 && limit >= 2 {
        let left = words.checked_sub(first)?;
        return first.checked_add(left / limit);
    }
    let back = usize::try_from(last.unsigned_abs()).ok()?;
    words.checked_add(1)?.checked_sub(back)
}

/// The first word in lower case.
pub(crate) fn name(words: &[&[u8]]) -> String {
    String::from_utf8_lossy(words.first().copied().unwrap_or_default()).to_ascii_lowercase()
}

fn items(value: &Value) -> &[Value] {
    if let Value::Array(items) | Value::Set(items) = value { items } else { &[] }
}

fn text(value: &Value) -> Option<String> {
    if let Value::SimpleString(text) = value {
        return Some(text.to_ascii_lowercase());
    }
    let Value::BulkString(bytes) = value else { return None };
    Some(String::from_utf8_lossy(bytes).to_ascii_lowercase())
}

fn texts(value: &Value) -> Vec<String> {
    items(value).iter().filter_map(text).collect()
}

fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(fields) = map else { return None };
    fields.iter().find(|(key, _)| text(key).is_some_and(|key| key == name)).map(|(_, value)| value)
}

fn integer(map: &Value, name: &str) -> Option<i64> {
    if let Value::Int(number) = field(map, name)? { Some(*number) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a server tells it: flags, tips, and of its key specs type and numbers.
    fn shape(flags: &str, tips: &str, specs: &[(&str, [i64; 4])]) -> Shape {
        let words = |text: &str| Value::Array(text.split_whitespace().map(simple).collect());
        let specs = specs.iter().map(|(kind, numbers)| spec(kind, *numbers)).collect();
        let info = vec![
            simple("name"),
            Value::Int(-2),
            words(flags),
            Value::Int(0),
            Value::Int(0),
            Value::Int(0),
            words(""),
            words(tips),
            Value::Array(specs),
            words(""),
        ];
        Shape::read(&Value::Array(info)).unwrap()
    }

    fn simple(text: &str) -> Value {
        Value::SimpleString(text.into())
    }

    fn map(fields: &[(&str, Value)]) -> Value {
        Value::Map(fields.iter().map(|(name, value)| (simple(name), value.clone())).collect())
    }

    fn spec(kind: &str, [index, second, third, fourth]: [i64; 4]) -> Value {
        let int = Value::Int;
        let place = match kind {
            "range" => {
                map(&[("lastkey", int(second)), ("keystep", int(third)), ("limit", int(fourth))])
            }
            _ => map(&[
                ("keynumidx", int(second)),
                ("firstkey", int(third)),
                ("keystep", int(fourth)),
            ]),
        };
        let begin = map(&[("type", simple("index")), ("spec", map(&[("index", int(index))]))]);
        let find = map(&[("type", simple(kind)), ("spec", place)]);
        let flags = Value::Set(vec![simple("RO"), simple("access")]);
        map(&[("flags", flags), ("begin_search", begin), ("find_keys", find)])
    }

    fn check(shape: &Shape, line: &str, fate: &Fate<'_>) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        assert_eq!(shape.fate(&words), *fate, "{line}");
    }

    #[test]
    fn reads_are_cached_by_their_keys() {
        let one = shape("readonly fast", "", &[("range", [1, 0, 1, 0])]);
        check(&one, "HGET h f", &Fate::Cached(vec![b"h"]));
        check(&one, "HSCAN h 0", &Fate::Sent(vec![b"h"]));
        check(&one, "PTTL h", &Fate::Sent(vec![b"h"]));
        check(&one, "HGET", &Fate::Sent(vec![]));
        let all = shape("readonly", "", &[("range", [1, -1, 1, 0])]);
        check(&all, "SINTER b a b", &Fate::Cached(vec![b"a", b"b"]));
        let but_one = shape("readonly", "", &[("range", [1, -2, 1, 0])]);
        check(&but_one, "JSON.MGET a b $", &Fate::Cached(vec![b"a", b"b"]));
        let counted = shape("readonly", "", &[("keynum", [1, 0, 1, 1])]);
        check(&counted, "SINTERCARD 2 a b LIMIT 1", &Fate::Cached(vec![b"a", b"b"]));
        check(&counted, "SINTERCARD 3 a b", &Fate::Sent(vec![]));
        let half = shape("readonly", "", &[("range", [3, -1, 1, 2])]);
        check(&half, "X - - a b 1 2", &Fate::Cached(vec![b"a", b"b"]));
        let random = shape("readonly", "nondeterministic_output", &[("range", [1, 0, 1, 0])]);
        check(&random, "SRANDMEMBER s", &Fate::Sent(vec![b"s"]));
        let order = shape("readonly", "nondeterministic_output_order", &[("range", [1, 0, 1, 0])]);
        check(&order, "SMEMBERS s", &Fate::Cached(vec![b"s"]));
        check(&shape("readonly", "", &[]), "DBSIZE", &Fate::Sent(vec![]));
    }

    #[test]
    fn writes_are_sent() {
        let pairs = shape("write denyoom", "", &[("range", [1, -1, 2, 0])]);
        check(&pairs, "MSET a 1 b 2", &Fate::Sent(vec![b"a", b"b"]));
        check(&shape("write", "", &[("other", [1, 0, 1, 0])]), "SORT a STORE b", &Fate::Hidden);
        check(&shape("write", "", &[]), "FLUSHALL", &Fate::Sweeping);
        check(
            &shape("write blocking", "", &[("range", [1, -2, 1, 0])]),
            "BLPOP a 0",
            &Fate::Refused,
        );
        for line in ["MULTI", "client tracking off", "Select 1", "SUBSCRIBE c"] {
            check(&shape("fast", "", &[]), line, &Fate::Refused);
        }
    }
}
