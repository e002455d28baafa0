//! CF.EXISTS, CF.MEXISTS, CF.COUNT, CF.INFO, CF.DEBUG.

use keyspan_bloom_core::cuckoo::Cuckoo;
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Arity, Command, Row},
    host::Host,
    reply::Reply,
};

use super::{ITEM, KEY, error::Error, existing, row};

/// The filter at `key`; RedisBloom takes a value of another type for an empty one here.
fn lenient<'h, H: Host<Cuckoo>>(host: &'h mut H, key: Arg<'_>) -> Option<&'h Cuckoo> {
    host.read(key).ok().flatten()
}

/// `CF.EXISTS key item`
#[derive(Debug)]
pub struct Exists;

impl Command for Exists {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Whether an item may be in a filter",
        complexity: "O(K) where K is the number of sub-filters",
        arguments: &[KEY, ITEM],
        fast: true,
        ..row("cf.exists", Arity::Exactly(3), Access::Read)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
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

/// `CF.MEXISTS key item [item ...]`
#[derive(Debug)]
pub struct MExists;

impl Command for MExists {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Whether each item may be in a filter",
        complexity: "O(N * K) where N is the number of items and K the number of sub-filters",
        arguments: &[KEY, ITEM.multiple()],
        fast: true,
        ..row("cf.mexists", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        reply.array(args.len());
        let items = args.into_iter().map(|item| item.bytes);
        match lenient(host, key) {
            Some(filter) => filter.contains_many(items, |found| reply.boolean(found)),
            None => items.for_each(|_| reply.boolean(false)),
        }
        Ok(())
    }
}

/// `CF.COUNT key item`
#[derive(Debug)]
pub struct Count;

impl Command for Count {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "How many times an item may be in a filter",
        complexity: "O(K) where K is the number of sub-filters",
        arguments: &[KEY, ITEM],
        fast: true,
        ..row("cf.count", Arity::Exactly(3), Access::Read)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let item = args.take().map_err(Error::arity(Self::ROW.name))?;
        let count = lenient(host, key).map_or(0, |filter| filter.count(item.bytes));
        reply.integer(count.cast_signed());
        Ok(())
    }
}

/// `CF.INFO key`
#[derive(Debug)]
pub struct Info;

impl Command for Info {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The numbers of a filter",
        complexity: "O(K) where K is the number of sub-filters",
        arguments: &[KEY],
        fast: true,
        ..row("cf.info", Arity::Exactly(2), Access::Read)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let filter = existing(host, key)?;
        let layout = filter.layout();
        let size = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
        let lines = [
            ("Size", size(filter.size())),
            ("Number of buckets", layout.buckets().cast_signed()),
            ("Number of filters", size(filter.tables())),
            ("Number of items inserted", filter.items().cast_signed()),
            ("Number of items deleted", filter.deletes().cast_signed()),
            ("Bucket size", layout.bucket_size().into()),
            ("Expansion rate", layout.expansion().into()),
            ("Max iterations", layout.iterations().into()),
        ];
        reply.map(lines.len());
        for (name, number) in lines {
            reply.simple(name);
            reply.integer(number);
        }
        Ok(())
    }
}

/// `CF.DEBUG key`
#[derive(Debug)]
pub struct Debug;

impl Command for Debug {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The numbers of a filter in one line",
        complexity: "O(1)",
        arguments: &[KEY],
        fast: true,
        ..row("cf.debug", Arity::AtLeast(1), Access::Read)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        args.finish().map_err(Error::arity(Self::ROW.name))?;
        let filter = existing(host, key)?;
        let layout = filter.layout();
        let line = format!(
            "bktsize:{} buckets:{} items:{} deletes:{} filters:{} max_iterations:{} expansion:{}",
            layout.bucket_size(),
            layout.buckets(),
            filter.items(),
            filter.deletes(),
            filter.tables(),
            layout.iterations(),
            layout.expansion(),
        );
        reply.bulk(line.as_bytes());
        Ok(())
    }
}
