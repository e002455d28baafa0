"""The section "Vector search": servers side by side on the same vectors, and the graph beside libraries."""

from ..measure import say
from ..page import machine
from ..table import Results, markdown, missed_goals, target_table
from . import charts, churn, core, planner, wire
from .sweep import at_recall
from .targets import LINES, PEERS

TITLE = "Vector search"
MODULE = "libkeyspan_search.so"
# Sets over the wire, and whether filters are measured on them.
WIRE = {"debian": True, "clustered": False}
CORE = {"core-debian": "debian", "core-wide": "wide"}
NAMES = [*WIRE, *CORE, "growth", "churn", "planner"]
RECALLS = (0.95, 0.98, 0.998)

TEXT = """{table}

Ratios are of one run. The column "measured elsewhere" is for orientation, of other data on another day.

{plots}

{misses}

{machine}

{details}

### How vector search is measured

* debian: embeddings of Debian's packages (384 elements, cosine), queries that are not among them. clustered: points
  around centres, not normalised, 128 elements, L2. wide: 768 elements, normalised. M = 16, EF_CONSTRUCTION = 200
  everywhere; recall is that of the nearest 10 against brute force.
* Over the wire: one connection, a command at a time, the server's CPU time of all threads and of its main thread;
  each engine on a server of its own, taking turns at each ef, the least of three rounds. Vector sets: redis 8.6.
* A figure "at recall" lies between the two ef around it; an engine whose least ef has more recall is given with that.
* Writes: pipelines of 32, with what other threads do after them. Memory: growth of `used_memory` less what is left
  of it on a server with the keys alone. Reload: CPU time of a server's start with the RDB file, with work in the
  background, less that of an empty server's start; "keys" without the index.
* Filters number the rows at random, or by how near they are to one of them ("correlated").
* In-process: one thread, hnswlib and faiss-cpu from PyPI, whole batches of queries in one call; programs in turns at
  each ef, the least of six; builds one after the other, the less of two. The graph of Keyspan holds what it needs for
  deletes and filters.
* Churn: every vector of debian is replaced in a random order, ten times: by a blend with another one, at last by its
  own; beside a graph that is built of those at once. Recall of 500 queries.
* Planner: in-process, a query with a filter from text to answer; beside it the time each way to search takes without
  that. Time is wall-clock time, for each of 300 queries the least of three.
"""
PLOTTED = {
    "debian": "![Server CPU of a search](plots/search-wire.svg)",
    "core-debian": "![CPU of a search in-process](plots/search-core.svg)",
    "growth": "![Cost by the number of vectors](plots/search-growth.svg)",
    "churn": "![What is missed after replacing every vector](plots/search-churn.svg)",
    "planner": "![Cost of filtered searches](plots/search-planner.svg)",
}


def measure(found, only):
    """Runs the measures that `only` leaves, all if it is empty; shows the figures of each when it is done,
    as all of them take long."""
    measures = {name: lambda name=name, filters=filters: wire.measure(found, name, filters)
                for name, filters in WIRE.items()}
    measures |= {name: lambda data=data: core.measure(data) for name, data in CORE.items()}
    measures |= {"growth": core.growth, "churn": churn.measure, "planner": planner.measure}
    results = Results()
    for name, taken in measures.items():
        if not only or name in only:
            say(name)
            results.figures[name] = taken()
            say(details(Results(figures={name: results.figures[name]}), ()))
    return results


def table(results, labels):
    """The table of targets."""
    return target_table(LINES, PEERS, results, labels)


def details(results, _labels):
    """The tables behind the table of targets."""
    parts = []
    for name in WIRE:
        if engines := results.figures.get(name):
            parts += [f"### Over the wire: {sized(name, engines)}", over_wire(engines), sweeps(engines)]
            if any(engine.filters for engine in engines.values()):
                parts += ["### Filters", filters(engines)]
    for name in CORE:
        if engines := results.figures.get(name):
            parts += [f"### In-process: {sized(CORE[name], engines)}", in_process(engines)]
    if found := results.figures.get("growth"):
        parts += ["### Growth", growth(found)]
    if found := results.figures.get("churn"):
        parts += ["### Churn", churn.table(found)]
    if found := results.figures.get("planner"):
        parts += ["### Planner", planner.table(found)]
    return "\n\n".join(parts)


def sized(name, engines):
    """The name of a set and how many vectors of it were used."""
    return f"{name}, {next(iter(engines.values())).count:,} vectors"


def shown(value, digits=1):
    """A figure, or a dash."""
    return "-" if value is None else f"{value:,.{digits}f}"


def costs(points):
    """Microseconds a search at each of RECALLS."""
    return [shown(at_recall(points, recall)) for recall in RECALLS]


def over_wire(engines):
    """Every figure of the engines but the sweeps."""
    head = ["engine", *(f"search at {recall}, us" for recall in RECALLS), "write, us", "main thread, us", "index B/vector",
            "beyond raw", "reload, us/vector", "of that keys"]
    rows = []
    for label, found in engines.items():
        writes = [shown(cost) for cost in found.write]
        rows.append([label, *costs(found.points), *writes, shown(found.memory, 0), shown(found.memory - found.raw, 0),
                     shown(found.reload), shown(found.reload_keys or None)])
    return markdown(head, rows)


def sweeps(engines):
    """Recall, CPU and main-thread time at each ef."""
    rows = []
    for ef in wire.EF:
        cells = [f"ef {ef}"]
        for found in engines.values():
            point = next(point for point in found.points if point.ef == ef)
            cells.append(f"{point.recall:.4f}, {point.cpu:.0f}, {point.main:.0f}")
        rows.append(cells)
    return markdown(["recall, CPU us, main thread us", *engines], rows)


def filters(engines):
    """Cost of a search under each filter, at recall .95, with the best recall where none has that."""
    rows = []
    for name, words in wire.FIELDS.items():
        for share in wire.SHARES:
            cells = [f"{words}, {share * 100:g} %"]
            rows.append(cells + [filter_cell(found.filters.get((name, share))) for found in engines.values()])
    return markdown(["CPU us at recall .95 (recall at the least ef)", *engines], rows)


def filter_cell(points):
    """One engine under one filter."""
    if not points:
        return "-"
    cost = at_recall(points, 0.95)
    if cost is None:
        return f"never: {max(point.recall for point in points):.3f}"
    return f"{cost:.0f} ({min(points, key=lambda point: point.ef).recall:.3f})"


def in_process(engines):
    """The figures of programs."""
    head = ["program", *(f"search at {recall}, us" for recall in RECALLS), "build, us/vector", "load, us/vector",
            "B/vector beside rows"]
    rows = [[label, *costs(found.points), shown(found.build), shown(found.load, 2), shown(found.beside, 0)]
            for label, found in engines.items()]
    return markdown(head, rows)


def growth(found):
    """Cost by the number of vectors."""
    rows = [[f"{label}, {count:,}", shown(each.build), shown(at_recall(each.points, 0.95)), shown(each.load, 2)]
            for (label, count), each in found.items()]
    return markdown(["vectors of 128 elements", "build, us/vector", "search at 0.95, us", "load, us/vector"], rows)


def section(results, labels, servers):
    """The text of the section; draws its plots."""
    charts.draw(results)
    plots = "\n\n".join(PLOTTED[name] for name in PLOTTED if name in results.figures)
    return TEXT.format(table=table(results, labels), plots=plots, misses=missed_goals(LINES, results, labels),
                       machine=machine(servers), details=details(results, labels))
