"""Measured commands, one row each, and the pipelines made of them."""

import random
from dataclasses import dataclass
from typing import Callable

from .resp import PIPELINE, ReplyError, encode

KEYS = 1024
VALUE = b"x" * 100
# Stands for eight digits that no other pipeline of the row has.
TOKEN = b"@@@@@@@@"
# The same number in an order that looks random.
SHUFFLED = b"########"


@dataclass(frozen=True)
class Row:
    """One measured command.

    `words(data, number)` gives the command for key `number`; where one of them holds TOKEN, no two
    pipelines are the same, and SHUFFLED stands for another number in each of them. `counted` is how many pipelines of 32 run under callgrind in a round (0:
    none), `timed` how many at most in a round of the measure of time. `reset` gives encoded commands
    that run before each round; `reply`, the reply that nine of ten commands must give; `items`, how
    many items one command carries.
    """

    name: str
    title: str
    words: Callable
    counted: int = 96
    timed: int = 1 << 30
    native: bool = False
    reset: Callable | None = None
    reply: bytes = b""
    items: int = 1


@dataclass(frozen=True)
class Workload:
    """The rows of a section, and what they run on: `load(connection, data, wanted)` makes the values
    that the wanted rows need."""

    rows: tuple
    data: object
    load: Callable


def on(kind, command, *tail):
    """Words of a command whose key is of `kind`."""
    return lambda data, number: (command, f"{kind}:{number:06}", *tail)


NATIVE = (
    Row("native-get", "GET, 100 B", on("string", "GET"), native=True),
    Row("native-set", "SET, 100 B", on("string", "SET", VALUE), native=True),
)


def native_data():
    """Strings for the native commands, as encoded commands."""
    for number in range(KEYS):
        yield encode("SET", f"string:{number:06}", VALUE)


class Prepared:
    """The pipelines of one row on one server, with the sizes of their replies."""

    def __init__(self, row, data, connection):
        self.row = row
        self.data = data
        self.connection = connection
        self.token = 0
        order = list(range(KEYS))
        random.Random(row.name).shuffle(order)
        commands = [encode(*row.words(data, number)) for number in order]
        self.reset()
        self.pipelines = []
        for start in range(0, KEYS, PIPELINE):
            payload = b"".join(commands[start : start + PIPELINE])
            self.pipelines.append((payload, self.learn(payload)))
        self.fresh = TOKEN in self.pipelines[0][0]

    def learn(self, payload):
        """Runs one pipeline for the size of its replies, and checks that they are of the kind wanted."""
        replies = self.connection.learn(self.stamped(payload), PIPELINE)
        if self.row.reply and replies.count(self.row.reply) < 0.9 * PIPELINE:
            raise ReplyError(f"{self.row.name}: few of {self.row.reply!r} in {replies[:200]!r}")
        return len(replies)

    def stamped(self, payload):
        """The payload with a number in it that no other has."""
        self.token += 1
        shuffled = self.token * 61_803_399 % 10**8
        return payload.replace(TOKEN, b"%08d" % self.token).replace(SHUFFLED, b"%08d" % shuffled)

    def reset(self):
        """Makes the state in which a round starts."""
        if self.row.reset:
            self.connection.load(list(self.row.reset(self.data)))

    def run(self, count):
        """Runs `count` pipelines, starting over when all have run."""
        replay = self.connection.replay
        for number in range(count):
            payload, size = self.pipelines[number % len(self.pipelines)]
            replay(self.stamped(payload) if self.fresh else payload, size)


def prepare(connection, workload, wanted):
    """Loads the data and makes the pipelines of the wanted rows."""
    connection.load(list(native_data()))
    workload.load(connection, workload.data, wanted)
    return [Prepared(row, workload.data, connection) for row in workload.rows if wanted(row)]
