//! BF.EXISTS, BF.MEXISTS, BF.CARD, BF.INFO, BF.DEBUG.

use keyspan_bloom_core::bloom::{Filter, valkey};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    reply::Reply,
};

use super::{ITEM, KEY, error::Error, existing, row, shape::bytes_max};

/// The filter at `key`; RedisBloom takes a value of another type for an empty one here.
fn lenient<'h, H: Host<Filter>>(host: &'h mut H, key: Arg<'_>) -> Option<&'h Filter> {
    host.read(key).ok().flatten()
}

/// What no i64 holds is the greatest.
fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// `BF.EXISTS key item`
#[derive(Debug)]
pub struct Exists;

impl Command for Exists {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Whether an item may be in a filter",
        complexity: "O(K * L) where K is the number of hashes and L the number of sub-filters",
        arguments: &[KEY, ITEM],
        fast: true,
        ..row("bf.exists", Arity::Exactly(3), Access::Read)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let item = args.take().map_err(Error::arity(Self::ROW.name))?;
        reply.boolean(lenient(host, key).is_some_and(|filter| filter.contains(item.bytes)));
        Ok(())
    }
}

/// `BF.MEXISTS key item [item ...]`
#[derive(Debug)]
pub struct MExists;

impl Command for MExists {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Whether each item may be in a filter",
        complexity: "O(N * K * L) where N is the number of items, K the number of hashes and L the number of sub-filters",
        arguments: &[KEY, ITEM.multiple()],
        ..row("bf.mexists", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let items: Vec<&[u8]> = args.into_iter().map(|arg| arg.bytes).collect();
        reply.array(items.len());
        match lenient(host, key) {
            Some(filter) => filter.contains_many(&items, |found| reply.boolean(found)),
            None => items.iter().for_each(|_| reply.boolean(false)),
        }
        Ok(())
    }
}

/// `BF.CARD key`
#[derive(Debug)]
pub struct Card;

impl Command for Card {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "How many items a filter holds",
        complexity: "O(1)",
        since: "2.4.4",
        arguments: &[KEY],
        fast: true,
        ..row("bf.card", Arity::Exactly(2), Access::Read)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        reply.integer(integer(host.read(key)?.map_or(0, Filter::items)));
        Ok(())
    }
}

/// One line of BF.INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Capacity,
    Size,
    Filters,
    Items,
    Expansion,
    Error,
    Tightening,
    ScaledCapacity,
}

impl Figure {
    /// What BF.INFO says without a word.
    const ALL: [Self; 5] =
        [Self::Capacity, Self::Size, Self::Filters, Self::Items, Self::Expansion];

    fn of(word: &[u8]) -> Option<Self> {
        let own = [Self::Error, Self::Tightening, Self::ScaledCapacity];
        let is_named = |figure: &Self| word.eq_ignore_ascii_case(figure.keyword().as_bytes());
        Self::ALL.into_iter().chain(own).find(is_named)
    }

    const fn keyword(self) -> &'static str {
        match self {
            Self::Capacity => "CAPACITY",
            Self::Size => "SIZE",
            Self::Filters => "FILTERS",
            Self::Items => "ITEMS",
            Self::Expansion => "EXPANSION",
            Self::Error => "ERROR",
            Self::Tightening => "TIGHTENING",
            Self::ScaledCapacity => "MAXSCALEDCAPACITY",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Capacity => "Capacity",
            Self::Size => "Size",
            Self::Filters => "Number of filters",
            Self::Items => "Number of items inserted",
            Self::Expansion => "Expansion rate",
            Self::Error => "Error rate",
            Self::Tightening => "Tightening ratio",
            Self::ScaledCapacity => "Max scaled capacity",
        }
    }

    /// Its value, unless filters of this family have none.
    fn value(self, filter: &Filter, bytes_max: u64) -> Option<Value> {
        let chain = || match filter {
            Filter::Valkey(chain) => Some(chain),
            Filter::Redis(_) => None,
        };
        let scaling = || chain().filter(|chain| chain.expansion().is_some());
        Some(match self {
            Self::Capacity => Value::Count(filter.capacity()),
            Self::Size => Value::Count(filter.size_bytes()),
            Self::Filters => Value::Count(filter.links()),
            Self::Items => Value::Count(filter.items()),
            Self::Expansion => {
                filter.expansion().map_or(Value::None, |growth| Value::Count(growth.into()))
            }
            Self::Error => Value::Ratio(chain().map(valkey::Chain::error)?),
            Self::Tightening => Value::Ratio(scaling().map(valkey::Chain::tightening)?),
            Self::ScaledCapacity => Value::Count(scaling()?.scaled_capacity_max(bytes_max)),
        })
    }
}

enum Value {
    Count(u64),
    None,
    Ratio(f64),
}

impl Value {
    fn reply<R: Reply>(&self, reply: &mut R) {
        match *self {
            Self::Count(count) => reply.integer(integer(count)),
            Self::None => reply.null(),
            Self::Ratio(ratio) => reply.double(ratio),
        }
    }
}

/// `BF.INFO key [CAPACITY|SIZE|FILTERS|ITEMS|EXPANSION|ERROR|TIGHTENING|MAXSCALEDCAPACITY]`
#[derive(Debug)]
pub struct Info;

const fn word(name: &'static str, token: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::PureToken).token(token)
}

const WORDS: Argument = Argument::new("single_value", ArgumentKind::OneOf)
    .parts(&[
        word("capacity", "CAPACITY"),
        word("size", "SIZE"),
        word("filters", "FILTERS"),
        word("items", "ITEMS"),
        word("expansion", "EXPANSION"),
        word("error", "ERROR"),
        word("tightening", "TIGHTENING"),
        word("maxscaledcapacity", "MAXSCALEDCAPACITY"),
    ])
    .optional();

impl Command for Info {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "What a filter is and holds",
        complexity: "O(L) where L is the number of sub-filters",
        arguments: &[KEY, WORDS],
        fast: true,
        ..row("bf.info", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let word = args.take().ok();
        args.finish().map_err(Error::arity(Self::ROW.name))?;
        let bytes_max = bytes_max(host);
        let filter = existing(host, key)?;
        match word {
            None => describe(filter, bytes_max, reply),
            Some(word) => describe_one(filter, word.bytes, bytes_max, reply)?,
        }
        Ok(())
    }
}

fn describe<R: Reply>(filter: &Filter, bytes_max: u64, reply: &mut R) {
    reply.map(Figure::ALL.len());
    for figure in Figure::ALL {
        reply.simple(figure.label());
        figure.value(filter, bytes_max).unwrap_or(Value::None).reply(reply);
    }
}

/// In RESP2 the value stands alone in its array.
fn describe_one<R: Reply>(
    filter: &Filter,
    word: &[u8],
    bytes_max: u64,
    reply: &mut R,
) -> Result<(), Error> {
    let figure = Figure::of(word).ok_or(Error::InfoValue)?;
    let value = figure.value(filter, bytes_max).ok_or(Error::InfoValue)?;
    if reply.is_resp3() {
        reply.map(1);
        reply.simple(figure.label());
    } else {
        reply.array(1);
    }
    value.reply(reply);
    Ok(())
}

/// `BF.DEBUG key`
#[derive(Debug)]
pub struct Debug;

impl Command for Debug {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "What each sub-filter of a filter is and holds",
        complexity: "O(L) where L is the number of sub-filters",
        arguments: &[KEY],
        fast: true,
        ..row("bf.debug", Arity::AtLeast(1), Access::Read)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        args.finish().map_err(Error::arity(Self::ROW.name))?;
        let filter = existing(host, key)?;
        let lines = filter.debug_lines();
        reply.array(lines.len().saturating_add(1));
        reply.bulk(format!("size:{}", filter.items()).as_bytes());
        for (line, error) in lines {
            reply.bulk(format!("{line} ratio:{}", general(error)).as_bytes());
        }
        Ok(())
    }
}

/// A number as C's `%g` prints it: 6 digits, an exponent if it is below -4 or above 5, no zeros at
/// the end.
fn general(number: f64) -> String {
    let scientific = format!("{number:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let places = usize::try_from(5_i32.saturating_sub(exponent)).unwrap_or(0);
        return trimmed(&format!("{number:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(digits), exponent.unsigned_abs())
}

/// Without zeros at the end of a fraction.
fn trimmed(decimal: &str) -> &str {
    if decimal.contains('.') {
        return decimal.trim_end_matches('0').trim_end_matches('.');
    }
    decimal
}

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn numbers_print_as_in_c() {
        for (number, text) in [
            (0.01, "0.01"),
            (0.005, "0.005"),
            (0.00125, "0.00125"),
            (0.000_312_5, "0.0003125"),
            (0.000_1, "0.0001"),
            (0.000_078_125, "7.8125e-05"),
            (0.123_456_789, "0.123457"),
            (0.999_999_9, "1"),
            (0.000_099_999_99, "0.0001"),
            (5e-324, "4.94066e-324"),
            (1e-10, "1e-10"),
        ] {
            assert_eq!(general(number), text);
        }
    }
}
