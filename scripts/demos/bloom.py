"""Counts a day of visits in filters and sketches of a few kB, beside what exact counting takes and says."""

import random
import time
from collections import Counter

from benchmarks.resp import encode

from .stage import bar

VISITS = 200_000
VISITORS = 60_000
PAGES = 5_000
BATCH = 500
ERROR = 0.01
TOP = 5


def add_arguments(_parser):
    """What the demo can be told: nothing."""


def complaint(_chosen):
    """Nothing can be wrong with that."""


def show(running, _chosen):
    """Streams the visits, then compares; returns the exit code."""
    connection = running.connect()
    connection.call("BF.RESERVE", "visitors", ERROR, VISITORS)
    connection.call("CMS.INITBYDIM", "views", 10_000, 4)
    connection.call("TOPK.RESERVE", "top", TOP, 200, 5, 0.9)
    connection.call("TDIGEST.CREATE", "latency")
    visitors, views, times = stream(connection)
    filter_of_visitors(connection, visitors)
    pages(connection, views)
    latencies(connection, times)
    return 0


def visits():
    """Who looks at which page, and how long it takes: a few pages and visitors make most of it."""
    rng = random.Random(1)
    for _ in range(VISITS):
        visitor = f"visitor:{int(VISITORS * rng.random() ** 2)}"
        page = f"/page/{int(PAGES * rng.random() ** 6)}"
        yield visitor, page, round(rng.lognormvariate(3, 0.7), 2)


def stream(connection):
    """Tells the filters and sketches of every visit; returns the exact figures."""
    visitors, views, times = set(), Counter(), []
    began, batch = time.monotonic(), []
    for visitor, page, taken in visits():
        visitors.add(visitor)
        views[page] += 1
        times.append(taken)
        batch.append((visitor, page, taken))
        if len(batch) == BATCH:
            write(connection, batch)
            bar("visits counted", len(times), VISITS, began)
            batch.clear()
    return visitors, views, sorted(times)


def write(connection, batch):
    """One command for each structure."""
    names, seen, taken = zip(*batch)
    counts = [word for page in seen for word in (page, 1)]
    connection.load([
        encode("BF.MADD", "visitors", *names),
        encode("CMS.INCRBY", "views", *counts),
        encode("TOPK.ADD", "top", *seen),
        encode("TDIGEST.ADD", "latency", *taken),
    ], 4)


def size(connection, name):
    """What a key takes, in kB."""
    return f"{connection.call('MEMORY', 'USAGE', name) / 1000:,.0f} kB"


def filter_of_visitors(connection, visitors):
    """Who was there is always found; of who was not, a few are."""
    connection.load([encode("SADD", "exact", *list(visitors)[start:start + BATCH])
                     for start in range(0, len(visitors), BATCH)], 100)
    there = sum(connection.call("BF.MEXISTS", "visitors", *visitors))
    absent = [f"stranger:{number}" for number in range(10_000)]
    wrong = sum(connection.call("BF.MEXISTS", "visitors", *absent))
    print(f"Bloom filter, {size(connection, 'visitors')} (a set: {size(connection, 'exact')}): "
          f"{there:,} of {len(visitors):,} visitors known, {wrong / len(absent):.2%} of strangers taken for one")


def pages(connection, views):
    """How often each page was looked at, and which most."""
    names = list(views)
    told = connection.call("CMS.QUERY", "views", *names)
    connection.load([encode("ZADD", "scores", views[name], name) for name in names], 500)
    error = sum(count - views[name] for name, count in zip(names, told)) / sum(views.values())
    print(f"Count-min sketch, {size(connection, 'views')} (a sorted set: {size(connection, 'scores')}): "
          f"{len(names):,} pages, {error:.2%} of the views counted too many")
    top = [name.decode() for name in connection.call("TOPK.LIST", "top")]
    best = [name for name, _ in views.most_common(TOP)]
    print(f"Top-K, {size(connection, 'top')}: {', '.join(sorted(top))} ({len(set(top) & set(best))} of {TOP} are right)")


def latencies(connection, times):
    """Quantiles, beside the exact ones."""
    wanted = (0.5, 0.95, 0.99, 0.999)
    told = connection.call("TDIGEST.QUANTILE", "latency", *wanted)
    parts = (f"p{quantile * 100:g} {float(value):.1f} ms (exactly {times[int(quantile * len(times))]:.1f})"
             for quantile, value in zip(wanted, told))
    print(f"t-digest, {size(connection, 'latency')}: {', '.join(parts)}")
