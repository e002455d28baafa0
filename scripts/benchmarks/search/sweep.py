"""Recall and cost of a row of ef values, and the cost at a recall between them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One ef: recall of the nearest 10, and microseconds a query: of CPU time, and of the main thread
    alone (0 where there are no servers)."""

    ef: int
    recall: float
    cpu: float
    main: float = 0.0


def at_recall(points, recall, cost=lambda point: point.cpu):
    """The cost at a recall, between the two points around it; that of the first point if it has more
    already; None if none reaches it."""
    below = None
    for point in sorted(points, key=lambda point: point.ef):
        if point.recall >= recall:
            return cost(point) if below is None else between(below, point, recall, cost)
        below = point
    return None


def between(below, above, recall, cost):
    """Interpolates."""
    share = (recall - below.recall) / (above.recall - below.recall)
    return cost(below) + share * (cost(above) - cost(below))


def best(samples):
    """The least cost of each ef in several sweeps."""
    merged = {}
    for point in (point for sweep in samples for point in sweep):
        known = merged.get(point.ef, point)
        merged[point.ef] = Point(point.ef, known.recall, min(known.cpu, point.cpu), min(known.main, point.main))
    return list(merged.values())
