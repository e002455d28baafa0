"""The tables of the client-side cache."""

from ..plots import short

ONE = (", one value", ", one value for all keys")
SUBJECTS = ("with", "get", "handle", "quick_cache", "dashmap", f"quick_cache{ONE[0]}", f"dashmap{ONE[0]}", "moka", "redis-rs")
TITLES = (
    "`with`",
    "`get`",
    "`with`, by `KeyHandle`",
    "quick_cache",
    "dashmap, by reference",
    f"quick_cache{ONE[1]}",
    f"dashmap{ONE[1]}",
    "moka",
    "redis-rs cache-aio",
)
SIZES = (
    ("hit 1000 64 100", "1,000 keys of 64 B, values of 100 B"),
    ("hit 1000 24 100", "1,000 keys of 24 B, values of 100 B"),
    ("hit 1000 64 50000", "1,000 keys of 64 B, values of 50 KB"),
    ("hit 100000 64 100", "100,000 keys of 64 B, values of 100 B"),
)
TRACES = (("zipf", "Zipf"), ("scan", "Zipf and a scan"), ("loop", "Zipf and a loop"), ("drift", "Zipf that drifts"))


def times_loopback(figures):
    """How often a hit fits into a GET over loopback."""
    get, hit = figures.get(("loopback get ns", "median")), figures.get(("hit 1000 64 100", "with"))
    return get / hit if get and hit else None


def as_small(figures):
    """A hit of 50 KB over one of 100 B."""
    large, small = figures.get(("hit 1000 64 50000", "with")), figures.get(("hit 1000 64 100", "with"))
    return large / small if large and small else None


def of(figure, subject):
    """Reads one figure."""
    return lambda figures: figures.get((figure, subject))


# What, best known, to reach, its reader, and whether more is better.
LINES = (
    ("64 B key, hot set of 1,000: by reference, ns", 28, 25, of("hit 1000 64 100", "with"), False),
    ("the same, `Arc`, ns", 31, 30, of("hit 1000 64 100", "get"), False),
    ("the same, by key handle, ns", None, 18, of("hit 1000 64 100", "handle"), False),
    ("24 B key, hot set of 1,000: by reference, ns", 20, 17, of("hit 1000 24 100", "with"), False),
    ("the same, `Arc`, ns", 26, 23, of("hit 1000 24 100", "get"), False),
    ("100,000 keys by Zipf's law, 64 B, value touched, ns", 166, 130, of("hit 100000 64 100", "with"), False),
    ("50 KB value by reference, over 100 B", None, 1.1, as_small, False),
    ("two threads, slowdown of a hit", 1.1, 1.1, of("two threads", "with"), False),
    ("hit ratio: Zipf, %", 77.9, 77.4, of("ratio zipf", "l1"), True),
    ("hit ratio: and a scan, %", 38.3, 37.8, of("ratio scan", "l1"), True),
    ("hit ratio: and a loop, %", 59.2, 58.7, of("ratio loop", "l1"), True),
    ("hit ratio: that drifts, %", 75.1, 74.6, of("ratio drift", "l1"), True),
    ("insert and evict, ns", 52, 60, of("insert and evict", "l1, entry made before"), False),
    ("GETs of 100 concurrent misses of one key", 54, 1, of("gets of 100 misses", "l1"), False),
    ("invalidation, us of CPU after its bytes are readable", None, 5, of("invalidation cpu us", "l1"), False),
    ("hits in the time of a GET over loopback", 50, 400, times_loopback, True),
)


def cell(value):
    """A figure, or a dash."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def reached(value, goal, more):
    """Whether the goal is reached, as figures are printed."""
    if value is None:
        return "-"
    shown = float(cell(value))
    return "yes" if (shown >= goal if more else shown <= goal) else "no"


def table(head, rows):
    """A table whose first column is text."""
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def targets(figures):
    """What is to be reached, and what was measured."""
    rows = []
    for what, known, goal, read, more in LINES:
        value = read(figures)
        rows.append((what, cell(known), cell(goal), cell(value), reached(value, goal, more)))
    return table(("", "best known", "to reach", "measured", "reached"), rows)


def hits(figures):
    """What a hit costs, beside the others."""
    rows = [(title, *(cell(figures.get((size, subject))) for subject in SUBJECTS)) for size, title in SIZES]
    return table(("", *TITLES), rows)


def ratios(figures):
    """Which part is answered from memory."""
    subjects = ("l1", "quick_cache", "moka", "optimum")
    rows = [(title, *(cell(figures.get((f"ratio {trace}", subject))) for subject in subjects)) for trace, title in TRACES]
    return table(("", "L1", "quick_cache", "moka", "optimum"), rows)


def others(figures):
    """Two threads, insertion, and the wire."""
    rows = []
    for figure, title in (
        ("two threads", "two threads over one"),
        ("insert and evict", "insert and evict, ns"),
        ("gets of 100 misses", "GETs of 100 misses at once"),
        ("invalidation cpu us", "invalidation, us"),
        ("loopback get ns", "GET over loopback, ns"),
    ):
        found = [(subject, value) for (name, subject), value in figures.items() if name == figure]
        rows += [(f"{title}: {subject}", short(value)) for subject, value in found]
    return table(("", "measured"), rows)
