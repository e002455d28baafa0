"""The two plots of the section."""

from ..page import PLOTS
from .targets import LINES, PEERS


def draw(results, labels):
    """Draws both."""
    PLOTS.mkdir(parents=True, exist_ok=True)
    memory(results, labels, PLOTS / "memory.svg")
    instructions(results, labels, PLOTS / "instructions.svg")


def legend(labels):
    """The names of the columns; those of the peers have a mark."""
    return [*(f"{peer} *" for peer in PEERS), *labels]


def memory(results, labels, path):
    """Bytes per document, as bars relative to the JSON text."""
    from .. import plots  # matplotlib is needed only here

    lines = [line for line in LINES if line.bar == "memory"]
    names = ["memory-small", "memory-mid", "memory-big", "memory-unique"]
    texts = [results.footprints[labels[0], name].text for name in names]
    ticks = ["small\n281 B", "mid\n4.7 KB", "big\n8.6 MB", "unique names\n260 B, with key"]
    groups = [[value / text for value, text in zip(values, texts)] for values in columns(lines, results, labels)]
    plots.draw(groups, legend(labels), ticks, "bytes stored per byte of JSON text", path)


def instructions(results, labels, path):
    """Instructions per command, with native GET as a line."""
    from .. import plots

    lines = [line for line in LINES if line.bar == "ir"]
    ticks = ["GET path\nsmall", "GET path\nmid", "NUMINCRBY\nsmall", "SET path\nsmall", "GET whole\nsmall"]
    groups = columns(lines, results, labels)
    line = results.ir(labels[0], "native-get")
    plots.draw(groups, legend(labels), ticks, "instructions per command", path, line)


def columns(lines, results, labels):
    """Values of the lines for each peer and each label."""
    for number in range(len(PEERS)):
        yield [line.peers[number] for line in lines]
    for label in labels:
        yield [line.read(results, label) for line in lines]
