"""What replacing every vector again and again leaves of a graph: recall and memory beside a fresh one's."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..measure import say
from ..page import PLOTS
from ..server import ROOT
from ..table import Line, markdown, plain
from . import vectors
from .core import example

REPLACED = 10
KINDS = {"FLOAT32": "none", "SQ8": "sq8"}
ROW = re.compile(r"^(start|fresh|\d+) ([0-9.]+) (\d+) ([0-9.]+)((?: [0-9.]+)+)$", re.MULTILINE)
EF = (10, 20, 50, 100)


@dataclass(frozen=True)
class State:
    """A graph: microseconds of the last replacement or insertion of each vector, bytes a vector, links a vector,
    recall at each of EF."""

    cost: float
    memory: int
    links: float
    recalls: tuple


def measure():
    """States by quantization, then by round: "start", numbers, "fresh"."""
    data, found = vectors.debian(), {}
    with tempfile.TemporaryDirectory(prefix="keyspan-bench-") as folder:
        vectors.write(data, Path(folder))
        for title, kind in KINDS.items():
            say(f"churn: {title}")
            line = (*example("churn"), folder, str(len(data.base)), kind, str(REPLACED))
            done = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            found[title] = {name: State(float(cost), int(memory), float(links), tuple(map(float, recalls.split())))
                            for name, cost, memory, links, recalls in ROW.findall(done.stdout)}
    return found


def table(found):
    """Every state."""
    head = ["", "us a vector", "B a vector", "links", *(f"recall, ef {ef}" for ef in EF)]
    rows = []
    for title, states in found.items():
        for name, state in states.items():
            recalls = [f"{recall:.4f}" for recall in state.recalls]
            figures = f"{state.cost:.0f}", f"{state.memory:,}", f"{state.links:.2f}"
            rows.append([f"{title}, {words(name)}", *figures, *recalls])
    return markdown(head, rows)


def words(name):
    """What a state is called."""
    return {"start": "built", "fresh": "built of the last vectors", "1": "replaced once"}.get(name, f"replaced {name} times")


def draw(found):
    """The share of the nearest that is missed, by a fresh graph and after the last round."""
    from .. import plots  # matplotlib is needed only here

    rows = {}
    for title, states in found.items():
        for name in ("fresh", str(REPLACED)):
            rows[f"{title}, {words(name)}"] = [100 * (1 - recall) for recall in states[name].recalls]
    ticks = [f"ef {ef}" for ef in EF]
    plots.draw(rows.values(), list(rows), ticks, "% of the nearest 10 missed", PLOTS / "search-churn.svg")


def lost(results, _label):
    """Reads the recall that a fresh graph has more: the largest difference."""
    gaps = [fresh - old for states in results.figures.get("churn", {}).values()
            for fresh, old in zip(states["fresh"].recalls, states[str(REPLACED)].recalls)]
    return max(gaps, default=None)


def grown(results, _label):
    """Reads memory over that of a fresh graph: the largest ratio."""
    found = results.figures.get("churn", {}).values()
    ratios = [states[str(REPLACED)].memory / states["fresh"].memory for states in found]
    return max(ratios, default=None)


LINES = (
    Line("every vector replaced 10 times, debian: recall lost to a fresh graph, most of all ef", (None,), 0.01, plain(4),
         lost),
    Line("every vector replaced 10 times, debian: memory over that of a fresh graph", (None,), 1.1, plain(3), grown),
)
