//! Filters that come in chunks: LOADCHUNK and LOAD. Input: pieces, each a byte for what it is, its
//! length in two bytes, least first, and so many bytes.

use keyspan_bloom::commands;
use keyspan_common::{keyspace::Keyspace, resp::Protocol};

use super::{
    Cuckoo, Filter, bound_memory,
    values::{KEY, Stored, assert_answers, assert_stored},
};
use crate::{resp, value::digest};

/// Pieces behind these teach nothing new.
const PIECES_MAX: usize = 32;
const COPY: &[u8] = b"copy";

/// Hands the pieces to the commands in order, and copies what came of them in chunks.
pub fn check(input: &[u8]) {
    bound_memory();
    let (mut keyspace, mut rest, mut sent) = (Keyspace::default(), input, 0);
    for _ in 0..PIECES_MAX {
        let [kind, low, high, tail @ ..] = rest else { break };
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (piece, tail) = tail.split_at(len);
        rest = tail;
        load(&mut keyspace, *kind, piece, &mut sent);
    }
    keyspace.value::<Filter>(KEY).inspect(|filter| assert_answers(*filter));
    keyspace.value::<Cuckoo>(KEY).inspect(|filter| assert_answers(*filter));
    copied::<Filter>(&mut keyspace, ["BF.SCANDUMP", "BF.LOADCHUNK"]);
    copied::<Cuckoo>(&mut keyspace, ["CF.SCANDUMP", "CF.LOADCHUNK"]);
}

/// One piece: a header, a chunk behind the last one, a chunk with a position of its own, or a whole.
fn load(keyspace: &mut Keyspace, kind: u8, piece: &[u8], sent: &mut u64) {
    let command = if kind & 0x80 == 0 { "BF.LOADCHUNK" } else { "CF.LOADCHUNK" };
    let len = u64::try_from(piece.len()).expect("a length");
    match kind % 4 {
        0 => {
            *sent = 0;
            run(keyspace, &[command.as_bytes(), KEY, b"1", piece]);
        }
        1 => {
            *sent += len;
            run(keyspace, &[command.as_bytes(), KEY, (*sent + 1).to_string().as_bytes(), piece]);
        }
        2 => {
            let Some((position, chunk)) = piece.split_first_chunk() else { return };
            let position = i64::from_le_bytes(*position).to_string();
            run(keyspace, &[command.as_bytes(), KEY, position.as_bytes(), chunk]);
        }
        _ => run(keyspace, &[b"BF.LOAD", KEY, piece]),
    }
}

fn run(keyspace: &mut Keyspace, words: &[&[u8]]) {
    let reply = commands::dispatch(keyspace, words, Protocol::Resp2).expect("a command");
    resp::assert_reply(&reply, Protocol::Resp2);
    keyspace.value::<Filter>(KEY).inspect(|filter| assert_stored(*filter));
    keyspace.value::<Cuckoo>(KEY).inspect(|filter| assert_stored(*filter));
}

/// A value that can be read in chunks is the same when those are loaded.
fn copied<V: Stored>(keyspace: &mut Keyspace, [dump, load]: [&str; 2]) {
    let Some(expected) = keyspace.value::<V>(KEY).map(digest) else { return };
    let mut position = 0;
    loop {
        let text = position.to_string();
        let words = [dump.as_bytes(), KEY, text.as_bytes()];
        let reply = commands::dispatch(keyspace, &words, Protocol::Resp2).expect("a command");
        if reply.starts_with(b"-") {
            return assert_eq!(position, 0, "{}", reply.escape_ascii());
        }
        let (next, chunk) = resp::chunk(&reply);
        if next == 0 && position == 0 {
            // A Cuckoo filter that counts no item has no pieces, in RedisBloom as well.
            return;
        }
        if next == 0 {
            break;
        }
        let text = next.to_string();
        let words = [load.as_bytes(), COPY, text.as_bytes(), chunk];
        let reply = commands::dispatch(keyspace, &words, Protocol::Resp2).expect("a command");
        if reply.starts_with(b"-") {
            // What no command makes, a payload may hold; then no chunk of it is taken.
            return assert_eq!(next, 1, "{}", reply.escape_ascii());
        }
        position = next;
    }
    let made = keyspace.value::<V>(COPY).map(digest);
    assert!(made == Some(expected), "a copy in chunks differs");
}
