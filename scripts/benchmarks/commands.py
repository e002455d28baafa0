"""The measured commands, one row each, and the data they run on."""

import random
from dataclasses import dataclass
from typing import Callable

from . import documents
from .resp import PIPELINE, encode

KEYS = 1024
VALUE = b"x" * 100
FILTER = "$.items[?(@.price>1000)].sku"


@dataclass(frozen=True)
class Data:
    """Documents that are loaded before the commands run, and written by them."""

    smalls: list
    mids: list
    big: bytes


def make_data():
    """The documents; KEYS of each kind, and the big one."""
    return Data(documents.smalls(KEYS), documents.mids(KEYS), documents.bigs()[0])


def native_data(data):
    """Strings for the native commands, as encoded commands."""
    for number in range(KEYS):
        yield encode("SET", f"string:{number:06}", VALUE)
        yield encode("SET", f"text:{number:06}", data.mids[number])


def json_data(data):
    """Documents for the JSON commands, as encoded commands."""
    for number in range(KEYS):
        yield encode("JSON.SET", f"small:{number:06}", "$", data.smalls[number])
        yield encode("JSON.SET", f"mid:{number:06}", "$", data.mids[number])
    yield encode("JSON.SET", "big", "$", data.big)


@dataclass(frozen=True)
class Row:
    """One measured command.

    `words(data, number)` gives the command for key `number`; `pipelines` is how many different
    pipelines of 32 are made of it, `counted` how many run under callgrind in a round.
    """

    name: str
    title: str
    words: Callable
    counted: int = 96
    native: bool = False


def on(kind, command, *tail):
    """Words of a command whose key is of `kind`."""
    return lambda data, number: (command, f"{kind}:{number:06}", *tail)


ROWS = (
    Row("native-get", "GET, 100 B", on("string", "GET"), native=True),
    Row("native-set", "SET, 100 B", on("string", "SET", VALUE), native=True),
    Row("native-get-mid", "GET, 4.7 KB", on("text", "GET"), native=True),
    Row("native-set-mid", "SET, 4.7 KB", lambda d, n: ("SET", f"text:{n:06}", d.mids[n]), native=True),
    Row("get-small", "JSON.GET $.address.city, small", on("small", "JSON.GET", "$.address.city")),
    Row("get-mid", "JSON.GET $.items[10].price, mid", on("mid", "JSON.GET", "$.items[10].price")),
    Row("get-big", "JSON.GET $.records[20000].x, big", lambda d, n: ("JSON.GET", "big", "$.records[20000].x")),
    # Six digits at first, and far from a seventh: replies keep their size.
    Row("numincrby", "JSON.NUMINCRBY $.id, small", on("small", "JSON.NUMINCRBY", "$.id", "1")),
    Row("set-path", "JSON.SET $.age, small", on("small", "JSON.SET", "$.age", "42")),
    Row("recursive", "JSON.GET $..price, mid", on("mid", "JSON.GET", "$..price"), counted=32),
    Row("filter", f"JSON.GET {FILTER}, mid", on("mid", "JSON.GET", FILTER), counted=32),
    Row("whole-get-small", "JSON.GET $, small", on("small", "JSON.GET", "$")),
    Row("whole-get-mid", "JSON.GET $, mid", on("mid", "JSON.GET", "$"), counted=32),
    Row("whole-set-small", "JSON.SET $, small", lambda d, n: ("JSON.SET", f"small:{n:06}", "$", d.smalls[n])),
    Row("whole-set-mid", "JSON.SET $, mid", lambda d, n: ("JSON.SET", f"mid:{n:06}", "$", d.mids[n]), counted=32),
)


class Prepared:
    """The pipelines of one row on one server, with the sizes of their replies."""

    def __init__(self, row, data, connection):
        self.row = row
        self.connection = connection
        order = list(range(KEYS))
        random.Random(row.name).shuffle(order)
        commands = [encode(*row.words(data, number)) for number in order]
        self.pipelines = []
        for start in range(0, KEYS, PIPELINE):
            payload = b"".join(commands[start : start + PIPELINE])
            self.pipelines.append((payload, len(connection.learn(payload, PIPELINE))))

    def run(self, count):
        """Runs `count` pipelines, starting over when all have run."""
        replay = self.connection.replay
        for number in range(count):
            replay(*self.pipelines[number % len(self.pipelines)])
