//! TOPK.QUERY, TOPK.COUNT, TOPK.LIST, TOPK.INFO.

use keyspan_bloom_core::top_k::TopK;
use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    reply::Reply,
};

use super::{
    super::{ITEM, KEY},
    Error, existing, row, word,
};

/// `TOPK.QUERY key item [item ...]`
#[derive(Debug)]
pub struct Query;

impl Command for Query {
    type Value = TopK;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Whether items are among the most frequent",
        complexity: "O(N * K) where N is the number of items and K the number of items kept",
        arguments: &[KEY, ITEM.multiple()],
        ..row("topk.query", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<TopK>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let top = existing(host, word(&mut args, Self::ROW.name)?)?;
        reply.array(args.len());
        for item in args {
            reply.boolean(top.contains(item.bytes));
        }
        Ok(())
    }
}

/// `TOPK.COUNT key item [item ...]`
#[derive(Debug)]
pub struct Count;

impl Command for Count {
    type Value = TopK;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The counts of items, also of those that are not kept",
        complexity: "O(N * (D + K)) where N is the number of items, D the depth and K the number of items kept",
        arguments: &[KEY, ITEM.multiple()],
        ..row("topk.count", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<TopK>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let top = existing(host, word(&mut args, Self::ROW.name)?)?;
        reply.array(args.len());
        for item in args {
            reply.integer(i64::from(top.count(item.bytes)));
        }
        Ok(())
    }
}

/// `TOPK.LIST key [WITHCOUNT]`
#[derive(Debug)]
pub struct List;

impl Command for List {
    type Value = TopK;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The most frequent items, the most frequent first",
        complexity: "O(K log K) where K is the number of items kept",
        arguments: &[
            KEY,
            Argument::new("withcount", ArgumentKind::PureToken).token("WITHCOUNT").optional(),
        ],
        ..row("topk.list", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<TopK>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        if args.len() > 1 {
            return Err(Error::Arity(Self::ROW.name));
        }
        let top = existing(host, key)?;
        let with_count = args.take_keyword("WITHCOUNT");
        if !args.is_empty() {
            return Err(Error::WithCount);
        }
        let list = top.list();
        reply.array(if with_count { 2 * list.len() } else { list.len() });
        for (item, count) in list {
            reply.bulk(item);
            if with_count {
                reply.integer(i64::from(count));
            }
        }
        Ok(())
    }
}

/// `TOPK.INFO key`
#[derive(Debug)]
pub struct Info;

impl Command for Info {
    type Value = TopK;
    type Error = Error;
    const ROW: Row = Row {
        summary: "How many items are kept, the dimensions and the decay",
        complexity: "O(1)",
        fast: true,
        arguments: &[KEY],
        ..row("topk.info", Arity::Exactly(2), Access::Read)
    };

    fn run<H: Host<TopK>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let top = existing(host, word(&mut args, Self::ROW.name)?)?;
        reply.map(4);
        let k = u64::try_from(top.k()).unwrap_or(u64::MAX);
        for (name, figure) in [("k", k), ("width", top.width()), ("depth", top.depth())] {
            reply.simple(name);
            reply.integer(figure.cast_signed());
        }
        reply.simple("decay");
        reply.double(top.decay());
        Ok(())
    }
}
