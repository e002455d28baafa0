"""The two plots of docs/benchmarks.md, as SVG that is the same for the same figures."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "keyspan", "svg.fonttype": "none", "font.family": "sans-serif"})

from matplotlib import pyplot  # noqa: E402  (the back end is chosen first)

from .table import LINES, REDISJSON, VALKEYJSON  # noqa: E402

COLORS = ("#c4452f", "#6a7fd0", "#2a9d62", "#9a9a9a", "#caa53d")
WIDTH = 0.8


def memory(results, labels, path):
    """Bytes per document, as bars relative to the JSON text."""
    lines = [line for line in LINES if line.bar == "memory"]
    names = ["memory-small", "memory-mid", "memory-big", "memory-unique"]
    texts = [results.footprint(labels[0], name).text for name in names]
    ticks = ["small\n281 B", "mid\n4.7 KB", "big\n8.6 MB", "unique names\n260 B, with key"]
    groups = [[value / text for value, text in zip(values, texts)] for values in columns(lines, results, labels)]
    draw(groups, ["RedisJSON 8.8 *", "valkey-json 1.0.2 *", *labels], ticks, "bytes stored per byte of JSON text", path)


def instructions(results, labels, path):
    """Instructions per command, with native GET as a line."""
    lines = [line for line in LINES if line.bar == "ir"]
    ticks = ["GET path\nsmall", "GET path\nmid", "NUMINCRBY\nsmall", "SET path\nsmall", "GET whole\nsmall"]
    groups = columns(lines, results, labels)
    line = results.ir(labels[0], "native-get")
    draw(groups, [f"{REDISJSON} *", f"{VALKEYJSON} *", *labels], ticks, "instructions per command", path, line)


def columns(lines, results, labels):
    """Values of the lines for each peer and each label."""
    yield [line.redisjson for line in lines]
    yield [line.valkeyjson for line in lines]
    for label in labels:
        yield [line.read(results, label) for line in lines]


def draw(groups, legend, ticks, axis_title, path, line=None):
    """Grouped bars, each with its figure above it."""
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    groups = list(groups)
    width = WIDTH / len(groups)
    for number, (values, label) in enumerate(zip(groups, legend)):
        places = [tick + (number - (len(groups) - 1) / 2) * width for tick in range(len(ticks))]
        bars = axes.bar(places, values, width * 0.92, label=label, color=COLORS[number % len(COLORS)])
        axes.bar_label(bars, labels=[short(value) for value in values], fontsize=8, padding=2)
    if line is not None:
        axes.axhline(line, color="#444444", linewidth=1, linestyle="--", label="native GET, 100 B")
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_ylabel(axis_title)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(groups) + 1, frameon=False, fontsize=9)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def short(value):
    """A figure in few characters."""
    return f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.2f}"
