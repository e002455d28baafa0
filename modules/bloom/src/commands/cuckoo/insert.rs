//! CF.ADD, CF.ADDNX, CF.INSERT, CF.INSERTNX.

use keyspan_bloom_core::{
    cuckoo::{Cuckoo, Mode, Refused, TABLES_MAX},
    zeroed::NoMemory,
};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number,
    reply::Reply,
};

use super::{
    ITEM, KEY,
    create::{Numbers, Reserve},
    error::Error,
    row,
};
use crate::settings;

/// What became of one item.
type Outcome = Result<bool, Refused>;

/// Changes the filter at `key`, or one just created with `numbers`, which is stored only if the change
/// succeeds. `change` gets the number of sub-filters it may grow to. Says whether one was created.
fn change<H: Host<Cuckoo>, T>(
    host: &mut H,
    key: Arg<'_>,
    numbers: Option<Numbers>,
    change: impl FnOnce(&mut Cuckoo, usize) -> Result<T, Error>,
) -> Result<(T, Option<Numbers>), Error> {
    let tables_max = tables_max(host.is_replicated());
    if let Some(filter) = host.write(key)? {
        return Ok((guarded(filter, tables_max, change)?, None));
    }
    let numbers = numbers.ok_or(Error::Missing)?;
    let mut filter = numbers.filter().map_err(|NoMemory| Error::CreateByInsertion)?;
    let outcome = guarded(&mut filter, tables_max, change)?;
    host.insert(key, filter);
    Ok((outcome, Some(numbers)))
}

/// A filter that has grown to the limit takes nothing more, not even where there is room.
fn guarded<T>(
    filter: &mut Cuckoo,
    tables_max: usize,
    change: impl FnOnce(&mut Cuckoo, usize) -> Result<T, Error>,
) -> Result<T, Error> {
    if filter.tables() >= tables_max {
        return Err(Error::TooManyFilters);
    }
    change(filter, tables_max)
}

/// What a primary accepted is not refused.
fn tables_max(is_replicated: bool) -> usize {
    let setting = settings::count(&settings::CF_MAX_EXPANSIONS);
    if is_replicated { usize::MAX } else { usize::try_from(setting).unwrap_or(TABLES_MAX) }
}

/// Tells everyone that items were added by `command`, whose words behind its name are `words`.
fn announce<'a, H: Host<Cuckoo>>(
    host: &mut H,
    key: Arg<'_>,
    created: Option<Numbers>,
    command: &'static str,
    words: impl FnOnce() -> Vec<&'a [u8]>,
) {
    if let Some(numbers) = created {
        numbers.replicate(host, key);
        host.replicate_as(command, &words());
        host.changed(key, Reserve::ROW.name);
    } else {
        host.replicate();
    }
    host.changed(key, command);
}

fn all<'a>(args: Args<'a>) -> Vec<&'a [u8]> {
    args.into_iter().map(|arg| arg.bytes).collect()
}

fn run_single<C: Command, H: Host<Cuckoo>, R: Reply>(
    host: &mut H,
    args: Args<'_>,
    reply: &mut R,
    mode: Mode,
) -> Result<(), Error> {
    let mut rest = args;
    let key = rest.take().map_err(Error::arity(C::ROW.name))?;
    let item = rest.take().map_err(Error::arity(C::ROW.name))?;
    let (added, created) =
        change(host, key, Some(Numbers::of_settings()), |filter, tables_max| {
            Ok(filter.add(item.bytes, mode, tables_max)?)
        })?;
    if added {
        announce(host, key, created, C::ROW.name, || all(args));
    }
    reply.boolean(added);
    Ok(())
}

/// `CF.ADD key item`
#[derive(Debug)]
pub struct Add;

impl Command for Add {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds an item, and creates the filter if there is none",
        complexity: "O(K + I) where K is the number of sub-filters and I the number of iterations",
        arguments: &[KEY, ITEM],
        ..row("cf.add", Arity::Exactly(3), Access::Grow)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        run_single::<Self, H, R>(host, args, reply, Mode::Always)
    }
}

/// `CF.ADDNX key item`
#[derive(Debug)]
pub struct AddNx;

impl Command for AddNx {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        name: "cf.addnx",
        summary: "Adds an item unless the filter seems to hold it, and creates the filter if there is none",
        ..Add::ROW
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        run_single::<Self, H, R>(host, args, reply, Mode::IfAbsent)
    }
}

/// The words of CF.INSERT and CF.INSERTNX behind the key.
struct Batch<'a> {
    numbers: Option<Numbers>,
    items: Args<'a>,
}

impl<'a> Batch<'a> {
    fn parse(mut args: Args<'a>, name: &'static str, is_replicated: bool) -> Result<Self, Error> {
        let (mut numbers, mut creates) = (Numbers::of_settings(), true);
        while !args.take_keyword("ITEMS") {
            if args.take_keyword("NOCREATE") {
                creates = false;
            } else if args.take_keyword("CAPACITY") {
                let capacity = args.take().map_err(Error::arity(name))?;
                let capacity = number::parse_i64(capacity.bytes).ok_or(Error::Capacity)?;
                let sized = numbers.with_capacity(capacity, is_replicated);
                numbers = sized.ok_or(Error::InsertCapacityRange)?;
            } else {
                let unread = args.take().map_err(Error::arity(name));
                return Err(unread.err().unwrap_or(Error::UnknownArgument));
            }
        }
        if args.is_empty() {
            return Err(Error::Arity(name));
        }
        Ok(Self { numbers: creates.then_some(numbers), items: args })
    }
}

fn run_batch<C: Command, H: Host<Cuckoo>, R: Reply>(
    host: &mut H,
    args: Args<'_>,
    reply: &mut R,
    mode: Mode,
) -> Result<(), Error> {
    let mut rest = args;
    let key = rest.take().map_err(Error::arity(C::ROW.name))?;
    let Batch { numbers, items } = Batch::parse(rest, C::ROW.name, host.is_replicated())?;
    let (outcomes, created) = change(host, key, numbers, |filter, tables_max| {
        Ok(add_all(filter, items, mode, tables_max))
    })?;
    if outcomes.contains(&Ok(true)) {
        if outcomes.iter().all(Result::is_ok) {
            announce(host, key, created, C::ROW.name, || all(args));
        } else {
            announce_part(host, key, created, C::ROW.name, items, &outcomes);
        }
    }
    reply.array(outcomes.len());
    outcomes.into_iter().for_each(|outcome| answer(outcome, mode, reply));
    Ok(())
}

fn add_all(filter: &mut Cuckoo, items: Args<'_>, mode: Mode, tables_max: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(items.len());
    let items = items.into_iter().map(|item| item.bytes);
    filter.add_many(items, mode, tables_max, |outcome| outcomes.push(outcome));
    outcomes
}

/// As [`announce`], where some items were refused: a replica with more memory or another limit must
/// not take them.
fn announce_part<H: Host<Cuckoo>>(
    host: &mut H,
    key: Arg<'_>,
    created: Option<Numbers>,
    command: &'static str,
    items: Args<'_>,
    outcomes: &[Outcome],
) {
    if let Some(numbers) = created {
        numbers.replicate(host, key);
        host.changed(key, Reserve::ROW.name);
    }
    let added = items.into_iter().zip(outcomes).filter(|(_, outcome)| **outcome == Ok(true));
    let mut words: Vec<&[u8]> = vec![key.bytes, b"ITEMS"];
    words.extend(added.map(|(item, _)| item.bytes));
    host.replicate_as("CF.INSERT", &words);
    host.changed(key, command);
}

/// -1 for an item that was refused; in RESP3 CF.INSERT has `false` for it, CF.INSERTNX the numbers of
/// RESP2.
fn answer<R: Reply>(outcome: Outcome, mode: Mode, reply: &mut R) {
    match (mode, outcome) {
        (Mode::Always, Ok(added)) => reply.boolean(added),
        (Mode::Always, Err(_)) if reply.is_resp3() => reply.boolean(false),
        (Mode::IfAbsent, Ok(added)) => reply.integer(added.into()),
        (Mode::Always | Mode::IfAbsent, Err(_)) => reply.integer(-1),
    }
}

/// `CF.INSERT key [CAPACITY n] [NOCREATE] ITEMS item [item ...]`
#[derive(Debug)]
pub struct Insert;

impl Command for Insert {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds items, and creates the filter if there is none",
        complexity: "O(N * (K + I)) where N is the number of items, K the number of sub-filters and I the number of iterations",
        arguments: &[
            KEY,
            Argument::new("capacity", ArgumentKind::Integer).token("CAPACITY").optional(),
            Argument::new("nocreate", ArgumentKind::PureToken).token("NOCREATE").optional(),
            Argument::new("items", ArgumentKind::PureToken).token("ITEMS"),
            ITEM.multiple(),
        ],
        ..row("cf.insert", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        run_batch::<Self, H, R>(host, args, reply, Mode::Always)
    }
}

/// `CF.INSERTNX key [CAPACITY n] [NOCREATE] ITEMS item [item ...]`
#[derive(Debug)]
pub struct InsertNx;

impl Command for InsertNx {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        name: "cf.insertnx",
        summary: "Adds items that the filter does not seem to hold, and creates the filter if there is none",
        ..Insert::ROW
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        run_batch::<Self, H, R>(host, args, reply, Mode::IfAbsent)
    }
}
