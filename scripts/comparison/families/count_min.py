"""CMS.*: small sketches, so that items collide and counts overflow."""

from ..grammar import usually

OPENING = """
SET text x
CMS.INITBYDIM a 5 3
CMS.INITBYDIM b 5 3
CMS.INITBYDIM c 5 3
"""

GRAMMAR = """
2 CMS.INITBYDIM key width depth
1 CMS.INITBYPROB key share share
6 CMS.INCRBY key (item increment)+
4 CMS.QUERY key item+
6 CMS.MERGE key sources
1 CMS.MERGE key sources [WEIGHTS weight+]
2 CMS.INFO key
1 COPY key key
1 DEL other
1 TYPE key
"""


def sources(random):
    """A number, about as many keys, and a weight for each now and then."""
    count = random.choice([1, 1, 2, 2, 3])
    named = [random.choice("aaabbbcd") if random.random() < 0.95 else random.choice(["none", "text"])
             for _ in range(count + (random.random() < 0.03))]
    weights = [random.choice("0111123") for _ in named] if random.random() < 0.4 else []
    return [str(count), *named, *(["WEIGHTS", *weights] if weights else [])]


SYMBOLS = {
    "key": usually("a a a b b b c d", "none text", 0.08),
    "other": "c d",
    "sources": sources,
    "width": usually("5 5 5 5 7 1", "1000 0 -1 4611686018427387904 abc", 0.2),
    "depth": usually("3 3 3 3 1 5", "0 -1 8 abc", 0.15),
    "share": usually("0.4 0.1 0.125 0.01 0.001 0.5", "0 1 1.5 -1 1e-30 abc", 0.2),
    "item": r'x y z 1 2 3 4 5 6 7 8 "" "\xff\x00" "a b"',
    "increment": usually("1 1 2 5 100 0 4294967294", "-1 4294967295 9223372036854775807 abc", 0.06),
    "weight": usually("1 1 2 3 0", "-1 4294967295 abc 1.5", 0.1),
}

CLOSING = """
CMS.INFO a
CMS.QUERY a x y z 1 2 3 4 5 6 7 8
CMS.QUERY b x y z 1 2 3 4 5 6 7 8
CMS.QUERY c x y z 1 2 3 4 5 6 7 8
"""
