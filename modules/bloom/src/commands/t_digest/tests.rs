//! TDIGEST.* on a keyspace in memory: replies, changes, errors.

use keyspan_common::{command::Command, keyspace::Keyspace, resp::Protocol};

use super::*;

/// Runs one command line of words between blanks.
fn run(keyspace: &mut Keyspace, line: &str, protocol: Protocol) -> String {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let name = words[0].to_ascii_lowercase();
    macro_rules! find {
        ($($command:ty),* $(,)?) => {
            $(if name == <$command>::ROW.name.as_bytes() {
                let reply = keyspace.run::<$command>(&words, protocol);
                return String::from_utf8(reply).unwrap();
            })*
        };
    }
    find!(
        Create,
        Add,
        Reset,
        Merge,
        Min,
        Max,
        Quantile,
        Cdf,
        TrimmedMean,
        Rank,
        RevRank,
        ByRank,
        ByRevRank,
        Info,
    );
    panic!("{line}");
}

fn play(keyspace: &mut Keyspace, lines: &[&str]) {
    for line in lines {
        assert_eq!(run(keyspace, line, Protocol::Resp2), "+OK\r\n", "{line}");
    }
}

fn text(keyspace: &mut Keyspace, line: &str) -> String {
    run(keyspace, line, Protocol::Resp3).replace("\r\n", " ")
}

/// What was announced since the last time.
fn announced(keyspace: &mut Keyspace) -> (Vec<(String, &'static str)>, usize) {
    let events = std::mem::take(&mut keyspace.events).into_iter();
    let events = events.map(|(key, event)| (String::from_utf8(key).unwrap(), event)).collect();
    let replicated = std::mem::take(&mut keyspace.replicated);
    assert!(replicated.iter().all(Vec::is_empty), "verbatim");
    (events, replicated.len())
}

#[test]
fn changes_are_announced_and_nothing_else() {
    let mut keyspace = Keyspace::default();
    let mut check = |line: &str, change: Option<(&str, &'static str)>| {
        run(&mut keyspace, line, Protocol::Resp2);
        let expected: Vec<_> = change.into_iter().map(|(key, event)| (key.into(), event)).collect();
        let count = expected.len();
        assert_eq!(announced(&mut keyspace), (expected, count), "{line}");
    };
    check("tdigest.create a", Some(("a", "tdigest.create")));
    check("tdigest.create a", None);
    check("tdigest.reset a", None);
    check("tdigest.add a 1 2", Some(("a", "tdigest.add")));
    check("tdigest.add a 3 x", None);
    check("tdigest.add a 3 -inf", None);
    check("tdigest.add b 1", None);
    check("tdigest.merge b 1 a", Some(("b", "tdigest.merge")));
    check("tdigest.merge b 2 a c", None);
    check("tdigest.merge b 1 a override", None);
    check("tdigest.quantile a 0.5", None);
    check("tdigest.info a", None);
    check("tdigest.reset a", Some(("a", "tdigest.reset")));
}

#[test]
fn a_bad_value_among_good_ones_changes_nothing() {
    let mut keyspace = Keyspace::default();
    play(&mut keyspace, &["tdigest.create a", "tdigest.add a 1 2"]);
    for (values, error) in [
        ("3 4 x", "-ERR T-Digest: error parsing val parameter "),
        ("3 4 nan", "-ERR T-Digest: error parsing val parameter "),
        ("3 inf", "-ERR T-Digest: val parameter needs to be a finite number "),
    ] {
        assert_eq!(text(&mut keyspace, &format!("tdigest.add a {values}")), error);
    }
    assert_eq!(keyspace.value::<TDigest>(b"a").map(TDigest::weight), Some(2));
}

#[test]
fn the_destination_of_a_merge_may_be_a_source() {
    let mut keyspace = Keyspace::default();
    play(&mut keyspace, &["tdigest.create a", "tdigest.add a 1 2", "tdigest.create b"]);
    let mut check = |line: &str, weight: i64, compression: i64| {
        play(&mut keyspace, &[line]);
        let digest = keyspace.value::<TDigest>(b"a").unwrap();
        digest.validate().unwrap();
        let found = (digest.weight(), digest.compression().as_integer());
        assert_eq!(found, (weight, compression), "{line}");
    };
    check("tdigest.merge a 1 a", 4, 100);
    check("tdigest.merge a 1 a override", 4, 100);
    check("tdigest.merge a 2 a b compression 30", 8, 30);
    check("tdigest.merge a 1 b", 8, 100);
    check("tdigest.merge a 3 b b b override compression 7", 0, 7);
}

#[test]
fn a_refused_merge_leaves_the_destination() {
    let mut keyspace = Keyspace::default();
    play(&mut keyspace, &["tdigest.create a", "tdigest.add a 1 2 3"]);
    keyspace.put_other(b"other");
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value ";
    let overflow = "-ERR T-Digest: overflow detected ";
    for (line, error) in [
        ("tdigest.merge a 2 a none", "-ERR T-Digest: key does not exist "),
        ("tdigest.merge a 2 a other", wrong),
        ("tdigest.merge other 1 a", wrong),
        ("tdigest.merge a 1 a compression 1000000000", "-ERR T-Digest: allocation failed "),
        ("tdigest.merge a 9223372036854775807 a", ARITY),
    ] {
        assert_eq!(text(&mut keyspace, line), error, "{line}");
    }
    while text(&mut keyspace, "tdigest.merge a 1 a") == "+OK " {}
    assert_eq!(text(&mut keyspace, "tdigest.merge a 1 a"), overflow);
    let digest = keyspace.value::<TDigest>(b"a").unwrap();
    digest.validate().unwrap();
    assert_eq!(digest.weight(), 3 << 61);
}

const ARITY: &str = "-ERR wrong number of arguments for 'tdigest.merge' command ";

#[test]
fn one_observation_has_a_rank_but_no_quantiles() {
    let mut keyspace = Keyspace::default();
    play(&mut keyspace, &["tdigest.create a", "tdigest.add a 42.5"]);
    let mut check =
        |line: &str, reply: &str| assert_eq!(text(&mut keyspace, line), reply, "{line}");
    check("tdigest.quantile a 0 0.5", "*2 ,nan ,nan ");
    check("tdigest.cdf a 42.5", "*1 ,nan ");
    check("tdigest.trimmed_mean a 0 1", ",nan ");
    check("tdigest.rank a 42 42.5 43", "*3 :-1 :0 :1 ");
    check("tdigest.revrank a 42 42.5 43", "*3 :1 :0 :-1 ");
    check("tdigest.byrank a 0 1", "*2 ,42.5 ,inf ");
    check("tdigest.byrevrank a 0 1", "*2 ,42.5 ,-inf ");
}

#[test]
fn words_are_read_as_the_peer_reads_them() {
    let mut keyspace = Keyspace::default();
    play(&mut keyspace, &["tdigest.create a COMPRession 10", "tdigest.add a 1 2 3 4"]);
    let mut check =
        |line: &str, reply: &str| assert_eq!(text(&mut keyspace, line), reply, "{line}");
    check("tdigest.cdf a inf -inf 1e0", "*3 ,1 ,0 ,0.125 ");
    check("tdigest.rank a inf -inf", "*2 :4 :-1 ");
    check("tdigest.byrank a 9223372036854775807", "*1 ,inf ");
    check("tdigest.byrank a -1 x", "-ERR T-Digest: rank needs to be non negative ");
    check("tdigest.trimmed_mean a 2 1", CUT_RANGE);
    check("tdigest.quantile a inf", "-ERR T-Digest: quantile should be in [0,1] ");
    check("tdigest.quantile b x", "-ERR T-Digest: key does not exist ");
}

const CUT_RANGE: &str =
    "-ERR T-Digest: low_cut_percentile and high_cut_percentile should be in [0,1] ";
