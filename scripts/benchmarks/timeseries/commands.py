"""The measured commands, one row each, and the series they run on."""

import random

from ..resp import encode
from ..rows import KEYS, NATIVE, SHUFFLED, TOKEN, Row, Workload
from . import data, labelled

# Series that are read, and samples in each: a second apart.
VALUES = 16
LENGTH = 20_000
SECOND = 1_000

# A second after the sample that the row's pipeline before gave the series. Each series has one command in a pipeline.
MOMENT = f"17{TOKEN.decode()}000"


def long(number):
    """The series that command `number` reads."""
    return f"long:{number % VALUES:02}"


def load(connection, _data, wanted):
    """Makes the series of the rows."""
    for number in range(VALUES):
        connection.load(list(data.made(long(number), data.gauge(LENGTH))))
    for kind in ("constant", "random", "up", "batch"):
        connection.load([encode("TS.CREATE", f"{kind}:{number:06}") for number in range(KEYS)])
    if any(wanted(row) for row in labelled.ROWS):
        labelled.load(connection)


def span(count, *tail):
    """Words of a range of `count` samples somewhere in a series."""
    def words(_data, number):
        first = random.Random(number).randrange(LENGTH - count) * SECOND + data.START
        return "TS.RANGE", long(number), first, first + (count - 1) * SECOND, *tail
    return words


def constant(_data, number):
    """Words of TS.ADD of one value again and again."""
    return "TS.ADD", f"constant:{number:06}", MOMENT, 42


def fraction(_data, number):
    """Words of TS.ADD of a random fraction of 16 digits."""
    return "TS.ADD", f"random:{number:06}", MOMENT, f"0.{SHUFFLED.decode()}{number * 7_919 % 10**8:08}"


def increment(_data, number):
    """Words of TS.INCRBY."""
    return "TS.INCRBY", f"up:{number:06}", 1, "TIMESTAMP", MOMENT


def batch(_data, number):
    """Words of TS.MADD of ten samples of one series, a tenth of a second apart."""
    samples = ((f"batch:{number:06}", f"17{TOKEN.decode()}{place}00", 42 + place) for place in range(10))
    return "TS.MADD", *(word for sample in samples for word in sample)


def last(_data, number):
    """Words of TS.GET."""
    return "TS.GET", long(number)


ROWS = (
    *NATIVE,
    Row("ts-add-constant", "TS.ADD, constant value", constant, timed=20_000),
    Row("ts-add-random", "TS.ADD, random fractions", fraction, timed=20_000),
    Row("ts-incrby", "TS.INCRBY", increment, timed=20_000),
    Row("ts-madd-10", "TS.MADD of 10 samples", batch, items=10, timed=3_000),
    Row("ts-get", "TS.GET", last),
    Row("ts-range-100", "TS.RANGE of 100 samples", span(100), counted=32, items=100),
    Row("ts-range-1000", "TS.RANGE of 1,000 samples", span(1_000), counted=8, items=1_000),
    Row("ts-range-average", "TS.RANGE, 10,000 samples averaged into 100 buckets",
        span(10_000, "ALIGN", "-", "AGGREGATION", "avg", 100 * SECOND), counted=8, items=10_000),
    *labelled.ROWS,
)


def workload():
    """The rows; they need no data but what they load."""
    return Workload(ROWS, None, load)
