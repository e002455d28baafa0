"""docs/benchmarks.md: the table of targets, every figure behind it, and how to get them again."""

import os
import platform
import subprocess

from .commands import ROWS
from .memory import COLLECTIONS
from .server import ROOT
from .table import LINES, REDISJSON, VALKEYJSON

PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "plots"

HEAD = """# Benchmarks

Written by `scripts/bench json`; do not edit by hand. Each run measures everything anew and writes this page.

{table}

The columns of RedisJSON 8.8 and valkey-json 1.0.2 were measured elsewhere, on other documents of the same
sizes and much the same make-up: they are there for orientation and are constants of the script. "Reached" compares
the first measured column with "to reach".

![Bytes per document](plots/memory.svg)

![Instructions per command](plots/instructions.svg)

\\* measured elsewhere.
"""

TAIL = """## How it is measured

* Documents come from fixed seeds (`scripts/benchmarks/documents.py`): 100k users of 281 B (three objects:
  a user with two addresses), 10k orders of 4.7 KB (20 items), one document of 8.6 MB (39k records), and 20k documents of ten
  member names that occur nowhere else.
* One connection, pipelines of 32, replies checked for their size; rows take turns in rounds, and the best
  round counts.
* Ir: callgrind instructions of the whole server process, all threads, divided by the commands sent; native
  GET and SET run in the same process.
* Bytes: growth of `used_memory` of a fresh server, once it has settled. "Beyond the key" takes off the growth
  of a server with the same keys holding a native integer, so the module value's own header counts as part of
  the document. "Beyond `0`" takes off the same keys holding the JSON document `0`.
* CPU: `used_cpu_user` and `used_cpu_sys` of INFO over 0.4 s a round; the least total, split into user and
  system by the share of all rounds. Commands per second are those of one Python client that waits for each
  pipeline: its own work is in them and brings the ratios nearer to 1.
* Ir of a round takes in what the server does by itself meanwhile; the least of three rounds counts.
* RDB: wall seconds of SAVE, and what the starting server's log says of loading; best of three.

## Run it again

    scripts/bench json                          # everything; writes this page and its plots
    scripts/bench json --only get-small         # one row (or several), printed only; --list names them
    scripts/bench json --server valkey-9.1      # another server of scripts/servers
    scripts/bench json --reference-module PATH  # another module's .so beside it, same protocol

It needs `target/modules/libkeyspan_json.so`, `python3` and `valgrind` (installed with apt where missing);
matplotlib goes into `.cache/`.
"""


def table(head, rows):
    """A Markdown table; the first column is text."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def targets(results, labels):
    """The table of targets."""
    measured = ["measured", *(f"measured: {label}" for label in labels[1:])]
    head = ["", REDISJSON, VALKEYJSON, "to reach", *measured, "reached"]
    return table(head, [line.cells(results, labels) for line in LINES if seen(line, results, labels)])


def misses(results, labels):
    """Why some goals are missed, a line each."""
    missed = [line for line in LINES if line.verdict(results, labels[0]) == "no" and line.why]
    if not missed:
        return ""
    return "\n".join(["## Goals that are missed, and why", "", *(f"* {line.title}: {line.why}" for line in missed)]) + "\n"


def seen(line, results, labels):
    """Whether the run measured the line at all."""
    return any(line.read(results, label) is not None for label in labels)


def commands(results, label):
    """Every measured command of one subject."""
    get, put = results.cost(label, "native-get"), results.cost(label, "native-set")
    head = ["command", "Ir", "x GET", "user ns", "user+sys ns", "user x GET", "user x SET", "commands/s", "rate x GET"]
    rows = []
    for row in ROWS:
        count, cost = results.ir(label, row.name), results.cost(label, row.name)
        if count is None or cost is None:
            continue
        native = results.ir(label, "native-get")
        rows.append([
            f"`{row.title}`", f"{count:,.0f}", f"{count / native:.2f}", f"{cost.user * 1e9:,.0f}",
            f"{cost.cpu * 1e9:,.0f}", f"{cost.user / get.user:.2f}", f"{cost.user / put.user:.2f}",
            f"{1 / cost.wall:,.0f}", f"{get.wall / cost.wall:.2f}",
        ])
    return table(head, rows) if rows else ""


def memory(results, label):
    """Every footprint of one subject."""
    head = ["documents", "text", "beyond the key", "x text", "beyond `0`", "with the key", "native string with key"]
    rows = []
    for collection in COLLECTIONS:
        found = results.footprint(label, collection.name)
        if found:
            figures = (found.value, found.value / found.text, found.beyond_zero, found.whole, found.string)
            shown = [f"{figure:,.2f}" if figure < 100 else f"{figure:,.0f}" for figure in figures]
            rows.append([collection.name.removeprefix("memory-"), f"{found.text:,.0f}", *shown])
    return table(head, rows) if rows else ""


def details(results, labels):
    """The tables behind the table of targets, per subject."""
    parts = []
    for label in labels:
        parts += [f"## Commands: {label}", commands(results, label), f"## Bytes per document: {label}", memory(results, label)]
    return "\n\n".join(part for part in parts if part)


def machine(servers):
    """What the figures were taken on."""
    valgrind = subprocess.run(["valgrind", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return (
        f"Machine: {processor()}, {os.cpu_count()} cores, {valgrind}; "
        f"{'; '.join(servers)}. Bytes repeat from run to run and instruction counts within 3 % (hash seeds "
        "differ); times are noisy: compare ratios within one run, not times between runs."
    )


def processor():
    """The processor's model name."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def write(results, labels, servers):
    """Writes the page and its plots."""
    from . import plots  # matplotlib is needed only here

    PLOTS.mkdir(parents=True, exist_ok=True)
    plots.memory(results, labels, PLOTS / "memory.svg")
    plots.instructions(results, labels, PLOTS / "instructions.svg")
    parts = [HEAD.format(table=targets(results, labels)), misses(results, labels), machine(servers) + "\n", details(results, labels) + "\n", TAIL]
    PAGE.write_text("\n".join(parts), encoding="utf-8")
