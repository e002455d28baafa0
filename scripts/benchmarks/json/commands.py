"""The measured commands, one row each, and the documents they run on."""

from dataclasses import dataclass

from ..resp import encode
from ..rows import KEYS, NATIVE, Row, Workload, on
from . import documents

FILTER = "$.items[?(@.price>1000)].sku"


@dataclass(frozen=True)
class Data:
    """Documents that are loaded before the commands run, and written by them."""

    smalls: list
    mids: list
    big: bytes


def load(connection, data, _wanted):
    """Loads the documents, and the same texts as strings."""
    connection.load(list(commands(data)))


def commands(data):
    """Encoded commands that make them."""
    for number in range(KEYS):
        yield encode("SET", f"text:{number:06}", data.mids[number])
        yield encode("JSON.SET", f"small:{number:06}", "$", data.smalls[number])
        yield encode("JSON.SET", f"mid:{number:06}", "$", data.mids[number])
    yield encode("JSON.SET", "big", "$", data.big)


ROWS = (
    *NATIVE,
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


def workload():
    """The rows with KEYS documents of each kind, and the big one."""
    data = Data(documents.smalls(KEYS), documents.mids(KEYS), documents.bigs()[0])
    return Workload(ROWS, data, load)
