"""Bytes of a sample in memory and in an RDB file, and of an empty series."""

from ..resp import encode
from ..server import Server
from ..table import markdown
from . import data

SAMPLES = 1_000_000
EMPTY = 10_000


def measure(subject):
    """Bytes a sample of each kind, and bytes of a series without any."""
    figures = {"empty": empty(subject)}
    for kind in data.KINDS:
        figures |= samples(subject, kind)
    return figures


def samples(subject, kind):
    """Growth of `used_memory` and size of the RDB file, by sample of one series of a million."""
    commands = list(data.made("series", data.KINDS[kind](SAMPLES)))
    with Server(subject) as server:
        grown = server.grown(commands)
        server.connect().call("SAVE")
        saved = (server.folder / "dump.rdb").stat().st_size
    return {f"memory-{kind}": grown / SAMPLES, f"rdb-{kind}": saved / SAMPLES}


def empty(subject):
    """Bytes of an empty series beyond those of a key that holds an integer."""
    series = grown(subject, [encode("TS.CREATE", f"series:{number}") for number in range(EMPTY)])
    # Not a shared integer, so that the key's object is allocated as it is for a series.
    bare = grown(subject, [encode("SET", f"series:{number}", 123456789) for number in range(EMPTY)])
    return (series - bare) / EMPTY


def grown(subject, commands):
    """By how many bytes a fresh server's `used_memory` grows when it runs `commands`."""
    with Server(subject) as server:
        return server.grown(commands)


def table(results, label):
    """Bytes a sample of every kind."""
    rows = []
    for kind, make in data.KINDS.items():
        memory, saved = (results.figures.get((label, f"{part}-{kind}")) for part in ("memory", "rdb"))
        if memory is not None:
            rows.append([kind, " ".join(make.__doc__.split()).rstrip("."), f"{memory:.2f}", f"{saved:.2f}"])
    return markdown(["1M samples", "", "bytes in memory", "bytes in the RDB file"], rows) if rows else ""
