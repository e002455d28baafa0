"""Filtered searches in a process of its own: what the planner chooses, beside each way it could have chosen."""

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ..measure import say
from ..page import PLOTS
from ..server import ROOT
from ..table import Line, markdown, plain
from . import vectors
from .core import example
from .sweep import Point, at_recall

SHARES = ("0.1", "1.0", "10.0", "50.0")
ORDERS = {"random": "random", "region": "correlated"}
WAYS = {"scan": "brute force", "two hops": "two hops", "all links": "all links"}
RECALL = 0.95
# A range of a field of numbers, drawn at random (r) or by nearness to one of the rows (p), and its share.
ASKED = re.compile(r"^@([rp]):\S+ \S+ ([0-9.]+) %$")
CHOSEN = re.compile(r"^  ef +(\d+) recall ([0-9.]+) +([0-9.]+) us  (.*)$")
FILTERED = re.compile(r"^(random|region) ([0-9.]+) %$")
WAY = re.compile(r"^  (scan|two hops|all links)(?:, ef (\d+))? +recall ([0-9.]+) +([0-9.]+) us$")


@dataclass
class Filter:
    """Searches under one filter: sweeps of the planner's choice and of each way, and what it chose, in words."""

    planned: list = field(default_factory=list)
    ways: dict = field(default_factory=dict)
    choices: list = field(default_factory=list)


def measure():
    """Filters by their order ("random", "region") and share."""
    data = vectors.debian()
    found = {(order, share): Filter() for order in ORDERS for share in SHARES}
    with tempfile.TemporaryDirectory(prefix="keyspan-bench-") as folder:
        vectors.write(data, Path(folder))
        for name, read in (("queries", planned), ("filters", ways)):
            say(f"planner: {name}")
            line = (*example(name), folder, str(len(data.base)), "none", folder)
            done = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            read(done.stdout.splitlines(), found)
    return found


def planned(lines, found):
    """Reads what the planner chose."""
    current = None
    for line in lines:
        if asked := ASKED.match(line):
            current = found.get(({"r": "random", "p": "region"}[asked[1]], asked[2]))
        elif (chosen := CHOSEN.match(line)) and current:
            current.planned.append(Point(int(chosen[1]), float(chosen[2]), float(chosen[3])))
            current.choices.append(chosen[4].split(" over ")[0])


def ways(lines, found):
    """Reads what each way takes."""
    current = None
    for line in lines:
        if filtered := FILTERED.match(line):
            current = found.get((filtered[1], filtered[2]))
        elif (way := WAY.match(line)) and current:
            point = Point(int(way[2] or 0), float(way[3]), float(way[4]))
            current.ways.setdefault(way[1], []).append(point)


def table(found):
    """Recall and cost of the planner's choice, and the cost of each way at RECALL."""
    first = next(iter(found.values()))
    head = ["filter", "chosen", *(f"ef {point.ef}: recall, us" for point in first.planned),
            *(f"{words} at {RECALL}, us" for words in WAYS.values())]
    rows = []
    for (order, share), each in found.items():
        sweep = [f"{point.recall:.4f}, {point.cpu:.0f}" for point in each.planned]
        costs = [shown(at_recall(each.ways.get(way, []), RECALL)) for way in WAYS]
        rows.append([f"{ORDERS[order]}, {float(share):g} %", ", ".join(dict.fromkeys(each.choices)), *sweep, *costs])
    return markdown(head, rows)


def shown(cost):
    """Microseconds, or a dash."""
    return "-" if cost is None else f"{cost:.0f}"


def draw(found):
    """The cost of a search at RECALL: the planner's and each way's."""
    from .. import plots  # matplotlib is needed only here

    rows = {"planner": [at_recall(each.planned, RECALL) or 0 for each in found.values()]}
    for way, words in WAYS.items():
        rows[words] = [at_recall(each.ways.get(way, []), RECALL) or 0 for each in found.values()]
    ticks = [f"{ORDERS[order]}\n{float(share):g} %" for order, share in found]
    plots.draw(rows.values(), list(rows), ticks, f"us per search at recall {RECALL}", PLOTS / "search-planner.svg")


def least(results, _label):
    """Reads the least recall of the planner at the largest ef."""
    return min((each.planned[-1].recall for each in results.figures.get("planner", {}).values()), default=None)


LINES = (
    Line("filters of 0.1 to 50 %, random and correlated, ef 50: least recall of the planner's choice", (None,), None,
         plain(3), least),
)
