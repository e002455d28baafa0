"""The section "Probabilistic types": commands, filters larger than the cache, memory, RDB files, and how
often filters and digests are wrong."""

from .. import snapshot
from ..measure import measure_commands, say
from ..page import machine
from ..table import Results, command_table, missed_goals, target_table
from . import accuracy, footprint, huge, rates
from .commands import ROWS, workload
from .targets import LINES, PEERS

TITLE = "Probabilistic types"
MODULE = "libkeyspan_bloom.so"
MEASURES = {"memory": footprint.measure, "huge": huge.measure, "rates": rates.measure}
NAMES = [row.name for row in ROWS] + list(MEASURES) + ["rdb", "accuracy"]

TEXT = """{table}

The peers' figures were measured elsewhere, on other data: from RedisBloom 8.8 and valkey-bloom 0.1, the lesser
and the greater where there are two.

{misses}

{machine}

{details}

### How probabilistic types are measured

* 64 keys of each type: filters for 4,096 items that hold 3,600, and for new items filters for 100,000 that are
  empty at the start of a round; sketches of 2,000 x 7; Top-K lists of 50 with half of the added items in them;
  digests of compression 100.
* The filter for 100M items (`NONSCALING`, 120 MB) has a quarter of its bits set at random, by BF.LOADCHUNK.
* RDB: 8 filters of 1M items each, full; the figures are for one.
* Bytes: growth of `used_memory`. Nothing reserved: one key that BF.MADD makes and grows.
* False positives: filters of 1,000 items that grow by 2 until they have 11 parts, each part full when 400,000
  items that are not there are asked for. The bound is that of the parts' rates together.
"""


def measure(found, only):
    """Runs the measures that `only` leaves, all if it is empty."""
    results = Results()
    measure_commands(results, found, workload, only)
    for name, taken in MEASURES.items():
        for subject in found:
            if not only or name in only:
                say(f"{name}: {subject.label}")
                figures = taken(subject)
                results.figures |= {(subject.label, key): value for key, value in figures.items()}
    for subject in found:
        if not only or "rdb" in only:
            say(f"rdb: {subject.label}")
            results.snapshots[subject.label] = snapshot.measure(subject, footprint.full_filters(), footprint.FILTERS)
    if not only or "accuracy" in only:
        say("accuracy")
        results.figures["accuracy"] = accuracy.measure()
    return results


def table(results, labels):
    """The table of targets."""
    return target_table(LINES, PEERS, results, labels)


def details(results, labels):
    """The tables behind the table of targets, per subject."""
    parts = []
    for label in labels:
        parts += [f"### Probabilistic commands: {label}", command_table(ROWS, results, label)]
        parts += [f"### False positives: {label}", rates.table(results, label)]
    parts += ["### Errors of the t-digest", results.figures.get("accuracy", "")]
    shown = zip(parts[::2], parts[1::2])
    return "\n\n".join(f"{title}\n\n{body}" for title, body in shown if body)


def section(results, labels, servers):
    """The text of the section."""
    return TEXT.format(table=table(results, labels), misses=missed_goals(LINES, results, labels), machine=machine(servers),
                       details=details(results, labels))
