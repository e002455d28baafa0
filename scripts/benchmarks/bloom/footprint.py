"""Bytes of filters of a million items, of both families, and the filters of the RDB file."""

from ..resp import encode
from ..server import Server
from . import items

ITEMS = 1_000_000
FILTERS = 8
FAMILIES = ("redis", "valkey")


def measure(subject):
    """Bytes of a filter that grew, and bits an item of one that was reserved, by family."""
    figures = {}
    for family in FAMILIES:
        figures[f"grown-{family}"] = bytes_of(subject, family, list(added("filter")))
        reserved = bytes_of(subject, family, [encode("BF.RESERVE", "filter", "0.01", ITEMS)])
        figures[f"reserved-{family}"] = reserved * 8 / ITEMS
    return figures


def added(key):
    """Adds the million items."""
    return items.batches("BF.MADD", key, [items.present(number) for number in range(ITEMS)])


def bytes_of(subject, family, commands):
    """Growth of memory by commands on a fresh server, with one family for new filters."""
    with Server(subject) as server:
        server.connect().call("CONFIG", "SET", "bf.family", family)
        return server.grown(commands)


def full_filters():
    """Encoded commands that make FILTERS keys of a million items each."""
    commands = []
    for number in range(FILTERS):
        commands.append(encode("BF.RESERVE", f"filter:{number}", "0.01", ITEMS))
        commands += added(f"filter:{number}")
    return commands
