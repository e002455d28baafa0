//! What the server may ask of a filter, beside loading and saving it.

use keyspan_common::{
    data_type::{DataType, Mover, Progress},
    rdb::{Value, Write, dump},
};

use super::{DEFRAG_ENABLED, Filter, either, redis, valkey};

/// An RDB version that every server takes in a RESTORE.
const RESTORED_EVERYWHERE: u16 = 9;

/// Bytes whose pages take about as long to give back as a small block.
const PAGES_LEN: usize = 256 << 10;

impl DataType for Filter {
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        match self {
            Self::Redis(chain) if chain.is_restorable() => rewrite_chunks(chain, emit),
            // Nobody makes a chain that its own header contradicts, but a payload may hold one.
            Self::Redis(_) => {
                if let Ok(payload) = dump::save_dump(self, redis::VERSION, RESTORED_EVERYWHERE) {
                    emit("RESTORE", &[b"0", &payload]);
                }
            }
            Self::Valkey(chain) => emit("BF.LOAD", &[&chain.blob()]),
        }
    }

    fn memory(&self) -> usize {
        either!(self, chain => chain.memory())
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        let version = if self.type_index() == 0 { redis::VERSION } else { valkey::VERSION };
        self.save(&mut Digest(sink), version);
    }

    fn effort(&self) -> usize {
        either!(self, chain => chain.blocks().map(|block| 1 + block.len() / PAGES_LEN).sum())
    }

    fn defrag<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        if DEFRAG_ENABLED.get() == 0 {
            return Progress::Done;
        }
        if from == 0 {
            either!(self, chain => chain.move_links(mover));
        }
        either!(self, chain => move_blocks(chain.blocks_mut(), mover, from))
    }
}

/// The header, then all bytes of all links.
fn rewrite_chunks(chain: &redis::Chain, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
    emit("BF.LOADCHUNK", &[b"1", &chain.header()]);
    let mut cursor = 1;
    while let Some((next, chunk)) = chain.chunk(cursor) {
        emit("BF.LOADCHUNK", &[next.to_string().as_bytes(), chunk]);
        cursor = next;
    }
}

/// Offers the blocks from number `from` on, until time is up.
fn move_blocks<'a, M: Mover>(
    blocks: impl Iterator<Item = &'a mut Vec<u8>>,
    mover: &mut M,
    from: u64,
) -> Progress {
    for (number, block) in (0_u64..).zip(blocks) {
        if number < from {
            continue;
        }
        if number > from && mover.should_stop() {
            return Progress::Paused(number);
        }
        *block = mover.relocate(std::mem::take(block));
    }
    Progress::Done
}

/// Feeds the fields of a value to a digest. Each has a known length, or says it.
struct Digest<'a>(&'a mut dyn FnMut(&[u8]));

impl Write for Digest<'_> {
    fn unsigned(&mut self, value: u64) {
        (self.0)(&value.to_le_bytes());
    }

    fn signed(&mut self, value: i64) {
        (self.0)(&value.to_le_bytes());
    }

    fn float(&mut self, value: f32) {
        (self.0)(&value.to_le_bytes());
    }

    fn double(&mut self, value: f64) {
        (self.0)(&value.to_le_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        self.unsigned(u64::try_from(value.len()).unwrap_or(u64::MAX));
        (self.0)(value);
    }
}
