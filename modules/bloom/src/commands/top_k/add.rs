//! TOPK.ADD, TOPK.INCRBY.

use keyspan_bloom_core::top_k::{Added, TopK};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number::parse_i64,
    reply::Reply,
    wire::Wire,
};

use super::{
    super::{ITEM, KEY},
    Error, row, word,
};

/// The greatest increment.
const INCREMENT_MAX: u32 = 100_000;

/// The value at `key`, which must be there, for changing.
fn existing_mut<'a, H: Host<TopK>>(host: &'a mut H, key: Arg<'_>) -> Result<&'a mut TopK, Error> {
    host.write(key)?.ok_or(Error::Missing)
}

/// A change of `key` by this command, which replicas repeat: what is drawn is drawn alike there.
fn announce<H: Host<TopK>>(host: &mut H, key: Arg<'_>, event: &'static str) {
    host.changed(key, event);
    host.replicate();
}

/// Writes the item that had to go; whether anything changed.
fn answer<R: Reply>(added: &Added, reply: &mut R) -> bool {
    match &added.expelled {
        Some(item) => reply.bulk(item),
        None => reply.null(),
    }
    added.changed
}

/// `TOPK.ADD key item [item ...]`
#[derive(Debug)]
pub struct Add;

impl Command for Add {
    type Value = TopK;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Counts items once each; the items that had to go for them",
        complexity: "O(N * (D + K)) where N is the number of items, D the depth and K the number of items kept",
        arguments: &[KEY, ITEM.multiple()],
        ..row("topk.add", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<TopK>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        let top = existing_mut(host, key)?;
        reply.array(args.len());
        let mut changed = false;
        for item in args {
            changed |= answer(&top.add(item.bytes, 1), reply);
        }
        if changed {
            announce(host, key, "topk.add");
        }
        Ok(())
    }
}

/// `TOPK.INCRBY key item increment [item increment ...]`
#[derive(Debug)]
pub struct IncrBy;

/// The word as an increment.
fn increment(word: Arg<'_>) -> Result<u32, Error> {
    let number = parse_i64(word.bytes).and_then(|number| u32::try_from(number).ok());
    number.filter(|number| *number <= INCREMENT_MAX).ok_or(Error::Increment)
}

impl Command for IncrBy {
    type Value = TopK;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds to the counts of items; the items that had to go for them",
        complexity: "O(N * (D * log I + K)) where N is the number of items, D the depth, I the largest increment and K the number of items kept; counts that are worn down take O(log I) for each unit",
        arguments: &[
            KEY,
            Argument::new("items", ArgumentKind::Block)
                .multiple()
                .parts(&[ITEM, Argument::new("increment", ArgumentKind::Integer)]),
        ],
        ..row("topk.incrby", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<TopK>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        if args.len() % 2 == 1 {
            return Err(Error::Arity(Self::ROW.name));
        }
        let top = existing_mut(host, key)?;
        reply.array(args.len() / 2);
        let mut changed = false;
        while let (Ok(item), Ok(units)) = (args.take(), args.take()) {
            match increment(units) {
                Ok(units) => changed |= answer(&top.add(item.bytes, units), reply),
                Err(error) => reply.error(&error.wire()),
            }
        }
        if changed {
            announce(host, key, "topk.incrby");
        }
        Ok(())
    }
}
