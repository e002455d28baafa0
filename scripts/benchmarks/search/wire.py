"""What queries, writes, filters, memory and a restart cost over the wire, engines in turns."""

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy

from ..measure import say
from ..server import Server
from . import vectors
from .lanes import Clock, Index, VectorSet
from .sweep import Point, best

EF = (10, 15, 20, 30, 50, 75, 100, 200)
FILTER_EF = (10, 20, 50, 100, 200)
SHARES = (0.001, 0.01, 0.1, 0.5)
FIELDS = {"r": "random", "p": "correlated"}
ROUNDS = 3
LOAD_PARTS = 10
RELOADS = 3
# One round of all is short enough for rounds to be alike.
QUERIES = 300
# Filters are asked with fewer queries: some engines need milliseconds for one.
FILTER_QUERIES = 100


@dataclass
class Wire:
    """What one engine took with `count` vectors: microseconds a write (all threads, main thread), a sweep,
    sweeps by field and share, index bytes a vector, bytes of the vector itself, and microseconds a vector
    to load the RDB file and its keys alone."""

    count: int
    write: tuple = (0.0, 0.0)
    points: list = field(default_factory=list)
    filters: dict = field(default_factory=dict)
    memory: float = 0.0
    raw: int = 0
    reload: float = 0.0
    reload_keys: float = 0.0


def measure(subjects, name, filters):
    """Figures of every engine by its label, on the set `name`, with filters if wanted."""
    data = getattr(vectors, name)()
    data = vectors.Vectors(data.base, data.queries[:QUERIES], data.metric)
    with ExitStack() as stack:
        lanes = []
        for lane in started(subjects, data):
            stack.callback(lane.stop)
            lanes.append(lane)
        found = {lane.label: Wire(len(data.base), raw=lane.raw(data.dimension)) for lane in lanes}
        empty = {lane.label: lane.server.used_memory() for lane in lanes}
        load(lanes, data, found)
        sweeps(lanes, data, found)
        for lane in lanes:
            say(f"{name}: reload, {lane.label}")
            restart(lane, len(data.base), empty[lane.label], found[lane.label])
        if filters:
            filtered(lanes, data, found)
    return found


def started(subjects, data):
    """The engines that can hold the set."""
    for subject in subjects:
        yield Index(subject, data)
        yield Index(subject, data, "SQ8")
    if data.metric == "COSINE":
        yield VectorSet("NOQUANT")
        yield VectorSet("Q8")


def load(lanes, data, found):
    """Fills the engines in parts, in turns; work left to other threads counts."""
    count = len(data.base)
    bounds = numpy.linspace(0, count, LOAD_PARTS + 1, dtype=int)
    for start, end in zip(bounds, bounds[1:]):
        for lane in lanes:
            commands = [lane.add(number, data.base[number]) for number in range(start, end)]
            spent = lane.clock.spent(lambda: (lane.connection.load(commands), lane.settle()))
            wire = found[lane.label]
            wire.write = tuple(before + more / count for before, more in zip(wire.write, spent))
        say(f"loaded {end} of {count}")


def sweeps(lanes, data, found):
    """All ef of all engines in turns."""
    truth = data.truth()
    samples = {lane.label: [] for lane in lanes}
    for number in range(ROUNDS):
        say(f"searches: round {number + 1}")
        for ef in EF:
            for lane in lanes:
                samples[lane.label].append([asked(lane, data.queries, truth, ef)])
    for lane in lanes:
        found[lane.label].points = best(samples[lane.label])


def asked(lane, queries, truth, ef, below=None):
    """One ef on one engine."""
    commands = [lane.query(query, ef, below) for query in queries]
    answers = []
    cpu, main = lane.clock.spent(lambda: answers.extend(lane.run(commands)))
    hits = sum(len(answer & wanted) for answer, wanted in zip(answers, truth))
    recall = hits / sum(map(len, truth))
    return Point(ef, recall, cpu / len(commands), main / len(commands))


def filtered(lanes, data, found):
    """Sweeps under filters: fields that number the rows at random, and by how near they are to one."""
    fields = numbered(data)
    for lane in lanes:
        say(f"fields of filters, {lane.label}")
        lane.connection.load([lane.describe(number, {name: order[number] for name, order in fields.items()})
                              for number in range(len(data.base))])
        lane.settle()
    queries = data.queries[:FILTER_QUERIES]
    for name, order in fields.items():
        for share in SHARES:
            limit = max(1, int(share * len(data.base)))
            truth = vectors.Vectors(data.base, queries, data.metric).truth(numpy.flatnonzero(order < limit))
            say(f"filter: {FIELDS[name]}, {share:.1%}")
            for lane in lanes:
                rounds = [[asked(lane, queries, truth, ef, (name, limit)) for ef in FILTER_EF] for _ in range(2)]
                found[lane.label].filters[name, share] = best(rounds)


def numbered(data):
    """The two numbers of every row."""
    count = len(data.base)
    ranks = numpy.empty(count, dtype=int)
    ranks[numpy.argsort(data.distances(data.base[7 % count]), kind="stable")] = numpy.arange(count)
    return {"r": numpy.random.default_rng(1).permutation(count), "p": ranks}


def restart(lane, count, empty, wire):
    """Loads the engine's RDB file on new servers, then that of the keys alone; what is left of its memory
    then is the keys'."""
    grown = lane.server.used_memory() - empty
    lane.connection.call("SAVE")
    base = min(start_cpu(lane.subject) for _ in range(RELOADS))
    folder = Path(tempfile.mkdtemp(prefix="keyspan-bench-"))
    try:
        shutil.copy(lane.server.folder / "dump.rdb", folder)
        wire.reload = (reloaded(lane, folder) - base) / count
        keys = keys_alone(lane, folder) - empty if lane.is_ours else 0
        wire.memory = (grown - keys) / count
        wire.reload_keys = (reloaded(lane, folder) - base) / count if lane.is_ours else 0.0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_cpu(subject):
    """CPU microseconds of an empty server's start."""
    with Server(subject) as server:
        return Clock(server).now()[0]


def reloaded(lane, folder):
    """CPU microseconds of a start with the file in `folder`, with the work after it; the least of RELOADS."""
    times = []
    for _ in range(RELOADS):
        other = revived(lane, folder)
        try:
            other.settle()
            times.append(other.clock.now()[0])
        finally:
            other.stop()
    return min(times)


def keys_alone(lane, folder):
    """Rewrites the file in `folder` without the index; `used_memory` without it."""
    other = revived(lane, folder)
    try:
        other.drop()
        other.connection.call("SAVE")
        return other.server.used_memory()
    finally:
        other.stop()


def revived(lane, folder):
    """The engine on a server that loads what is in `folder`."""
    other = object.__new__(type(lane))
    other.quantization = lane.quantization
    super(type(lane), other).__init__(lane.label, lane.subject, folder)
    return other
