"""Callgrind instructions of the whole server per command, in pipelines of 32."""

from .resp import PIPELINE
from .rows import prepare
from .server import CountingServer

ROUNDS = 3
WARM_PIPELINES = 4
OPTIONS = ("--hz", "1")


def measure(subject, workload, wanted):
    """Instructions per command by row name: the least of ROUNDS interleaved rounds."""
    best = {}
    with CountingServer(subject, OPTIONS) as server:
        rows = prepare(server.connect(), workload, lambda row: row.counted and wanted(row))
        server.start_counting()
        for prepared in rows:
            prepared.run(WARM_PIPELINES)
        for _ in range(ROUNDS):
            for prepared in rows:
                least(best, prepared.row.name, count(server, prepared))
    return best


def count(server, prepared):
    """Instructions per command of one round of one row."""
    pipelines = prepared.row.counted
    prepared.reset()
    return server.count(lambda: prepared.run(pipelines)) / (pipelines * PIPELINE)


def least(best, name, value):
    """Keeps the smaller of the values seen for `name`."""
    best[name] = min(value, best.get(name, value))
