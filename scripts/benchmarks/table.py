"""The table of targets: the peers' figures, what is to be reached, and how to read what was measured.

The peers' figures were measured elsewhere, on documents of the same sizes and object counts;
they are constants here. `--reference-module` measures another module with this protocol.
"""

from dataclasses import dataclass, field
from typing import Callable

REDISJSON, VALKEYJSON = "RedisJSON 8.8", "valkey-json 1.0.2"


@dataclass
class Results:
    """What one run measured, by the subject's label."""

    instructions: dict = field(default_factory=dict)
    costs: dict = field(default_factory=dict)
    footprints: dict = field(default_factory=dict)
    snapshots: dict = field(default_factory=dict)

    def ir(self, label, row):
        """Instructions per command, or None."""
        return self.instructions.get(label, {}).get(row)

    def cost(self, label, row):
        """The Cost of a row, or None."""
        return self.costs.get((label, row))

    def footprint(self, label, name):
        """The Footprint of a collection, or None."""
        return self.footprints.get((label, name))


def grouped(value):
    """123456 -> 123,456."""
    return f"{value:,.0f}"


def thousands(value):
    """6543 -> 6.5k."""
    return f"{value / 1000:.1f}k"


def megabytes(value):
    """10700000 -> 10.7 MB."""
    return f"{value / 1e6:.1f} MB"


def plain(digits):
    """A printer with `digits` decimals."""
    return lambda value: f"{value:.{digits}f}"


@dataclass(frozen=True)
class Line:
    """One line: the peers' figures (None: not measured), the limit, a reader of the results, and why
    the limit does not hold where it does not."""

    title: str
    redisjson: float | None
    valkeyjson: float | None
    limit: float | None
    shown: Callable
    read: Callable
    bar: str = ""
    why: str = ""

    def cells(self, results, labels):
        """The cells of the Markdown row."""
        peers = [self.cell(value) for value in (self.redisjson, self.valkeyjson, self.limit)]
        measured = [self.cell(self.read(results, label)) for label in labels]
        return [self.title, *peers, *measured, self.verdict(results, labels[0])]

    def cell(self, value):
        """One figure, or a dash."""
        return "-" if value is None else self.shown(value)

    def verdict(self, results, label):
        """Whether the limit holds."""
        value = self.read(results, label)
        if value is None or self.limit is None:
            return "-"
        return "yes" if value <= self.limit else "no"


def footprint(name):
    """Reads bytes beyond the key."""
    def read(results, label):
        found = results.footprint(label, name)
        return found and found.value
    return read


def whole(name):
    """Reads bytes of key and document."""
    def read(results, label):
        found = results.footprint(label, name)
        return found and found.whole
    return read


def ir(row):
    """Reads instructions per command."""
    return lambda results, label: results.ir(label, row)


def user_us(row):
    """Reads user microseconds per command."""
    def read(results, label):
        found = results.cost(label, row)
        return found and found.user * 1e6
    return read


def ir_over(row, base):
    """Reads the instructions of one row over those of another."""
    def read(results, label):
        above, below = results.ir(label, row), results.ir(label, base)
        return above / below if above and below else None
    return read


def cpu_over(row, base):
    """Reads the CPU time, user and kernel, of one row over that of another."""
    def read(results, label):
        above, below = results.cost(label, row), results.cost(label, base)
        return above.cpu / below.cpu if above and below else None
    return read


def snapshot(name):
    """Reads one figure of the RDB file."""
    def read(results, label):
        found = results.snapshots.get(label)
        return found and getattr(found, name)
    return read


FLOOR_READ = (
    "a module's command that replies a stored 100 B string costs the server 4.8k to 4.9k (measured with a module "
    "that does nothing else); the rest is the path and the reply."
)
FLOOR_WRITE = (
    "a module's command that stores a string costs the server 6.4k (measured likewise; native SET is 6.0k to "
    "6.3k): opening the key for writing, the event, the signal and the replication are the server's own work."
)
SIZE = (
    "this is the text of encoding 3, which every peer reads, as the server compresses it; `rdb-encoding 4` takes "
    "21.1 MB for the same documents (RedisJSON's own encoding)."
)
SAVE = (
    "compressing the texts is more than half of it and the server's own (`rdbcompression no`: 0.40 s in place of "
    "1.01 s in one run on a busy machine)."
)

LINES = (
    Line("bytes per document, small (281 B)", 847, 528, 340, grouped, footprint("memory-small"), "memory"),
    Line("bytes per document, mid (4.7 KB)", 9900, 9577, 5900, grouped, footprint("memory-mid"), "memory"),
    Line("bytes per document, big (8.6 MB)", 20.2e6, 17.4e6, 11e6, megabytes, footprint("memory-big"), "memory"),
    Line("bytes per document with its key, 10 never-repeated names (260 B)", 967, 739, 600, grouped,
         whole("memory-unique"), "memory"),
    Line("`JSON.GET $.address.city`, small, Ir", 19_625, 12_747, 6_500, thousands, ir("get-small"), "ir",
         why=FLOOR_READ),
    Line("`JSON.GET $.items[10].price`, mid, Ir", 22_887, 12_888, 7_000, thousands, ir("get-mid"), "ir",
         why=FLOOR_READ),
    Line("`JSON.NUMINCRBY` of a path, small, Ir", 21_573, 13_711, 7_500, thousands, ir("numincrby"), "ir",
         why=FLOOR_WRITE),
    Line("`JSON.SET` of a path, small, Ir", 21_573, 13_711, 7_500, thousands, ir("set-path"), "ir",
         why=FLOOR_WRITE),
    Line("`JSON.GET $..price`, mid, Ir", 296_772, None, 30_000, thousands, ir("recursive")),
    Line("`JSON.GET $.items[?(@.price>1000)].sku`, mid, Ir", 95_229, None, None, thousands, ir("filter")),
    Line("`JSON.GET $.records[20000].x`, big, Ir over the small one's", None, None, 1.1, plain(2),
         ir_over("get-big", "get-small")),
    Line("`JSON.GET $.records[20000].x`, big, user us", 56, 1.9, None, plain(2), user_us("get-big")),
    Line("`JSON.SET` of the whole document, small, user us", 4.6, 3.1, 2, plain(2), user_us("whole-set-small")),
    Line("`JSON.SET` of the whole document, mid, user us", 47, 33, 20, plain(1), user_us("whole-set-mid")),
    Line("`JSON.GET` of the whole document, small, Ir", 21_571, 15_901, 10_000, thousands,
         ir("whole-get-small"), "ir"),
    Line("`JSON.GET $` of 4.7 KB, CPU over native `GET` of it", 5.8, 7.4, 2.5, plain(2),
         cpu_over("whole-get-mid", "native-get-mid")),
    Line("100k small documents, RDB size", 23.4e6, 27.4e6, 23e6, megabytes, snapshot("size"), why=SIZE),
    Line("100k small documents, SAVE, s", 0.50, 0.32, 0.30, plain(2), snapshot("save"), why=SAVE),
    Line("100k small documents, load, s", 0.61, 0.34, 0.30, plain(2), snapshot("load")),
)
