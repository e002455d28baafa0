"""The table of JSON's targets."""

from ..table import Line, cpu_over, grouped, ir, ir_over, megabytes, plain, snapshot, thousands, user_us

PEERS = ("RedisJSON 8.8", "valkey-json 1.0.2")


def footprint(name):
    """Reads bytes beyond the key."""
    def read(results, label):
        found = results.footprints.get((label, name))
        return found and found.value
    return read


def whole(name):
    """Reads bytes of key and document."""
    def read(results, label):
        found = results.footprints.get((label, name))
        return found and found.whole
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
    Line("bytes per document, small (281 B)", (847, 528), 340, grouped, footprint("memory-small"), "memory"),
    Line("bytes per document, mid (4.7 KB)", (9900, 9577), 5900, grouped, footprint("memory-mid"), "memory"),
    Line("bytes per document, big (8.6 MB)", (20.2e6, 17.4e6), 11e6, megabytes, footprint("memory-big"), "memory"),
    Line("bytes per document with its key, 10 never-repeated names (260 B)", (967, 739), 600, grouped,
         whole("memory-unique"), "memory"),
    Line("`JSON.GET $.address.city`, small, Ir", (19_625, 12_747), 6_500, thousands, ir("get-small"), "ir",
         why=FLOOR_READ),
    Line("`JSON.GET $.items[10].price`, mid, Ir", (22_887, 12_888), 7_000, thousands, ir("get-mid"), "ir",
         why=FLOOR_READ),
    Line("`JSON.NUMINCRBY` of a path, small, Ir", (21_573, 13_711), 7_500, thousands, ir("numincrby"), "ir",
         why=FLOOR_WRITE),
    Line("`JSON.SET` of a path, small, Ir", (21_573, 13_711), 7_500, thousands, ir("set-path"), "ir",
         why=FLOOR_WRITE),
    Line("`JSON.GET $..price`, mid, Ir", (296_772, None), 30_000, thousands, ir("recursive")),
    Line("`JSON.GET $.items[?(@.price>1000)].sku`, mid, Ir", (95_229, None), None, thousands, ir("filter")),
    Line("`JSON.GET $.records[20000].x`, big, Ir over the small one's", (None, None), 1.1, plain(2),
         ir_over("get-big", "get-small")),
    Line("`JSON.GET $.records[20000].x`, big, user us", (56, 1.9), None, plain(2), user_us("get-big")),
    Line("`JSON.SET` of the whole document, small, user us", (4.6, 3.1), 2, plain(2), user_us("whole-set-small")),
    Line("`JSON.SET` of the whole document, mid, user us", (47, 33), 20, plain(1), user_us("whole-set-mid")),
    Line("`JSON.GET` of the whole document, small, Ir", (21_571, 15_901), 10_000, thousands,
         ir("whole-get-small"), "ir"),
    Line("`JSON.GET $` of 4.7 KB, CPU over native `GET` of it", (5.8, 7.4), 2.5, plain(2),
         cpu_over("whole-get-mid", "native-get-mid")),
    Line("100k small documents, RDB size", (23.4e6, 27.4e6), 23e6, megabytes, snapshot("size"), why=SIZE),
    Line("100k small documents, SAVE, s", (0.50, 0.32), 0.30, plain(2), snapshot("save"), why=SAVE),
    Line("100k small documents, load, s", (0.61, 0.34), 0.30, plain(2), snapshot("load")),
)
