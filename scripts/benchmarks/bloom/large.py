"""A filter far larger than the processor's cache: 120 MB, for 100M items at 1 %."""

import random
import struct

from ..resp import encode
from ..rows import KEYS, TOKEN, Row

CAPACITY = 100_000_000
CHUNK = 16 << 20
ITEMS = 100
KEY = "large"


def load(connection):
    """Makes the filter, and adds the items that are asked for as hits."""
    fill(connection, KEY, "0.01", CAPACITY, quarter(CHUNK))
    for number in range(KEYS):
        connection.load([encode("BF.MADD", KEY, *(hit(number, place) for place in range(ITEMS)))])


def quarter(size):
    """Bytes with about a quarter of their bits set."""
    rng = random.Random(5)
    both = int.from_bytes(rng.randbytes(size), "little") & int.from_bytes(rng.randbytes(size), "little")
    return both.to_bytes(size, "little")


def fill(connection, key, rate, capacity, chunk):
    """Makes a filter that does not scale, whose bits are those of `chunk` again and again; its size."""
    connection.call("BF.RESERVE", key, rate, capacity, "NONSCALING")
    _, header = connection.call("BF.SCANDUMP", key, 0)
    (size,) = struct.unpack_from("<Q", header, 20)
    connection.call("DEL", key)
    connection.call("BF.LOADCHUNK", key, 1, header)
    for start in range(0, size, len(chunk)):
        part = chunk[: size - start]
        connection.call("BF.LOADCHUNK", key, start + len(part) + 1, part)
    return size


def hit(number, place):
    """An item that is there."""
    return f"large:{number:08}:{place:03}"


def miss(number, place):
    """An item that never was, another one each time."""
    return f"miss:{TOKEN.decode()}:{number:04}:{place:03}"


def row(name, title, command, item, **options):
    """A row of commands with 100 items; no instructions are counted."""
    def words(_data, number):
        return command, KEY, *(item(number, place) for place in range(ITEMS))
    return Row(name, title, words, counted=0, items=ITEMS, **options)


ROWS = (
    row("large-mexists-hit", "BF.MEXISTS of 100 hits, 120 MB", "BF.MEXISTS", hit),
    row("large-mexists-miss", "BF.MEXISTS of 100 misses, 120 MB", "BF.MEXISTS", miss),
    row("large-madd", "BF.MADD of 100 new items, 120 MB", "BF.MADD", miss, timed=1_500),
)
