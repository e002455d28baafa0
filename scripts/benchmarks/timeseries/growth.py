"""One series as it grows to ten million samples: bytes, and the time of commands at its end and in its middle."""

from itertools import islice

from ..page import PLOTS
from ..resp import encode
from ..server import Server
from ..table import markdown
from . import data

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
READ = 1_000
COMMANDS = 320
ROUNDS = 5
SLICE = 100_000
SERIES = "series"


def measure(subject):
    """Figures by their name and the number of samples."""
    figures = {}
    with Server(subject) as server:
        connection, samples, held = server.connect(), data.gauge(SIZES[-1] * 2), 0
        empty = server.used_memory()
        connection.call("TS.CREATE", SERIES)
        for size in SIZES:
            fill(connection, samples, size - held)
            figures[f"grown-memory-{size}"] = (server.used_memory() - empty) / size
            figures[f"grown-range-{size}"] = microseconds(server, connection, ranges(size))
            added = [list(islice(samples, COMMANDS)) for _ in range(ROUNDS)]
            figures[f"grown-add-{size}"] = microseconds(server, connection, [adds(batch) for batch in added])
            held = size + ROUNDS * COMMANDS
    return figures


def fill(connection, samples, count):
    """Adds the next `count` samples, some at a time: ten million are more than a client should hold."""
    while count > 0:
        part = min(count, SLICE)
        connection.load(list(data.added(SERIES, islice(samples, part))))
        count -= part


def ranges(size):
    """Rounds of commands that read around the middle."""
    first = data.START + size // 2 * 1_000
    command = encode("TS.RANGE", SERIES, first, first + (READ - 1) * 1_000)
    return [[command] * COMMANDS] * ROUNDS


def adds(samples):
    """Commands that add samples at the end, one each."""
    return [encode("TS.ADD", SERIES, moment, value) for moment, value in samples]


def microseconds(server, connection, rounds):
    """CPU microseconds a command, of the best round."""
    return min(spent(server, connection, commands) for commands in rounds) * 1e6 / COMMANDS


def spent(server, connection, commands):
    """CPU seconds of the server while it runs the commands."""
    before = sum(server.cpu_seconds())
    connection.load(commands)
    return sum(server.cpu_seconds()) - before


def read(results, label, name):
    """A figure at each size; None if it was not measured."""
    found = [results.figures.get((label, f"grown-{name}-{size}")) for size in SIZES]
    return None if None in found else found


FIGURES = {
    "memory": "bytes a sample in memory",
    "range": f"`TS.RANGE` of {READ:,} in the middle, us",
    "add": "`TS.ADD` at the end, us",
}


def table(results, label):
    """The figures of one subject."""
    rows = [[title, *(f"{value:.2f}" for value in values)] for name, title in FIGURES.items()
            if (values := read(results, label, name))]
    return markdown(["samples", *(f"{size:,}" for size in SIZES)], rows) if rows else ""


def draw(results, labels):
    """Draws the figures of all subjects, a line each."""
    from .. import plots  # matplotlib is needed only here

    lines = {}
    for label in labels:
        for name, title in FIGURES.items():
            if values := read(results, label, name):
                lines[f"{label}: {title.replace('`', '')}"] = values
    if lines:
        PLOTS.mkdir(parents=True, exist_ok=True)
        plots.lines(SIZES, lines, "samples in the series", "bytes, us (CPU)", PLOTS / "timeseries.svg")
