//! CF.* on a keyspace in memory: what commands announce and what they leave alone.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use keyspan_bloom::commands::cuckoo::{
    Add, AddNx, Compact, Del, Exists, Info, Insert, InsertNx, LoadChunk, Reserve, ScanDump,
};
use keyspan_bloom_core::cuckoo::Cuckoo;
use keyspan_common::{
    command::Command,
    data_type::DataType,
    keyspace::Keyspace,
    resp::Protocol::{self, Resp2, Resp3},
};

fn run<C: Command<Value = Cuckoo>>(keyspace: &mut Keyspace, line: &str) -> String {
    run_in::<C>(keyspace, Resp2, line)
}

fn run_in<C: Command<Value = Cuckoo>>(
    keyspace: &mut Keyspace,
    protocol: Protocol,
    line: &str,
) -> String {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let reply = keyspace.run::<C>(&words, protocol);
    reply.escape_ascii().to_string().replace("\\r\\n", " ").trim_end().to_owned()
}

/// What was announced since the last time: events, and the lines for replicas ("" is the line as it
/// came).
fn announced(keyspace: &mut Keyspace) -> (Vec<&'static str>, Vec<String>) {
    let events = keyspace.events.drain(..).map(|(_, event)| event).collect();
    let line = |words: Vec<Vec<u8>>| String::from_utf8(words.join(&b' ')).unwrap();
    (events, keyspace.replicated.drain(..).map(line).collect())
}

fn check<C: Command<Value = Cuckoo>>(
    keyspace: &mut Keyspace,
    line: &str,
    reply: &str,
    events: &[&str],
    lines: &[&str],
) {
    assert_eq!(run::<C>(keyspace, line), reply, "{line}");
    let (found_events, found_lines) = announced(keyspace);
    assert_eq!(
        (&found_events[..], &found_lines[..]),
        (events, lines_of(lines).as_slice()),
        "{line}"
    );
}

fn lines_of(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

/// What replicas are sent for a filter that the settings made.
const CREATED: &str = "CF.RESERVE f 1024 BUCKETSIZE 2 MAXITERATIONS 20 EXPANSION 1";

#[test]
fn changes_are_announced_and_nothing_else() {
    let keyspace = &mut Keyspace::default();
    let created = ["cf.reserve", "cf.add"];
    check::<Add>(keyspace, "CF.ADD f a", ":1", &created, &[CREATED, "cf.add f a"]);
    check::<Add>(keyspace, "CF.ADD f a", ":1", &["cf.add"], &[""]);
    check::<AddNx>(keyspace, "CF.ADDNX f a", ":0", &[], &[]);
    check::<InsertNx>(keyspace, "CF.INSERTNX f ITEMS a", "*1 :0", &[], &[]);
    check::<InsertNx>(keyspace, "CF.INSERTNX f ITEMS a b", "*2 :0 :1", &["cf.insertnx"], &[""]);
    check::<Del>(keyspace, "CF.DEL f a", ":1", &["cf.del"], &[""]);
    check::<Del>(keyspace, "CF.DEL f none", ":0", &[], &[]);
    check::<Compact>(keyspace, "CF.COMPACT f", "+OK", &["cf.compact"], &[""]);
    check::<Compact>(keyspace, "CF.COMPACT f", "+OK", &[], &[]);
    check::<LoadChunk>(keyspace, "CF.LOADCHUNK f 9 x", "+OK", &["cf.loadchunk"], &[""]);
    check::<LoadChunk>(keyspace, "CF.LOADCHUNK f 1025 xx", "+OK", &["cf.loadchunk"], &[""]);
    check::<LoadChunk>(keyspace, "CF.LOADCHUNK f 1026 xx", "-Couldn\\'t load chunk!", &[], &[]);
    check::<LoadChunk>(keyspace, "CF.LOADCHUNK f -1 x", "-Couldn\\'t load chunk!", &[], &[]);
    check::<Reserve>(keyspace, "CF.RESERVE f 4", "-ERR item exists", &[], &[]);
    let reserved = ["CF.RESERVE g 9 BUCKETSIZE 3 MAXITERATIONS 20 EXPANSION 3"];
    let line = "CF.RESERVE g 9 expansion 3 bucketsize 3 other x";
    check::<Reserve>(keyspace, line, "+OK", &["cf.reserve"], &reserved);
}

#[test]
fn insertions_say_how_they_created_the_filter() {
    let keyspace = &mut Keyspace::default();
    let line = "CF.INSERT f CAPACITY 64 ITEMS a b";
    let reserved = "CF.RESERVE f 64 BUCKETSIZE 2 MAXITERATIONS 20 EXPANSION 1";
    let lines = [reserved, "cf.insert f CAPACITY 64 ITEMS a b"];
    check::<Insert>(keyspace, line, "*2 :1 :1", &["cf.reserve", "cf.insert"], &lines);
    for line in ["CF.INSERT n NOCREATE ITEMS a", "CF.INSERT n CAPACITY 8 NOCREATE ITEMS a"] {
        check::<Insert>(keyspace, line, "-ERR not found", &[], &[]);
    }
    let arity = "-ERR wrong number of arguments for \\'cf.insert\\' command";
    for line in ["CF.INSERT n NOCREATE ITEMS", "CF.INSERT n NOCREATE NOCREATE", "CF.INSERT n ITEMS"]
    {
        check::<Insert>(keyspace, line, arity, &[], &[]);
    }
    assert!(keyspace.value::<Cuckoo>(b"n").is_none());
}

#[test]
fn replicas_get_only_the_items_that_were_taken() {
    let keyspace = &mut Keyspace::default();
    run::<Reserve>(keyspace, "CF.RESERVE f 4 MAXITERATIONS 1 EXPANSION 0");
    announced(keyspace);
    let line = "CF.INSERT f ITEMS 1 2 3 4 5 6";
    let lines = ["CF.INSERT f ITEMS 1 2 3 4"];
    check::<Insert>(keyspace, line, "*6 :1 :1 :1 :1 :-1 :-1", &["cf.insert"], &lines);
    check::<Insert>(keyspace, "CF.INSERT f ITEMS 5", "*1 :-1", &[], &[]);
    check::<Add>(keyspace, "CF.ADD f 5", "-Filter is full", &[], &[]);
    assert_eq!(run_in::<Insert>(keyspace, Resp3, "CF.INSERT f ITEMS 5"), "*1 #f");
    assert_eq!(run_in::<InsertNx>(keyspace, Resp3, "CF.INSERTNX f ITEMS 1 20"), "*2 :0 :-1");
}

#[test]
fn growth_ends_where_the_settings_say_but_not_on_replicas() {
    let keyspace = &mut Keyspace::default();
    run::<Reserve>(keyspace, "CF.RESERVE f 2 BUCKETSIZE 1 MAXITERATIONS 1");
    let refused = "-Maximum expansions reached";
    while run::<Add>(keyspace, "CF.ADD f same") == ":1" {}
    announced(keyspace);
    check::<Add>(keyspace, "CF.ADD f same", refused, &[], &[]);
    check::<AddNx>(keyspace, "CF.ADDNX f same", refused, &[], &[]);
    check::<Insert>(keyspace, "CF.INSERT f ITEMS same", refused, &[], &[]);
    assert_eq!(keyspace.value::<Cuckoo>(b"f").unwrap().tables(), 32);
    keyspace.is_replica = true;
    (0..9).for_each(|_| assert_eq!(run::<Add>(keyspace, "CF.ADD f same"), ":1"));
    assert!(keyspace.value::<Cuckoo>(b"f").unwrap().tables() > 32);
}

#[test]
fn one_command_does_not_grow_beyond_the_settings() {
    let keyspace = &mut Keyspace::default();
    run::<Reserve>(keyspace, "CF.RESERVE f 2 BUCKETSIZE 1 MAXITERATIONS 1");
    let line = format!("CF.INSERT f ITEMS{}", " same".repeat(200));
    let reply = run::<Insert>(keyspace, &line);
    assert!(reply.starts_with("*200 :1 ") && reply.ends_with(" :-1 :-1"), "{reply}");
    assert_eq!(keyspace.value::<Cuckoo>(b"f").unwrap().tables(), 32);
}

#[test]
fn other_types_are_left_alone() {
    let keyspace = &mut Keyspace::default();
    keyspace.put_other(b"s");
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    check::<Reserve>(keyspace, "CF.RESERVE s 10", wrong, &[], &[]);
    check::<Add>(keyspace, "CF.ADD s a", wrong, &[], &[]);
    check::<Info>(keyspace, "CF.INFO s", wrong, &[], &[]);
    check::<LoadChunk>(keyspace, "CF.LOADCHUNK s 1 x", wrong, &[], &[]);
    check::<Exists>(keyspace, "CF.EXISTS s a", ":0", &[], &[]);
    check::<Del>(keyspace, "CF.DEL s a", "-Not found", &[], &[]);
    check::<Compact>(keyspace, "CF.COMPACT s", "-Cuckoo filter was not found", &[], &[]);
}

#[test]
fn a_filter_goes_over_in_pieces() {
    let keyspace = &mut Keyspace::default();
    run::<Reserve>(keyspace, "CF.RESERVE f 64");
    assert_eq!(run::<ScanDump>(keyspace, "CF.SCANDUMP f 0"), "*2 :0 $-1");
    run::<Insert>(keyspace, "CF.INSERT f ITEMS a b c");
    assert_eq!(run::<ScanDump>(keyspace, "CF.SCANDUMP f -1"), "-Invalid position");
    let filter = keyspace.value::<Cuckoo>(b"f").unwrap().clone();
    let (behind, chunk) = filter.chunk(1).unwrap();
    for (position, data) in [(1, &filter.header()[..]), (behind, chunk)] {
        let position = position.to_string();
        let words: [&[u8]; 4] = [b"CF.LOADCHUNK", b"g", position.as_bytes(), data];
        assert_eq!(keyspace.run::<LoadChunk>(&words, Resp2), b"+OK\r\n");
    }
    assert!(keyspace.value::<Cuckoo>(b"g").unwrap() == &filter);
    let lie: [&[u8]; 4] = [b"CF.LOADCHUNK", b"h", b"1", &[0xff; 38]];
    assert_eq!(keyspace.run::<LoadChunk>(&lie, Resp2), b"-Couldn't create filter!\r\n");
    assert!(keyspace.value::<Cuckoo>(b"h").is_none());
}

/// Found by fuzzing: a header of no items makes a filter that is dumped in no pieces, not even a header.
/// What RedisBloom does; a rewrite of the AOF says the header all the same.
#[test]
fn an_empty_filter_of_a_header_is_dumped_in_no_pieces() {
    let keyspace = &mut Keyspace::default();
    let mut header = [0; 38];
    (header[8], header[24], header[32], header[34], header[36]) = (32, 1, 2, 20, 1);
    for (position, data) in [(1, &header[..]), (65, &[0; 64])] {
        let position = position.to_string();
        let words: [&[u8]; 4] = [b"CF.LOADCHUNK", b"f", position.as_bytes(), data];
        assert_eq!(keyspace.run::<LoadChunk>(&words, Resp2), b"+OK\r\n");
    }
    assert_eq!(run::<ScanDump>(keyspace, "CF.SCANDUMP f 0"), "*2 :0 $-1");
    let mut rewritten = Vec::new();
    let filter = keyspace.value::<Cuckoo>(b"f").unwrap();
    filter.rewrite(&mut |command, words| rewritten.push((command, words.concat())));
    assert_eq!(rewritten, [("CF.LOADCHUNK", [&b"1"[..], &header].concat())]);
}
