//! CMS.INCRBY, CMS.QUERY, CMS.INFO.

use keyspan_bloom_core::count_min::CountMin;
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
    Error, announce, existing, existing_mut, row, word,
};

/// The word as an increment.
fn increment(word: Arg<'_>) -> Result<u64, Error> {
    let number = parse_i64(word.bytes).ok_or(Error::IncrementUnread)?;
    u64::try_from(number).map_err(|_| Error::IncrementNegative)
}

/// The next item and its increment.
fn pair<'a>(args: &mut Args<'a>, name: &'static str) -> Result<(Arg<'a>, u64), Error> {
    Ok((word(args, name)?, increment(word(args, name)?)?))
}

/// `CMS.INCRBY key item increment [item increment ...]`
#[derive(Debug)]
pub struct IncrBy;

impl Command for IncrBy {
    type Value = CountMin;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds to the counts of items",
        complexity: "O(N * D) where N is the number of items and D the depth",
        arguments: &[
            KEY,
            Argument::new("items", ArgumentKind::Block)
                .multiple()
                .parts(&[ITEM, Argument::new("increment", ArgumentKind::Integer)]),
        ],
        ..row("cms.incrby", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<CountMin>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        if args.len() % 2 == 1 {
            return Err(Error::Arity(Self::ROW.name));
        }
        let sketch = existing_mut(host, key)?;
        let (mut unchecked, mut changed) = (args, false);
        while !unchecked.is_empty() {
            changed |= pair(&mut unchecked, Self::ROW.name)?.1 > 0;
        }
        reply.array(args.len() / 2);
        while let Ok((item, by)) = pair(&mut args, Self::ROW.name) {
            match sketch.increase(item.bytes, by) {
                u32::MAX => reply.error(&Error::IncrementOverflow.wire()),
                count => reply.integer(i64::from(count)),
            }
        }
        if changed {
            announce(host, key, "cms.incrby");
        }
        Ok(())
    }
}

/// `CMS.QUERY key item [item ...]`
#[derive(Debug)]
pub struct Query;

impl Command for Query {
    type Value = CountMin;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The counts of items",
        complexity: "O(N * D) where N is the number of items and D the depth",
        arguments: &[KEY, ITEM.multiple()],
        ..row("cms.query", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<CountMin>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let sketch = existing(host, word(&mut args, Self::ROW.name)?)?;
        reply.array(args.len());
        for item in args {
            reply.integer(i64::from(sketch.count(item.bytes)));
        }
        Ok(())
    }
}

/// `CMS.INFO key`
#[derive(Debug)]
pub struct Info;

impl Command for Info {
    type Value = CountMin;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The dimensions of a sketch and the sum of all increments",
        complexity: "O(1)",
        fast: true,
        arguments: &[KEY],
        ..row("cms.info", Arity::Exactly(2), Access::Read)
    };

    fn run<H: Host<CountMin>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let sketch = existing(host, word(&mut args, Self::ROW.name)?)?;
        reply.map(3);
        let figures =
            [("width", sketch.width()), ("depth", sketch.depth()), ("count", sketch.total())];
        for (name, figure) in figures {
            reply.simple(name);
            // Sums beyond 63 bits show as the reference's: negative.
            reply.integer(figure.cast_signed());
        }
        Ok(())
    }
}
