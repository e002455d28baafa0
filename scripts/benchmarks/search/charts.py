"""The plots of the section."""

from ..page import PLOTS
from .sweep import at_recall

RECALLS = (0.95, 0.98)


def draw(results):
    """Draws what was measured."""
    PLOTS.mkdir(parents=True, exist_ok=True)
    found = results.figures
    if "debian" in found:
        searches(found["debian"], "server CPU us per search", PLOTS / "search-wire.svg")
    if "core-debian" in found:
        searches(found["core-debian"], "CPU us per search, in-process", PLOTS / "search-core.svg")
    if "growth" in found:
        growth(found["growth"], PLOTS / "search-growth.svg")


def searches(engines, title, path):
    """The cost of a search at two recalls, for each engine that reaches both."""
    from .. import plots  # matplotlib is needed only here

    costs = {label: [at_recall(engine.points, recall) for recall in RECALLS] for label, engine in engines.items()}
    costs = {label: found for label, found in costs.items() if None not in found}
    if costs:
        plots.draw(costs.values(), list(costs), [f"recall {recall}" for recall in RECALLS], title, path)


def growth(found, path):
    """The cost of building and of a search by the number of vectors."""
    from .. import plots

    counts = sorted({count for _, count in found})
    rows = {}
    for label in dict.fromkeys(label for label, _ in found):
        rows[f"{label}: build"] = [found[label, count].build for count in counts]
        rows[f"{label}: search at recall .95"] = [at_recall(found[label, count].points, 0.95) or 0 for count in counts]
    ticks = [f"{count // 1000}k" for count in counts]
    plots.draw(rows.values(), list(rows), ticks, "CPU us per vector or search, 128 elements", path)
