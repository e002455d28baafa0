"""CF.*: tiny filters, so that they fill up, grow and compact."""

from ..grammar import usually

OPENING = """
SET text x
CF.RESERVE small 4 BUCKETSIZE 1
CF.RESERVE fixed 4 EXPANSION 0
"""

GRAMMAR = """
2 CF.RESERVE key capacity [BUCKETSIZE bucket] [MAXITERATIONS iterations] [EXPANSION expansion]
5 CF.ADD key item
3 CF.ADDNX key item
3 CF.INSERT key [CAPACITY capacity] [NOCREATE] ITEMS item+
3 CF.INSERTNX key [CAPACITY capacity] [NOCREATE] ITEMS item+
2 CF.EXISTS key item
2 CF.MEXISTS key item+
2 CF.COUNT key item
4 CF.DEL key item
1 CF.COMPACT key
2 CF.INFO key
1 CF.DEBUG key
1 CF.SCANDUMP key iterator
1 CF.LOADCHUNK key iterator chunk
1 COPY key key
1 RENAME key key
1 DEL key
1 TYPE key
"""

SYMBOLS = {
    "key": "small small small fixed fixed own own own other none text",
    "capacity": usually("2 4 8 10 100 1000", "0 1 -5 4611686018427387904 abc", 0.15),
    "bucket": usually("1 1 2 2 4 255", "256 0 -1 abc", 0.15),
    "iterations": usually("1 20 500 65535", "65536 0 abc", 0.15),
    "expansion": usually("1 2 3 4 0", "-1 32768 32769 abc", 0.15),
    "item": r'a b c d e f g h i j k 1 2 3 "" "\xff\x00" "a b"',
    "iterator": "0 0 1 2 -1 abc 9223372036854775807",
    "chunk": r'"" x "\x00\x00\x00\x00"',
}

CLOSING = """
CF.DEBUG small
CF.DEBUG own
CF.INFO other
CF.SCANDUMP small 0
CF.SCANDUMP small 1
CF.SCANDUMP own 0
CF.SCANDUMP own 1
"""
