"""The table of the targets of probabilistic types."""

from ..table import Line, cpu_over, figure, megabytes, plain, snapshot
from .footprint import FILTERS
from .large import ITEMS, ROWS as LARGE

PEERS = ("RedisBloom, valkey-bloom",)

SINGLE, BATCH = 1.2, 3
NANOSECONDS = 60

FLOOR = ("the server's own share is most of it: a third word is parsed, allocated and freed, the key is looked up "
         "through the module API and closed, the reply is written through it. `BF.EXISTS` of a key that is not there, "
         "`SISMEMBER` and `SET` in the table of commands show how much of it is left to a module")
WORDS = ("ten words are parsed and ten replies written: in instructions native `SMISMEMBER` of 10 alone is beyond the goal, "
         "`SADD` of 10 takes longer than this, see the table of commands")
WIRE = ("a hundred words and replies are about half of it and the server's own (`SMISMEMBER` of 100 in the table of "
        "commands); the line below each is what the filter adds")
MEMORY = ("seven or eight probes an item, in pages of 4 kB all over 120 MB; the program `bloom_measure` of the core crate "
          "shows the same filter without a server")


def over_get(title, row, peers=None, limit=SINGLE, why=FLOOR):
    """A line of CPU time over native GET."""
    cpu = cpu_over(row, "native-get")
    return Line(f"{title}, CPU over native `GET`", (peers,), limit, plain(2), cpu, why=why)


def nanoseconds(results, label, row):
    """CPU nanoseconds an item, or None."""
    found = results.cost(label, row)
    return found and found.cpu * 1e9 / ITEMS


def per_item(row):
    """A line of nanoseconds an item."""
    def read(results, label):
        return nanoseconds(results, label, row.name)
    return Line(f"{row.title}, ns an item", (None,), NANOSECONDS, plain(0), read, why=WIRE)


def over_native(row):
    """A line of nanoseconds an item beyond a native command of as many words."""
    def read(results, label):
        ours, native = nanoseconds(results, label, row.name), nanoseconds(results, label, "native-smismember-100")
        return ours - native if ours and native else None
    return Line(f"the same beyond `SMISMEMBER` of 100, ns an item: {row.title}", (None,), NANOSECONDS, plain(0), read,
                why=MEMORY)


def of_one(name):
    """Reads milliseconds of one of the filters of the RDB file."""
    def read(results, label):
        found = snapshot(name)(results, label)
        return found and found * 1e3 / FILTERS
    return read


LINES = (
    over_get("`BF.ADD` of a new item", "bf-add-new", "1.58-1.89"),
    over_get("`BF.ADD` of an item that is there", "bf-add-present"),
    over_get("`BF.EXISTS`, hit", "bf-exists-hit", "1.35-1.42"),
    over_get("`BF.EXISTS`, miss", "bf-exists-miss"),
    over_get("`BF.MADD` of 10", "bf-madd-10", "4.9-5.7", BATCH, WORDS),
    over_get("`CF.ADD`", "cf-add", "1.38-1.54"),
    over_get("`CF.EXISTS`, hit", "cf-exists-hit"),
    over_get("`CF.EXISTS`, miss", "cf-exists-miss"),
    over_get("`CMS.INCRBY`", "cms-incrby", "1.40"),
    over_get("`CMS.QUERY`", "cms-query"),
    over_get("`TOPK.ADD`", "topk-add", "1.51"),
    over_get("`TDIGEST.ADD`", "tdigest-add", "1.36"),
    over_get("`TDIGEST.QUANTILE`", "tdigest-quantile"),
    *(line(row) for row in LARGE for line in (per_item, over_native)),
    Line("1M items, SAVE, ms", ("20 (RedisBloom)",), 20, plain(1), of_one("save")),
    Line("1M items, load, ms", ("2 (RedisBloom)",), 2, plain(1), of_one("load")),
    Line("1M items, nothing reserved, RedisBloom's family", ("5.8 MB",), 5.85e6, megabytes, figure("grown-redis")),
    Line("1M items, nothing reserved, valkey-bloom's family", ("3.3 MB",), None, megabytes,
         figure("grown-valkey")),
    # -ln(0.005) / ln(2)^2, for the first part of a filter that may grow has half the rate.
    Line("bits an item, 1M reserved at 1 %, RedisBloom's family", ("11.03",), 11.1, plain(2),
         figure("reserved-redis")),
    Line("bits an item, 1M reserved at 1 %, valkey-bloom's family", ("9.59",), 9.7, plain(2), figure("reserved-valkey")),
    Line("`BF.RESERVE` of 1 GiB, ms", (None,), 1, plain(2), figure("reserve")),
    Line("`UNLINK` of 1 GiB in use, ms", (None,), 1, plain(2), figure("unlink")),
    Line("false positives over the bound, worst of 0 to 10 growths, RedisBloom's family", (None,), None, plain(2),
         figure("worst-redis")),
    Line("false positives over the bound, worst of 0 to 10 growths, valkey-bloom's family", (None,), None, plain(2),
         figure("worst-valkey")),
)
