//! CF.SCANDUMP, CF.LOADCHUNK: a filter in pieces.

use keyspan_bloom_core::cuckoo::{BadHeader, Cuckoo, HEADER_LEN};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number,
    reply::Reply,
};

use super::{KEY, error::Error, existing, row};

/// The position of the header in CF.LOADCHUNK.
const HEADER: u64 = 1;

/// `CF.SCANDUMP key iterator`
#[derive(Debug)]
pub struct ScanDump;

impl Command for ScanDump {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "One piece of a filter, and the iterator of the next",
        complexity: "O(N) where N is the size of the piece, at most 16 MiB",
        arguments: &[KEY, Argument::new("iterator", ArgumentKind::Integer)],
        fast: true,
        ..row("cf.scandump", Arity::Exactly(3), Access::Read)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let position = args.take().map_err(Error::arity(Self::ROW.name))?;
        let filter = existing(host, key)?;
        let position = number::parse_i64(position.bytes).and_then(|n| u64::try_from(n).ok());
        answer(filter, position.ok_or(Error::Position)?, reply);
        Ok(())
    }
}

/// An empty filter has no piece, not even a header (observed).
fn answer<R: Reply>(filter: &Cuckoo, position: u64, reply: &mut R) {
    reply.array(2);
    let chunk = filter.chunk(position).filter(|_| filter.items() > 0);
    if position == 0 && filter.items() > 0 {
        reply.integer(HEADER.cast_signed());
        reply.bulk(&filter.header());
    } else if let Some((behind, chunk)) = chunk {
        reply.integer(behind.cast_signed());
        reply.bulk(chunk);
    } else {
        reply.integer(0);
        reply.null();
    }
}

/// `CF.LOADCHUNK key iterator data`
#[derive(Debug)]
pub struct LoadChunk;

impl Command for LoadChunk {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Puts one piece of a filter in its place; the first one creates the filter",
        complexity: "O(N) where N is the size of the piece",
        arguments: &[
            KEY,
            Argument::new("iterator", ArgumentKind::Integer),
            Argument::new("data", ArgumentKind::String),
        ],
        ..row("cf.loadchunk", Arity::Exactly(4), Access::Grow)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let position = args.take().map_err(Error::arity(Self::ROW.name))?;
        let data = args.take().map_err(Error::arity(Self::ROW.name))?;
        load(host, key, number::parse_i64(position.bytes).ok_or(Error::Position)?, data.bytes)?;
        host.replicate();
        host.changed(key, Self::ROW.name);
        reply.ok();
        Ok(())
    }
}

fn load<H: Host<Cuckoo>>(
    host: &mut H,
    key: Arg<'_>,
    position: i64,
    data: &[u8],
) -> Result<(), Error> {
    if position == 0 {
        return Err(Error::Position);
    }
    let found = host.write(key)?;
    // Behind no chunk is a position below 0.
    let position = u64::try_from(position).unwrap_or(0);
    match found {
        Some(_) if position == HEADER => Err(Error::Exists),
        Some(filter) => Ok(filter.load_chunk(position, data)?),
        None if position == HEADER => {
            host.insert(key, from_header(data)?);
            Ok(())
        }
        None => Err(Error::Missing),
    }
}

fn from_header(header: &[u8]) -> Result<Cuckoo, Error> {
    if header.len() != HEADER_LEN {
        return Err(Error::Header);
    }
    Cuckoo::from_header(header)
        .map_err(|(BadHeader::Invalid | BadHeader::NoMemory)| Error::CreateFromHeader)
}
