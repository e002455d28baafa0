"""Bars and lines, as SVG that is the same for the same figures."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "keyspan", "svg.fonttype": "none", "font.family": "sans-serif"})

from matplotlib import pyplot  # noqa: E402  (the back end is chosen first)

COLORS = ("#c4452f", "#6a7fd0", "#2a9d62", "#9a9a9a", "#caa53d")
WIDTH = 0.8


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
    finish(figure, axes, len(groups) + 1, path)


def lines(sizes, found, size_title, axis_title, path):
    """A line for each of the figures in `found`, by its name; both axes are logarithmic."""
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    for number, (name, values) in enumerate(found.items()):
        axes.plot(sizes, values, marker="o", label=name, color=COLORS[number % len(COLORS)])
        for size, value in zip(sizes, values):
            axes.annotate(short(value), (size, value), fontsize=8, xytext=(0, 5), textcoords="offset points", ha="center")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(size_title)
    axes.set_ylabel(axis_title)
    finish(figure, axes, 3, path)


def finish(figure, axes, columns, path):
    """Adds the legend and writes the file."""
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=columns, frameon=False, fontsize=9)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def short(value):
    """A figure in few characters."""
    return f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.2f}"
