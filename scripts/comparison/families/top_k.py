"""TOPK.*: in `wide` and `broad` every item has a slot of its own, in the other keys chance may have its say."""

from ..grammar import usually

OPENING = """
SET text x
TOPK.RESERVE wide 3 20011 5 0.9
TOPK.RESERVE broad 2 10007 5 0.5
TOPK.RESERVE narrow 3
"""

GRAMMAR = """
1 TOPK.RESERVE key count [width depth decay]
5 TOPK.ADD key item+
5 TOPK.INCRBY key (item increment)+
3 TOPK.QUERY key item+
2 TOPK.COUNT key item+
3 TOPK.LIST key [<WITHCOUNT | WRONG>]
2 TOPK.INFO key
1 COPY key narrow
1 DEL narrow
1 TYPE key
"""

SYMBOLS = {
    "key": usually("wide wide wide broad broad narrow narrow narrow2", "none text", 0.08),
    "narrow": "narrow narrow2",
    "count": "1 2 3 50 0 -1 100000000000 abc",
    "width": "1 2 8 0 abc -1",
    "depth": "1 4 7 0 abc -1",
    "decay": "0.9 0.5 1 0 1.1 abc 0.08",
    "item": r'a b c d e f g h i j k 1 2 3 "\xff\x01" "a b"',
    "increment": usually("1 1 2 3 10 0 100000", "-1 100001 abc"),
}

CLOSING = """
TOPK.LIST wide WITHCOUNT
TOPK.LIST broad WITHCOUNT
TOPK.LIST narrow WITHCOUNT
TOPK.COUNT wide a b c d e f g h i j k
"""
