//! BF.SCANDUMP, BF.LOADCHUNK, BF.LOAD.

use keyspan_bloom_core::bloom::{Filter, redis, valkey};
use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number,
    reply::Reply,
};

use super::{KEY, error::Error, existing, row};

const ITERATOR: Argument = Argument::new("iterator", ArgumentKind::Integer);
const DATA: Argument = Argument::new("data", ArgumentKind::String);

/// The cursor that stands with a header.
const HEADER: i64 = 1;

/// `BF.SCANDUMP key iterator`
#[derive(Debug)]
pub struct ScanDump;

impl Command for ScanDump {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Returns the next part of a filter, for BF.LOADCHUNK",
        complexity: "O(N) where N is the size of the part",
        arguments: &[KEY, ITERATOR],
        ..row("bf.scandump", Arity::Exactly(3), Access::Read)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let cursor = args.take().map_err(Error::arity(Self::ROW.name))?;
        let filter = existing(host, key)?;
        let cursor = number::parse_i64(cursor.bytes).ok_or(Error::DumpCursor)?;
        let Filter::Redis(chain) = filter else { return Err(Error::OtherFamily) };
        reply.array(2);
        if cursor == 0 {
            reply.integer(HEADER);
            reply.bulk(&chain.header());
        } else {
            let (next, chunk) = chain.chunk(cursor).unwrap_or((0, &[]));
            reply.integer(next);
            reply.bulk(chunk);
        }
        Ok(())
    }
}

/// `BF.LOADCHUNK key iterator data`
#[derive(Debug)]
pub struct LoadChunk;

impl Command for LoadChunk {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Puts a part that BF.SCANDUMP returned into a filter; the first creates it",
        complexity: "O(N) where N is the size of the part",
        arguments: &[KEY, ITERATOR, DATA],
        ..row("bf.loadchunk", Arity::Exactly(4), Access::Grow)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let cursor = args.take().map_err(Error::arity(Self::ROW.name))?;
        let data = args.take().map_err(Error::arity(Self::ROW.name))?;
        let cursor = number::parse_i64(cursor.bytes).ok_or(Error::LoadCursor)?;
        match host.write(key)? {
            Some(Filter::Redis(chain)) => {
                chain.load_chunk(cursor, data.bytes)?;
                host.changed(key, "bloom.loadchunk");
            }
            Some(Filter::Valkey(_)) => return Err(Error::OtherFamily),
            None if cursor == HEADER => {
                let chain = redis::Chain::from_header(data.bytes).ok_or(Error::Header)?;
                host.insert(key, Filter::Redis(chain));
                host.changed(key, "bloom.loadchunk");
            }
            None => return Err(Error::Missing),
        }
        host.replicate();
        reply.ok();
        Ok(())
    }
}

/// `BF.LOAD key data`
#[derive(Debug)]
pub struct Load;

impl Command for Load {
    type Value = Filter;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Creates a filter of valkey-bloom's from what its rewritten append-only file holds",
        complexity: "O(N) where N is the size of the data",
        arguments: &[KEY, DATA],
        ..row("bf.load", Arity::Exactly(3), Access::Grow)
    };

    fn run<H: Host<Filter>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let data = args.take().map_err(Error::arity(Self::ROW.name))?;
        if host.read(key)?.is_some() {
            return Err(Error::Busy);
        }
        let chain = valkey::Chain::from_blob(data.bytes).ok_or(Error::Blob)?;
        host.insert(key, Filter::Valkey(chain));
        host.replicate();
        host.changed(key, "bloom.add");
        reply.ok();
        Ok(())
    }
}
