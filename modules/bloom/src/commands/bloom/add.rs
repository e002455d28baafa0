//! BF.RESERVE, BF.ADD, BF.MADD, BF.INSERT.

use keyspan_bloom_core::bloom::{Filter, Refusal};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number,
    reply::Reply,
    wire::Wire,
};

use super::{
    ITEM, KEY,
    error::Error,
    row,
    shape::{self, Shape, Wish, bytes_max},
};

/// What became of one item.
type Outcome = Result<bool, Refusal>;

const fn option(name: &'static str, kind: ArgumentKind, token: &'static str) -> Argument {
    Argument::new(name, kind).token(token).optional()
}

const EXPANSION: Argument = option("expansion", ArgumentKind::Integer, "EXPANSION");
const NON_SCALING: Argument = option("nonscaling", ArgumentKind::PureToken, "NONSCALING");

/// `BF.RESERVE key error_rate capacity [EXPANSION n] [NONSCALING]`
#[derive(Debug)]
pub struct Reserve;

impl Reserve {
    /// The most words RedisBloom takes, name and key left out.
    const WORDS_MAX: usize = 5;

    /// RedisBloom looks for each option by itself and passes over what it does not know.
    fn parse(mut args: Args<'_>, is_replicated: bool) -> Result<Wish, Error> {
        let arity = Error::arity(Self::ROW.name);
        if args.len() > Self::WORDS_MAX {
            return Err(Error::Arity(Self::ROW.name));
        }
        let (error, capacity) = (args.take().map_err(&arity)?, args.take().map_err(&arity)?);
        let error = shape::ratio(error.bytes).ok_or(Error::ErrorRate)?;
        let error = error.ok_or(Error::ErrorRateRange)?;
        let capacity = shape::capacity(capacity.bytes, is_replicated).ok_or(Error::Capacity)?;
        let capacity = capacity.ok_or(Error::CapacityRange)?;
        let expansion = Self::expansion(args, is_replicated)?;
        let is_non_scaling = keyword(args, b"NONSCALING").is_some();
        if is_non_scaling && expansion.is_some_and(|expansion| expansion > 0) {
            return Err(Error::CannotExpand);
        }
        let (error, capacity) = (Some(error), Some(capacity));
        Ok(Wish { error, capacity, expansion, is_non_scaling, ..Wish::default() })
    }

    fn expansion(args: Args<'_>, is_replicated: bool) -> Result<Option<u32>, Error> {
        let Some(mut rest) = keyword(args, b"EXPANSION") else { return Ok(None) };
        let word = rest.take().map_err(|_| Error::NoExpansion)?;
        let expansion = shape::expansion(word.bytes, is_replicated).ok_or(Error::Expansion)?;
        expansion.ok_or(Error::ExpansionRange).map(Some)
    }
}

/// The words behind a keyword.
fn keyword<'a>(mut args: Args<'a>, keyword: &[u8]) -> Option<Args<'a>> {
    while let Ok(word) = args.take() {
        if word.bytes.eq_ignore_ascii_case(keyword) {
            return Some(args);
        }
    }
    None
}

impl Command for Reserve {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Creates an empty filter",
        complexity: "O(1)",
        arguments: &[
            KEY,
            Argument::new("error_rate", ArgumentKind::Double),
            Argument::new("capacity", ArgumentKind::Integer),
            EXPANSION,
            NON_SCALING,
        ],
        fast: true,
        ..row("bf.reserve", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let is_replicated = host.is_replicated();
        let wish = Self::parse(args, is_replicated)?;
        if host.read(key)?.is_some() {
            return Err(Error::Exists);
        }
        let shape = wish.shape(is_replicated);
        let filter = shape.filter(bytes_max(host))?;
        host.insert(key, filter);
        let says_all = wish.is_non_scaling || wish.expansion.is_some();
        match shape {
            Shape::Redis(_) if says_all => host.replicate(),
            Shape::Redis(shape) => {
                let (error, capacity) = (shape.error.to_string(), shape.capacity.to_string());
                let growth = shape.growth.to_string();
                let words = [&error, &capacity, "EXPANSION", &growth].map(str::as_bytes);
                host.replicate_as("BF.RESERVE", &[&[key.bytes], &words[..]].concat());
            }
            Shape::Valkey(_) => replicate_insert(host, key, shape, &[]),
        }
        host.changed(key, "bloom.reserve");
        reply.ok();
        Ok(())
    }
}

/// Says a creation, and items added with it, so that other settings make the same filter of it.
fn replicate_insert<H: Host<Filter>>(host: &mut H, key: Arg<'_>, shape: Shape, items: &[&[u8]]) {
    let options = shape.words();
    let mut words = vec![key.bytes];
    words.extend(options.iter().map(Vec::as_slice));
    if !items.is_empty() {
        words.push(b"ITEMS");
        words.extend(items);
    }
    host.replicate_as("BF.INSERT", &words);
}

/// Adds items to the filter at `key`, or to one that `wish` makes; what became of each, to the first
/// that was refused. Tells everyone what changed.
fn add_all<H: Host<Filter>>(
    host: &mut H,
    key: Arg<'_>,
    wish: Option<Wish>,
    items: &[&[u8]],
) -> Result<Vec<Outcome>, Error> {
    let bytes_max = bytes_max(host);
    let mut outcomes = Vec::with_capacity(items.len());
    if let Some(filter) = host.write(key)? {
        filter.insert_many(items, bytes_max, |outcome| outcomes.push(outcome));
        if outcomes.contains(&Ok(true)) {
            if outcomes.iter().all(Result::is_ok) {
                host.replicate();
            } else {
                // A replica may have room for the one that was refused.
                let words = [&[key.bytes], accepted(items, &outcomes)].concat();
                host.replicate_as("BF.MADD", &words);
            }
            host.changed(key, "bloom.add");
        }
        return Ok(outcomes);
    }
    let wish = wish.ok_or(Error::Missing)?;
    let shape = wish.shape(host.is_replicated());
    if let Some(capacity) = wish.scale_to.filter(|_| !host.is_replicated()) {
        shape.check_scale(capacity, bytes_max)?;
    }
    let mut filter = shape.filter(bytes_max)?;
    filter.insert_many(items, bytes_max, |outcome| outcomes.push(outcome));
    host.insert(key, filter);
    replicate_insert(host, key, shape, accepted(items, &outcomes));
    host.changed(key, "bloom.reserve");
    if outcomes.contains(&Ok(true)) {
        host.changed(key, "bloom.add");
    }
    Ok(outcomes)
}

/// The items before the one that was refused.
fn accepted<'i, 'a>(items: &'i [&'a [u8]], outcomes: &[Outcome]) -> &'i [&'a [u8]] {
    let count = outcomes.iter().take_while(|outcome| outcome.is_ok()).count();
    items.get(..count).unwrap_or_default()
}

fn answer<R: Reply>(outcomes: &[Outcome], reply: &mut R) {
    reply.array(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Ok(added) => reply.boolean(*added),
            Err(refusal) => reply.error(&Error::Refused(*refusal).wire()),
        }
    }
}

fn words<'a>(args: Args<'a>) -> Vec<&'a [u8]> {
    args.into_iter().map(|arg| arg.bytes).collect()
}

/// `BF.ADD key item`
#[derive(Debug)]
pub struct Add;

impl Command for Add {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds an item, and creates the filter if there is none",
        complexity: "O(K * L) where K is the number of hashes and L the number of sub-filters",
        arguments: &[KEY, ITEM],
        ..row("bf.add", Arity::Exactly(3), Access::Grow)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let item = args.take().map_err(Error::arity(Self::ROW.name))?;
        let bytes_max = bytes_max(host);
        let Some(filter) = host.write(key)? else {
            return add_first(host, key, item, reply);
        };
        let added = filter.insert(item.bytes, bytes_max).map_err(Error::Refused)?;
        if added {
            host.replicate();
            host.changed(key, "bloom.add");
        }
        reply.boolean(added);
        Ok(())
    }
}

/// BF.ADD to a new filter.
fn add_first<H: Host<Filter>, R: Reply>(
    host: &mut H,
    key: Arg<'_>,
    item: Arg<'_>,
    reply: &mut R,
) -> Result<(), Error> {
    let outcomes = add_all(host, key, Some(Wish::default()), &[item.bytes])?;
    reply.boolean(outcomes.contains(&Ok(true)));
    Ok(())
}

/// `BF.MADD key item [item ...]`
#[derive(Debug)]
pub struct MAdd;

impl Command for MAdd {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds items, and creates the filter if there is none",
        complexity: "O(N * K * L) where N is the number of items, K the number of hashes and L the number of sub-filters",
        arguments: &[KEY, ITEM.multiple()],
        ..row("bf.madd", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let outcomes = add_all(host, key, Some(Wish::default()), &words(args))?;
        answer(&outcomes, reply);
        Ok(())
    }
}

/// `BF.INSERT key [CAPACITY n] [ERROR r] [EXPANSION n] [NOCREATE] [NONSCALING] [TIGHTENING r]
/// [SEED bytes] [VALIDATESCALETO n] [ITEMS item [item ...]]`
#[derive(Debug)]
pub struct Insert;

/// The words of BF.INSERT behind the key.
struct Batch<'a> {
    wish: Option<Wish>,
    items: Vec<&'a [u8]>,
}

impl<'a> Batch<'a> {
    fn parse(mut args: Args<'a>, is_replicated: bool) -> Result<Self, Error> {
        let (mut wish, mut creates, mut items) = (Wish::default(), true, Vec::new());
        while let Ok(word) = args.take() {
            if word.bytes.eq_ignore_ascii_case(b"ITEMS") {
                if args.is_empty() {
                    return Err(Error::Arity(Insert::ROW.name));
                }
                items = words(args);
                break;
            } else if word.bytes.eq_ignore_ascii_case(b"NOCREATE") {
                creates = false;
            } else if word.bytes.eq_ignore_ascii_case(b"NONSCALING") {
                wish.is_non_scaling = true;
            } else {
                wish.read(word.bytes, &mut args, is_replicated)?;
            }
        }
        if wish.is_non_scaling && wish.scale_to.is_some() {
            return Err(Error::ValidateNonScaling);
        }
        Ok(Self { wish: creates.then_some(wish), items })
    }
}

impl Wish {
    /// Reads an option that has a value.
    fn read(&mut self, name: &[u8], args: &mut Args<'_>, is_replicated: bool) -> Result<(), Error> {
        let is = |keyword: &str| name.eq_ignore_ascii_case(keyword.as_bytes());
        let mut value = || args.take().map_err(Error::arity(Insert::ROW.name));
        if is("CAPACITY") {
            let capacity = shape::capacity(value()?.bytes, is_replicated).flatten();
            self.capacity = Some(capacity.ok_or(Error::InsertCapacity)?);
        } else if is("ERROR") {
            let ratio = shape::ratio(value()?.bytes).flatten();
            self.error = Some(ratio.ok_or(Error::InsertErrorRate)?);
        } else if is("EXPANSION") {
            let expansion = shape::expansion(value()?.bytes, is_replicated).flatten();
            self.expansion = Some(expansion.ok_or(Error::InsertExpansion)?);
        } else if is("TIGHTENING") {
            let ratio = shape::ratio(value()?.bytes).ok_or(Error::Tightening)?;
            self.tightening = Some(ratio.ok_or(Error::TighteningRange)?);
        } else if is("SEED") {
            self.seed = Some(value()?.bytes.try_into().map_err(|_| Error::Seed)?);
        } else if is("VALIDATESCALETO") {
            let capacity = number::parse_i64(value()?.bytes).ok_or(Error::ValidateCapacity)?;
            let capacity = u64::try_from(capacity).ok().filter(|&capacity| capacity > 0);
            self.scale_to = Some(capacity.ok_or(Error::ValidateCapacity)?);
        } else {
            return Err(Error::UnknownArgument);
        }
        Ok(())
    }
}

impl Command for Insert {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds items, and creates the filter, as the options say, if there is none",
        complexity: MAdd::ROW.complexity,
        arguments: &[
            KEY,
            option("capacity", ArgumentKind::Integer, "CAPACITY"),
            option("error", ArgumentKind::Double, "ERROR"),
            EXPANSION,
            option("nocreate", ArgumentKind::PureToken, "NOCREATE"),
            NON_SCALING,
            option("tightening", ArgumentKind::Double, "TIGHTENING"),
            option("seed", ArgumentKind::String, "SEED"),
            option("validatescaleto", ArgumentKind::Integer, "VALIDATESCALETO"),
            ITEM.token("ITEMS").multiple().optional(),
        ],
        ..row("bf.insert", Arity::AtLeast(2), Access::Grow)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let Batch { wish, items } = Batch::parse(args, host.is_replicated())?;
        let outcomes = add_all(host, key, wish, &items)?;
        answer(&outcomes, reply);
        Ok(())
    }
}
