"""BF.*: few items, so that filters fill up and answers repeat."""

from ..grammar import usually

OPENING = """
SET text x
BF.RESERVE small 0.01 4 EXPANSION 2
BF.RESERVE fixed 0.1 3 NONSCALING
"""

GRAMMAR = """
2 BF.RESERVE key rate capacity [EXPANSION expansion] [NONSCALING]
4 BF.ADD key item
3 BF.MADD key item+
4 BF.INSERT key [CAPACITY capacity] [ERROR rate] [EXPANSION expansion] [NOCREATE] [NONSCALING] ITEMS item+
1 BF.INSERT key SEED seed [CAPACITY capacity] [TIGHTENING rate] [VALIDATESCALETO capacity] [NONSCALING] [ITEMS item+]
2 BF.EXISTS key item
2 BF.MEXISTS key item+
1 BF.CARD key
2 BF.INFO key [field]
1 BF.SCANDUMP key iterator
1 BF.LOADCHUNK key iterator chunk
1 BF.LOAD key chunk
1 BF.DEBUG key
1 COPY key key
1 RENAME key key
1 DEL key
1 TYPE key
1 EXISTS key
"""

SYMBOLS = {
    "key": "small small small fixed fixed own own own other none text",
    "rate": usually("0.01 0.01 0.001 0.1 0.25 0.5 0.9", "0 1 1.5 -0.1 1e-10 abc", 0.15),
    "capacity": usually("1 3 4 10 100 1000", "0 -5 1073741825 abc", 0.15),
    "expansion": usually("1 2 2 4 0", "-1 32768 32769 abc", 0.15),
    "item": r'a b c d e f g h i j k 1 2 3 "" "\xff\x00" "a b"',
    "seed": '12345678901234567890123456789012 short "\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\x0b\\x0c'
            '\\x0d\\x0e\\x0f\\x10\\x11\\x12\\x13\\x14\\x15\\x16\\x17\\x18\\x19\\x1a\\x1b\\x1c\\x1d\\x1e\\x1f"',
    "field": "CAPACITY SIZE FILTERS ITEMS EXPANSION ERROR TIGHTENING MAXSCALEDCAPACITY size WRONG",
    "iterator": "0 0 1 2 -1 abc 9223372036854775807",
    "chunk": r'"" x "\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00\x02\x00\x00\x00"',
}

CLOSING = """
BF.DEBUG small
BF.DEBUG own
BF.INFO other
BF.SCANDUMP small 0
BF.SCANDUMP own 0
BF.SCANDUMP own 1
BF.SCANDUMP other 1
"""
