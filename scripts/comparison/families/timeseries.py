"""TS.*: explicit times only, so that replies do not depend on the clock."""

from ..grammar import phrases, usually

OPENING = """
SET text x
TS.CREATE a LABELS room r1 kind t
TS.CREATE b DUPLICATE_POLICY LAST LABELS room r2 kind t
TS.CREATE small CHUNK_SIZE 48 RETENTION 500 LABELS kind u
TS.CREATE sums
TS.CREATERULE a sums AGGREGATION sum 10
"""

GRAMMAR = """
2 TS.CREATE key [RETENTION retention] [ENCODING encoding] [CHUNK_SIZE chunk] \
    [DUPLICATE_POLICY policy] [IGNORE ignore] [LABELS labels]
1 TS.ALTER key [RETENTION retention] [CHUNK_SIZE chunk] [DUPLICATE_POLICY policy] [IGNORE ignore] [LABELS labels]
10 TS.ADD key time value [RETENTION retention] [ENCODING encoding] [CHUNK_SIZE chunk] \
    [ON_DUPLICATE policy] [IGNORE ignore] [LABELS labels]
8 TS.MADD (key time value)+
3 TS.INCRBY key value TIMESTAMP time [RETENTION retention] [CHUNK_SIZE chunk] [LABELS labels]
2 TS.DECRBY key value TIMESTAMP time [RETENTION retention] [CHUNK_SIZE chunk] [LABELS labels]
2 TS.DEL key time time
3 TS.CREATERULE key key AGGREGATION aggregator bucket [time]
1 TS.DELETERULE key key
4 TS.RANGE key from to [LATEST] [FILTER_BY_TS time+] [FILTER_BY_VALUE value value] [COUNT count]
4 TS.RANGE key from to [LATEST] [FILTER_BY_TS time+] [COUNT count] [aggregated]
1 TS.RANGE key from to [COUNT count] [ALIGN align] [AGGREGATION aggregator bucket [BUCKETTIMESTAMP place] [EMPTY]]
4 TS.REVRANGE key from to [LATEST] [FILTER_BY_VALUE value value] [COUNT count] [aggregated]
3 TS.MRANGE from to [LATEST] [FILTER_BY_VALUE value value] [wanted] [COUNT count] [aggregated] \
    FILTER filters [GROUPBY label REDUCE reducer]
3 TS.MREVRANGE from to [LATEST] [FILTER_BY_TS time+] [wanted] [COUNT count] [aggregated] \
    FILTER filters [GROUPBY label REDUCE reducer]
1 TS.MRANGE from to [EXCLUDEEMPTY] [wanted] FILTER filters [GROUPBY label REDUCE reducer]
2 TS.NRANGE keys from to [LATEST] [FILTER_BY_VALUE value value] [COUNT count] [AGGREGATION aggregator bucket [EMPTY]]
2 TS.NREVRANGE keys from to [LATEST] [FILTER_BY_TS time+] [COUNT count] \
    [AGGREGATION aggregator aggregator bucket [EMPTY]]
2 TS.READ key start [BLOCK patience count] [MAX_COUNT count]
3 TS.GET key [<LATEST | WRONG>]
2 TS.MGET [LATEST] [wanted] FILTER filters
2 TS.QUERYINDEX filters
2 TS.QUERYLABELS <LABELS | VALUES label | WRONG> [FILTER filters]
1 TS.INFO key [<DEBUG | WRONG>]
1 COPY key key
1 RENAME key other
1 DEL other
1 TYPE key
"""

PLAIN = "avg first last min max sum range count std.p std.s var.p var.s twa countNaN countAll".split()


def keys(random):
    """A number, and about as many keys."""
    count = random.choice([1, 2, 2, 2, 3])
    named = [random.choice("a a b small sums".split() if random.random() < 0.95 else ["none", "text"])
             for _ in range(count + (random.random() < 0.03))]
    return [str(count), *named]


def time(random):
    """Mostly one of a few hundred moments; never the clock's."""
    odd = ["0", "abc", "-5", "1.5", "9223372036854775807", "18446744073709551615", "9223372036854775808"]
    return random.choice(odd) if random.random() < 0.04 else str(random.randrange(0, 400))


def from_time(random):
    """The first moment of a range."""
    usual = ["-", "-", "-", "0", "50", "100"]
    return random.choice(usual if random.random() < 0.8 else [time(random), "+", "abc"])


def to_time(random):
    """The last moment of a range."""
    usual = ["+", "+", "+", "200", "300", "399"]
    return random.choice(usual if random.random() < 0.8 else [time(random), "-", "abc"])


ODD_VALUES = "nan NaN inf -inf 1e400 abc 1e308 -1e308 5e-324 0.1 1e-7 -0 1e15 1e17 1e21".split()


def value(random):
    """A sample's value: small, exact, or odd."""
    usual = [str(random.randrange(-20, 100)), str(random.randrange(400) / 8)]
    return random.choice(usual if random.random() < 0.93 else ODD_VALUES)



def aggregators(random):
    """One aggregator or several."""
    named = random.choice([1, 1, 1, 2, 3])
    return ",".join(random.choice(PLAIN if random.random() < 0.97 else ["AVG", "bad", ""]) for _ in range(named))


def aggregated(random):
    """What stands behind a range that is asked for in buckets."""
    words = ["AGGREGATION", aggregators(random), random.choice(["1", "5", "10", "10", "20", "50", "100"])]
    if random.random() < 0.3:
        words += ["BUCKETTIMESTAMP", random.choice(["start", "end", "mid", "-", "+", "~"])]
    if random.random() < 0.4:
        words.append("EMPTY")
    if random.random() < 0.4:
        words = ["ALIGN", random.choice(["0", "3", "17", "0", "3", "start", "end", "-", "+"]), *words]
    return words


SYMBOLS = {
    "key": usually("a a a a b b b small small sums sums new", "new2 none text", 0.08),
    "other": "new new2 sums",
    "keys": keys,
    "time": time,
    "from": from_time,
    "to": to_time,
    "value": value,
    "start": usually("- - + $ 0 100 300", "abc"),
    "retention": usually("0 100 1000", "-1 abc 9223372036854775807", 0.1),
    "encoding": usually("COMPRESSED UNCOMPRESSED", "compressed BAD", 0.1),
    "chunk": usually("48 64 128 4096", "40 100 1048584 abc", 0.1),
    "policy": usually("BLOCK FIRST LAST MIN MAX SUM", "last BAD", 0.1),
    "ignore": phrases("""
        x5 0 0
        x5 5 1
        x5 100 10
        -1 5
        x 5
        5
    """),
    "labels": [*phrases("""
        x4 room r1 kind t
        x4 room r2
        x4 kind u x 1
        x
        room ""
        x (y
        kind t kind u
    """), []],
    "label": "room kind x nope",
    "wanted": phrases("""
        x4 WITHLABELS
        x4 SELECTED_LABELS room nope
        x4 SELECTED_LABELS kind
        SELECTED_LABELS
        WITHLABELS SELECTED_LABELS room
    """),
    "aggregator": usually(" ".join(PLAIN), "AVG Sum bad avg,sum"),
    "aggregated": aggregated,
    "bucket": usually("1 5 10 10 20 50 100", "0 -1 abc"),
    "place": usually("start end mid - + ~", "bad"),
    "align": usually("start end 0 3 17", "- + -1 bad", 0.1),
    "count": usually("1 2 3 10", "0 -1 abc"),
    "patience": "1 2 -1 abc",
    "filters": [*phrases("""
        x6 kind=t
        x6 kind=(t,u)
        kind=t room!=r1
        kind=u x=
        room=
        room=r1
        kind=(t,u) room!=
        kind=t room=(r1,r2)
        kind!=t
        nope=1
        bad
        kind=(t
        kind=a=b
        kind=()
    """), []],
    "reducer": usually("avg sum min max range count std.p std.s var.p var.s countNaN countAll",
                       "twa first last bad MAX", 0.1),
}

CLOSING = """
TS.RANGE a - +
TS.RANGE b - +
TS.RANGE small - +
TS.RANGE sums - + LATEST
TS.REVRANGE new - +
TS.MGET WITHLABELS FILTER kind=(t,u)
TS.QUERYINDEX kind=t
"""


# A sample in the far future, and EMPTY fills the memory of a server that does not count.
WRITES = (b"TS.ADD", b"TS.MADD", b"TS.INCRBY", b"TS.DECRBY")


def refuses(words):
    """Whether a reply would depend on the clock, or would take long to come."""
    upper = [word.upper() for word in words]
    if upper[0] in (b"TS.INCRBY", b"TS.DECRBY") and b"TIMESTAMP" not in upper[:-1]:
        return True
    if b"*" in words:
        return True
    if upper[0] in WRITES and any(word.isdigit() and 7 < len(word) < 20 for word in words):
        return True
    if b"BLOCK" in upper and upper[0] == b"TS.READ":
        patience = upper[upper.index(b"BLOCK") + 1 :][:1]
        return patience not in ([], [b"1"], [b"2"], [b"-1"], [b"ABC"], [b""])
    return False
