"""CMS.*: small sketches, so that items collide and counts overflow."""

MODULES = ["bloom"]

OPENING = """
SET text x
CMS.INITBYDIM a 5 3
CMS.INITBYDIM b 5 3
"""

GRAMMAR = """
2 CMS.INITBYDIM key width depth
1 CMS.INITBYPROB key share share
6 CMS.INCRBY key (item increment)+
4 CMS.QUERY key item+
5 CMS.MERGE key keys [WEIGHTS weight+]
2 CMS.INFO key
1 COPY key key
1 RENAME key key
1 DEL key
1 TYPE key
"""


def keys(random):
    """A number, and about as many keys."""
    count = random.choice([1, 1, 2, 2, 3])
    named = [random.choice("a a b b c d none text".split()) for _ in range(max(1, count + random.choice([0] * 8 + [1, -1])))]
    return [str(count), *named]


SYMBOLS = {
    "key": "a a a b b c c d none text",
    "keys": keys,
    "width": "1 5 5 5 7 1000 0 -1 4611686018427387904 abc",
    "depth": "1 3 3 3 5 0 -1 8 abc",
    "share": "0.1 0.01 0.001 0.5 0 1 1.5 -1 1e-30 abc",
    "item": r'x y z 1 2 3 4 5 6 7 8 "" "\xff\x00" "a b"',
    "increment": "1 1 2 5 100 0 -1 4294967295 4294967294 9223372036854775807 abc",
    "weight": "1 1 2 3 0 -1 4294967295 abc 1.5",
}

CLOSING = """
CMS.INFO a
CMS.QUERY a x y z 1 2 3 4 5 6 7 8
CMS.QUERY b x y z 1 2 3 4 5 6 7 8
CMS.QUERY c x y z 1 2 3 4 5 6 7 8
"""
