"""Draws a run: python -m soaking.chart FIGURES SVG."""

import json
import sys
from bisect import bisect_left
from pathlib import Path

from benchmarks.plots import COLORS, pyplot

from .watch import percentile

MIB = 1 << 20
# So many points a line, however long the run was.
POINTS = 120
ENDS = ("restart", "kill")


def windows(pings, rests, end):
    """The median, the 99th percentile and the longest PING of each stretch of time under load."""
    times = [when for when, _ in pings]
    length = max(1.0, end / POINTS)
    for number in range(int(end / length) + 1):
        begin, stop = number * length, (number + 1) * length
        within = pings[bisect_left(times, begin):bisect_left(times, stop)]
        found = sorted(ms for when, ms in within if not any(first <= when <= last for first, last in rests))
        if found:
            yield begin, percentile(found, 0.5), percentile(found, 0.99), found[-1]


def thinned(samples):
    """At most so many of the samples as a line has points."""
    return samples[::max(1, len(samples) // (4 * POINTS))]


def draw(run, path):
    """Three charts below each other over the same time."""
    figure, (memory, ping, commands) = pyplot.subplots(3, figsize=(9, 7.5), sharex=True, layout="constrained")
    samples = thinned(run["samples"])
    times = [when for when, *_ in samples]
    memory.plot(times, [used / MIB for _, used, _, _ in samples], label="in use", color=COLORS[1], linewidth=1)
    memory.plot(times, [resident / MIB for _, _, resident, _ in samples], label="resident", color=COLORS[0], linewidth=1)
    memory.set_ylabel("MiB")
    found = list(windows(run["pings"], run["rests"], times[-1] if times else 0))
    for column, (label, color) in enumerate([("median", COLORS[2]), ("99 %", COLORS[4]), ("longest", COLORS[0])], 1):
        ping.plot([row[0] for row in found], [row[column] for row in found], label=f"PING, {label}", color=color, linewidth=1)
    ping.set_yscale("log")
    ping.set_ylabel("ms")
    commands.plot(times, [count / 1000 for _, _, _, count in samples], label="thousand commands a second", color=COLORS[3],
                  linewidth=1)
    commands.set_xlabel("seconds; dotted: the primary was ended and started again")
    for axes in (memory, ping, commands):
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=3, fontsize=8, frameon=False)
        for when, what in run["done"]:
            if what.startswith(ENDS):
                axes.axvline(when, color="#444444", linewidth=0.8, linestyle=":")
    figure.suptitle(run["title"], fontsize=10)
    figure.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])
