"""The table of targets: the peers' figures, what is to be reached, and how to read what was measured.

The peers' figures were measured elsewhere; they are constants of the sections.
`--reference-module` measures another module with this protocol.
"""

from dataclasses import dataclass, field
from typing import Callable


@dataclass
class Results:
    """What one run measured, by the subject's label."""

    instructions: dict = field(default_factory=dict)
    costs: dict = field(default_factory=dict)
    footprints: dict = field(default_factory=dict)
    snapshots: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)

    def ir(self, label, row):
        """Instructions per command, or None."""
        return self.instructions.get(label, {}).get(row)

    def cost(self, label, row):
        """The Cost of a row, or None."""
        return self.costs.get((label, row))


def grouped(value):
    """123456 -> 123,456."""
    return f"{value:,.0f}"


def thousands(value):
    """6543 -> 6.5k."""
    return f"{value / 1000:.1f}k"


def megabytes(value):
    """10700000 -> 10.7 MB."""
    return f"{value / 1e6:.1f} MB"


def plain(digits):
    """A printer with `digits` decimals."""
    return lambda value: f"{value:.{digits}f}"


@dataclass(frozen=True)
class Line:
    """One line: the peers' figures (None: not measured; text stands as it is), the limit, a reader of
    the results, and why the limit does not hold where it does not."""

    title: str
    peers: tuple
    limit: float | None
    shown: Callable
    read: Callable
    bar: str = ""
    why: str = ""

    def cells(self, results, labels):
        """The cells of the Markdown row."""
        constants = [self.cell(value) for value in (*self.peers, self.limit)]
        measured = [self.cell(self.read(results, label)) for label in labels]
        return [self.title, *constants, *measured, self.verdict(results, labels[0])]

    def cell(self, value):
        """One figure, or a dash."""
        if isinstance(value, str):
            return value
        return "-" if value is None else self.shown(value)

    def verdict(self, results, label):
        """Whether the limit holds."""
        value = self.read(results, label)
        if value is None or self.limit is None:
            return "-"
        return "yes" if value <= self.limit else "no"


def ir(row):
    """Reads instructions per command."""
    return lambda results, label: results.ir(label, row)


def user_us(row):
    """Reads user microseconds per command."""
    def read(results, label):
        found = results.cost(label, row)
        return found and found.user * 1e6
    return read


def ir_over(row, base):
    """Reads the instructions of one row over those of another."""
    def read(results, label):
        above, below = results.ir(label, row), results.ir(label, base)
        return above / below if above and below else None
    return read


def cpu_over(row, base):
    """Reads the CPU time, user and kernel, of one row over that of another."""
    def read(results, label):
        above, below = results.cost(label, row), results.cost(label, base)
        return above.cpu / below.cpu if above and below else None
    return read


def snapshot(name):
    """Reads one figure of the RDB file."""
    def read(results, label):
        found = results.snapshots.get(label)
        return found and getattr(found, name)
    return read


def figure(name):
    """Reads a figure of the section's own."""
    return lambda results, label: results.figures.get((label, name))


def markdown(head, rows):
    """A Markdown table; the first column is text."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def target_table(lines, peers, results, labels):
    """The table of targets, of the lines that were measured."""
    measured = ["measured", *(f"measured: {label}" for label in labels[1:])]
    head = ["", *peers, "to reach", *measured, "reached"]
    return markdown(head, [line.cells(results, labels) for line in lines if seen(line, results, labels)])


def seen(line, results, labels):
    """Whether the run measured the line at all."""
    return any(line.read(results, label) is not None for label in labels)


def missed_goals(lines, results, labels):
    """Why some goals are missed, a line for each reason."""
    missed = {}
    for line in lines:
        if line.verdict(results, labels[0]) == "no" and line.why:
            missed.setdefault(line.why, []).append(line.title)
    if not missed:
        return ""
    reasons = (f"* {'; '.join(titles)}: {why}" for why, titles in missed.items())
    return "\n".join(["### Goals that are missed, and why", "", *reasons])


def command_table(rows, results, label):
    """Every measured command of one subject."""
    get, put = results.cost(label, "native-get"), results.cost(label, "native-set")
    head = ["command", "Ir", "x GET", "user ns", "user+sys ns", "user+sys x GET", "user x GET", "user x SET", "commands/s",
            "rate x GET"]
    cells = []
    for row in rows:
        count, cost = results.ir(label, row.name), results.cost(label, row.name)
        if cost is None:
            continue
        native = results.ir(label, "native-get")
        cells.append([
            f"`{row.title}`", f"{count:,.0f}" if count else "-", f"{count / native:.2f}" if count else "-",
            f"{cost.user * 1e9:,.0f}", f"{cost.cpu * 1e9:,.0f}", f"{cost.cpu / get.cpu:.2f}", f"{cost.user / get.user:.2f}",
            f"{cost.user / put.user:.2f}", f"{1 / cost.wall:,.0f}", f"{get.wall / cost.wall:.2f}",
        ])
    return markdown(head, cells) if cells else ""
