"""The section "JSON": documents of four kinds, commands on them, bytes per document, RDB files."""

from .. import snapshot
from ..measure import measure_commands, say
from ..page import machine
from ..resp import encode
from ..table import Results, command_table, markdown, missed_goals, target_table
from . import charts, documents, footprint
from .commands import ROWS, workload
from .targets import LINES, PEERS

TITLE = "JSON"
MODULE = "libkeyspan_json.so"
NAMES = [row.name for row in ROWS] + [collection.name for collection in footprint.COLLECTIONS] + ["rdb"]

TEXT = """{table}

The columns of RedisJSON 8.8 and valkey-json 1.0.2 were measured elsewhere, on other documents of the same
sizes and much the same make-up: they are there for orientation and are constants of the script. "Reached" compares
the first measured column with "to reach".

![Bytes per document](plots/memory.svg)

![Instructions per command](plots/instructions.svg)

\\* measured elsewhere.

{misses}

{machine}

{details}

### How documents are measured

* Documents come from fixed seeds (`scripts/benchmarks/json/documents.py`): 100k users of 281 B (three objects:
  a user with two addresses), 10k orders of 4.7 KB (20 items), one document of 8.6 MB (39k records), and 20k documents of ten
  member names that occur nowhere else.
* Bytes: growth of `used_memory` of a fresh server, once it has settled. "Beyond the key" takes off the growth
  of a server with the same keys holding a native integer, so the module value's own header counts as part of
  the document. "Beyond `0`" takes off the same keys holding the JSON document `0`.
"""


def measure(found, only):
    """Runs the measures that `only` leaves, all if it is empty."""
    results = Results()
    measure_commands(results, found, workload, only)
    for collection in footprint.COLLECTIONS:
        for subject in found:
            if not only or collection.name in only:
                say(f"{collection.name}: {subject.label}")
                results.footprints[subject.label, collection.name] = footprint.measure(subject, collection)
    for subject in found:
        if not only or "rdb" in only:
            say(f"rdb: {subject.label}")
            texts = documents.smalls()
            made = [encode("JSON.SET", f"doc:{number}", "$", text) for number, text in enumerate(texts)]
            results.snapshots[subject.label] = snapshot.measure(subject, made, len(texts))
    return results


def table(results, labels):
    """The table of targets."""
    return target_table(LINES, PEERS, results, labels)


def details(results, labels):
    """The tables behind the table of targets, per subject."""
    parts = []
    for label in labels:
        parts += [f"### Commands: {label}", command_table(ROWS, results, label), f"### Bytes per document: {label}",
                  footprints(results, label)]
    return "\n\n".join(part for part in parts if part)


def footprints(results, label):
    """Every footprint of one subject."""
    head = ["documents", "text", "beyond the key", "x text", "beyond `0`", "with the key", "native string with key"]
    rows = []
    for collection in footprint.COLLECTIONS:
        found = results.footprints.get((label, collection.name))
        if found:
            figures = (found.value, found.value / found.text, found.beyond_zero, found.whole, found.string)
            shown = [f"{figure:,.2f}" if figure < 100 else f"{figure:,.0f}" for figure in figures]
            rows.append([collection.name.removeprefix("memory-"), f"{found.text:,.0f}", *shown])
    return markdown(head, rows) if rows else ""


def section(results, labels, servers):
    """The text of the section; draws its plots."""
    charts.draw(results, labels)
    return TEXT.format(table=table(results, labels), misses=missed_goals(LINES, results, labels), machine=machine(servers),
                       details=details(results, labels))
