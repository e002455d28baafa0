"""Callgrind instructions of the whole server per command, in pipelines of 32."""

from .commands import ROWS, Prepared, json_data, native_data
from .resp import PIPELINE
from .server import CountingServer

ROUNDS = 3
WARM_PIPELINES = 4
OPTIONS = ("--hz", "1")


def measure(subject, data, wanted):
    """Instructions per command by row name: the least of ROUNDS interleaved rounds."""
    best = {}
    with CountingServer(subject, OPTIONS) as server:
        rows = prepare(server.connect(), data, wanted)
        server.start_counting()
        for prepared in rows:
            prepared.run(WARM_PIPELINES)
        for _ in range(ROUNDS):
            for prepared in rows:
                least(best, prepared.row.name, count(server, prepared))
    return best


def prepare(connection, data, wanted):
    """Loads the documents and makes the pipelines of the wanted rows."""
    connection.load(list(native_data(data)))
    connection.load(list(json_data(data)))
    return [Prepared(row, data, connection) for row in ROWS if wanted(row)]


def count(server, prepared):
    """Instructions per command of one round of one row."""
    pipelines = prepared.row.counted
    return server.count(lambda: prepared.run(pipelines)) / (pipelines * PIPELINE)


def least(best, name, value):
    """Keeps the smaller of the values seen for `name`."""
    best[name] = min(value, best.get(name, value))
