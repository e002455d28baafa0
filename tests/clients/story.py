"""The story that every client tells with its own calls: sensors with documents in JSON, an index over
them, a Bloom filter that keeps messages from being counted twice, and series with a rule.

Run by scripts/clients, which says in KEYSPAN_URL where the server is, in KEYSPAN_CLUSTER_URL where one
in cluster mode is, and in KEYSPAN_PROTOCOL which RESP to speak.
"""

import json
import os
import struct
from pathlib import Path

URL = os.environ.get("KEYSPAN_URL", "")
CLUSTER_URL = os.environ.get("KEYSPAN_CLUSTER_URL", "")
PROTOCOL = int(os.environ.get("KEYSPAN_PROTOCOL", "3"))
MODULES = {"ReJSON", "bf", "search", "timeseries"}
MINUTE = 60_000

STORY = json.loads((Path(__file__).parent / "story.json").read_text())
SENSORS, MESSAGES, EXPECTED = STORY["sensors"], STORY["messages"], STORY["expected"]
FIRST, LAST = MESSAGES[0]["time"], MESSAGES[-1]["time"]


def blob(numbers):
    """A vector as a hash field or a parameter has it: little-endian singles."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


QUERY = blob(STORY["query"])


def key(sensor):
    return f"sensor:{sensor}"


def samples(sensor):
    """What the series of a sensor holds: each message once, in the order of time."""
    once = {one["id"]: one for one in MESSAGES if one["sensor"] == sensor}
    return [(one["time"], one["value"]) for one in once.values()]


def closed(sensor):
    """What a rule has written: every minute but the last, which may still grow."""
    return [tuple(minute) for minute in EXPECTED["minutes"][sensor][:-1]]
