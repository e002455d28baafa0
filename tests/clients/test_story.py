"""story.json says what clients must find; here it is computed from the sensors and the messages in the
plainest way, so that no client's test agrees with a mistake in the file."""

from collections import defaultdict

from story import EXPECTED, MESSAGES, MINUTE, SENSORS, STORY

HOLDS = {
    "*": lambda one: True,
    "@kind:{wind}": lambda one: one["kind"] == "wind",
    "@kind:{wind | rain} @floor:[2 4]":
        lambda one: one["kind"] in ("wind", "rain") and 2 <= one["floor"] <= 4,
    "@floor:[(4 +inf]": lambda one: one["floor"] > 4,
    "-@labels:{roof}": lambda one: "roof" not in one["labels"],
    "@labels:{old} @labels:{garden}": lambda one: {"old", "garden"} <= set(one["labels"]),
    # Potsdam is 26 km from Berlin, Paris 878.
    "@place:[13.4 52.52 30 km]": lambda one: one["town"] in ("berlin", "potsdam"),
    "(@kind:{heat} @floor:[0 2]) | @town:{paris}":
        lambda one: one["kind"] == "heat" and one["floor"] <= 2 or one["town"] == "paris",
}


def nearest(k, holds):
    """The `k` nearest; the numbers are quarters, so that squares of their differences are exact."""
    far = sorted((sum((a - b) ** 2 for a, b in zip(one["signature"], STORY["query"])), name)
                 for name, one in SENSORS.items() if holds(one))
    assert far[k - 1][0] < far[k][0]
    return [[name, distance] for distance, name in far[:k]]


def test_searches():
    assert {query: [name for name, one in SENSORS.items() if holds(one)]
            for query, holds in HOLDS.items()} == EXPECTED["searches"]


def test_nearest():
    assert nearest(3, lambda one: True) == EXPECTED["nearest"]
    assert nearest(2, lambda one: one["kind"] == "rain") == EXPECTED["nearest_rain"]


def test_messages():
    ids = [one["id"] for one in MESSAGES]
    repeated = [one for place, one in enumerate(ids) if one in ids[:place]]
    assert repeated == EXPECTED["repeated"]


def test_minutes():
    minutes = defaultdict(list)
    for one in {one["id"]: one for one in MESSAGES}.values():
        minutes[one["sensor"], one["time"] // MINUTE * MINUTE].append(one["value"])
    for sensor, expected in EXPECTED["minutes"].items():
        assert [[time, sum(values) / len(values)]
                for (name, time), values in sorted(minutes.items()) if name == sensor] == expected
        assert sum(len(values) for (name, _), values in minutes.items()
                   if name == sensor) == EXPECTED["readings"][sensor]
    assert EXPECTED["highest"] == [
        [time, max(value for (_, when), values in minutes.items() if when == time for value in values)]
        for time in sorted({time for _, time in minutes})]
