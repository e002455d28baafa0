"""TDIGEST.*: few observations and small compressions, so that centroids merge."""

from ..grammar import usually

OPENING = """
SET text x
TDIGEST.CREATE a
TDIGEST.CREATE b COMPRESSION 2
TDIGEST.ADD b 1 2 3 4 5
TDIGEST.CREATE c COMPRESSION 10
"""

GRAMMAR = """
2 TDIGEST.CREATE key [COMPRESSION compression]
8 TDIGEST.ADD key value+
1 TDIGEST.RESET key
3 TDIGEST.MERGE key keys [COMPRESSION compression] [OVERRIDE]
1 TDIGEST.MIN key
1 TDIGEST.MAX key
3 TDIGEST.QUANTILE key share+
3 TDIGEST.CDF key value+
2 TDIGEST.RANK key value+
2 TDIGEST.REVRANK key value+
2 TDIGEST.BYRANK key rank+
2 TDIGEST.BYREVRANK key rank+
2 TDIGEST.TRIMMED_MEAN key share share
2 TDIGEST.INFO key
1 COPY key key
1 DEL other
1 TYPE key
"""


def keys(random):
    """A number, and about as many keys."""
    count = random.choice([1, 1, 2, 2, 3])
    named = [random.choice("aaabbbcd") if random.random() < 0.95 else random.choice(["none", "text"])
             for _ in range(count + (random.random() < 0.03))]
    return [str(count), *named]


SYMBOLS = {
    "key": usually("a a a a b b b c c d", "none text", 0.08),
    "keys": keys,
    "other": "b c d",
    "compression": usually("1 2 5 100 200", "0 -1 9223372036854775807 abc", 0.15),
    "value": usually("1 2 3 4 5 -1 0 0.5 1.25 -3.75 100 7 7 7", "1e10 -1e10 1e308 -1e308 1e-300 nan inf", 0.06),
    "share": usually("0 0.1 0.25 0.5 0.5 0.75 0.9 0.99 1", "1.1 -0.1 abc"),
    "rank": usually("0 1 2 3 5 10 100", "-1 1.5 abc"),
}

CLOSING = """
TDIGEST.INFO a
TDIGEST.QUANTILE a 0 0.25 0.5 0.75 1
TDIGEST.QUANTILE b 0 0.25 0.5 0.75 1
TDIGEST.BYRANK c 0 1 2 3 4 5
"""
