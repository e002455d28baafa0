"""The section "Time series": commands, bytes a sample of five kinds of metrics, RDB files, and one series as it
grows."""

from .. import snapshot
from ..measure import measure_commands, say
from ..page import machine
from ..table import Results, command_table, missed_goals, target_table
from . import data, footprint, growth
from .commands import ROWS, workload
from .targets import LINES, PEERS

TITLE = "Time series"
MODULE = "libkeyspan_timeseries.so"
MEASURES = {"memory": footprint.measure, "growth": growth.measure}
NAMES = [row.name for row in ROWS] + list(MEASURES) + ["rdb"]

TEXT = """{table}

The peer's figures were measured elsewhere, on other data, and are constants of the script.

![One series as it grows](plots/timeseries.svg)

{misses}

{machine}

{details}

### How time series are measured

* `TS.ADD`: 1,024 series, a sample each in turn, a second apart; each random fraction has 16 digits. Ranges: somewhere
  in 16 series of 20,000 samples of the gauge; microseconds are the server's CPU time, user and kernel, for replies in
  RESP2. On Valkey most lines of such a reply are handed over together; Redis turns ends of lines within a simple
  string into blanks, so that each line is a call there, and a long range takes twice as long.
* 100,000 series: a thousand hosts in a hundred racks with a hundred metrics each, four labels a series; the matchers
  are a rack and a group of ten metrics.
* Bytes a sample: growth of `used_memory` of a fresh server by one series of a million samples, and the size of the
  file that it saves; so the key counts too. Samples come from fixed seeds (`scripts/benchmarks/timeseries/data.py`). In the
  file chunks are the peer's bit for bit, and the gauge's noise is chosen so that they have the peer's 3.9 bytes a
  sample once the server has compressed them; in memory, full chunks of short decimals are kept as whole numbers.
* An empty series: growth by 10,000 of them, beyond as many keys that hold an integer.
* SAVE and load: the series of the gauge. The server's own compression of strings is most of it: keys that hold the
  bytes of the same chunks take more than half of the time of SAVE, and two thirds of that of the load. Growth: the
  gauge too, with commands in pipelines of 32, the best of five rounds.
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
            made = list(data.made("series", data.gauge(footprint.SAMPLES)))
            results.snapshots[subject.label] = snapshot.measure(subject, made, 1)
    return results


def table(results, labels):
    """The table of targets."""
    return target_table(LINES, PEERS, results, labels)


def details(results, labels):
    """The tables behind the table of targets, per subject."""
    parts = []
    for label in labels:
        parts += [(f"### Commands on time series: {label}", command_table(ROWS, results, label)),
                  (f"### Bytes a sample: {label}", footprint.table(results, label)),
                  (f"### One series as it grows: {label}", growth.table(results, label))]
    return "\n\n".join(f"{title}\n\n{body}" for title, body in parts if body)


def section(results, labels, servers):
    """The text of the section; draws its plot."""
    growth.draw(results, labels)
    return TEXT.format(table=table(results, labels), misses=missed_goals(LINES, results, labels), machine=machine(servers),
                       details=details(results, labels))
