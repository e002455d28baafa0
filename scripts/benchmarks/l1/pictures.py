"""The pictures of the client-side cache."""

from ..page import PLOTS
from ..plots import COLORS, draw, pyplot
from .tables import ONE, SIZES, SUBJECTS, TITLES

# moka and redis-rs would make the others' bars too short to see; one value for all keys is no cache's case.
DRAWN = [
    index
    for index, subject in enumerate(SUBJECTS)
    if subject not in ("moka", "redis-rs") and not subject.endswith(ONE[0])
]
READS = 500


def hits(figures):
    """A hit of each cache, by size."""
    groups = [[figures.get((size, SUBJECTS[index]), 0) for size, _ in SIZES[:3]] for index in DRAWN]
    legend = [TITLES[index].replace("`", "") for index in DRAWN]
    ticks = [title.replace(", ", "\n") for _, title in SIZES[:3]]
    draw(groups, legend, ticks, "ns of CPU for a hit", PLOTS / "l1-hits.svg")


def mix(figures):
    """The traced mix: the mean of each 500 reads, without L1 and then with it."""
    phases = {phase: points(figures, phase) for phase in ("without", "with")}
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    start = 0
    for (phase, values), color in zip(phases.items(), COLORS):
        places = [(start + number + 1) * READS for number in range(len(values))]
        axes.plot(places, values, color=color, label=f"{phase} L1")
        start += len(values)
    predicted = figures.get(("mix us", "predicted"), 0)
    axes.axhline(predicted, color="#444444", linewidth=1, linestyle="--", label="as predicted")
    axes.set_xlabel("reads")
    axes.set_ylabel("us, mean of 500 reads")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    figure.savefig(PLOTS / "l1-mix.svg", format="svg", metadata={"Date": None})
    pyplot.close(figure)


def points(figures, phase):
    """The means of one phase, in order."""
    found = [(int(number), value) for (name, number), value in figures.items() if name == f"mix {phase}"]
    return [value for _, value in sorted(found)]
