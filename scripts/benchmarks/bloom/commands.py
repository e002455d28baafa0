"""The measured commands, one row each, and the values they run on."""

import random

from ..resp import encode
from ..rows import KEYS, NATIVE, TOKEN, Row, Workload
from . import items, large

# Keys of each type; each of the KEYS commands of a row has an item of its own.
VALUES = 64
ZERO, ONE = b":0\r\n", b":1\r\n"

RESERVED, FILLED = 4_096, 3_600
RESERVED_NEW = 100_000
HOT = 50
# Replies keep their size: six digits at first, and far from a seventh.
COUNTED = 100_000
WEIGHT = 1_000


def key(kind, number):
    """The key that command `number` of a row is about."""
    return f"{kind}:{number % VALUES:06}"


def loaded(number):
    """The items of one filter: those of the commands about it, and others."""
    others = [f"fill:{number:04}:{place:06}" for place in range(FILLED - KEYS // VALUES)]
    return [items.present(each) for each in range(number, KEYS, VALUES)] + others


def filters(reserve, kind, capacity):
    """Makes empty filters anew, Bloom or Cuckoo."""
    for number in range(VALUES):
        yield encode("DEL", key(kind, number))
        yield encode(*reserve, key(kind, number), *capacity)


def new_bloom(kind):
    """Makes the filters of one row of new items."""
    return lambda _data: filters(("BF.RESERVE",), kind, ("0.01", RESERVED_NEW))


def new_cuckoo(kind):
    """The same of Cuckoo filters."""
    return lambda _data: filters(("CF.RESERVE",), kind, (RESERVED_NEW,))


def load(connection, _data, wanted):
    """Makes the values of the rows."""
    for number in range(VALUES):
        connection.load(list(values(number)))
    if any(wanted(row) for row in large.ROWS):
        large.load(connection)


def values(number):
    """Encoded commands that make the values with one number."""
    names = loaded(number)
    yield encode("BF.RESERVE", key("bf", number), "0.01", RESERVED)
    yield from items.batches("BF.MADD", key("bf", number), names)
    yield encode("CF.RESERVE", key("cf", number), RESERVED)
    for start in range(0, len(names), items.BATCH):
        yield encode("CF.INSERT", key("cf", number), "ITEMS", *names[start : start + items.BATCH])
    yield encode("CMS.INITBYDIM", key("cms", number), 2_000, 7)
    yield encode("TOPK.RESERVE", key("topk", number), HOT, 2_000, 7, "0.925")
    for place in range(HOT):
        yield encode("TOPK.INCRBY", key("topk", number), hot(place), COUNTED)
    for each in range(number, KEYS, VALUES):
        yield encode("CMS.INCRBY", key("cms", number), items.present(each), COUNTED)
    rng = random.Random(number)
    for kind in ("digest", "digest-read"):
        yield encode("TDIGEST.CREATE", key(kind, number))
        yield encode("TDIGEST.ADD", key(kind, number), *(latency(rng) for _ in range(WEIGHT)))


def hot(number):
    """An item in every Top-K list."""
    return f"hot:{number % HOT:08}"


def latency(rng):
    """A latency in milliseconds, as text."""
    return f"{rng.lognormvariate(1, 0.6):.3f}"


def one(command, kind, item):
    """Words of a command with one item, or with one item and more words."""
    def words(_data, number):
        return command, key(kind, number), item(number)
    return words


def many(command, kind, count, item):
    """Words of a command with `count` items."""
    return lambda _data, number: (command, key(kind, number), *(item(number, place) for place in range(count)))


def half_present(number, place):
    """Every other item was loaded."""
    return items.present(number) if place % 2 else f"none:{number:04}:{place:04}"


def increment(_data, number):
    """Words of CMS.INCRBY."""
    return "CMS.INCRBY", key("cms", number), items.present(number), 1


def rank(number):
    """Half of the items are in the list, the others new."""
    return hot(number) if number % 2 else f"cold:{TOKEN.decode()}:{number:04}"


ROWS = (
    *NATIVE,
    Row("bf-add-new", "BF.ADD, new item", one("BF.ADD", "bf-new", items.new), reset=new_bloom("bf-new"), reply=ONE),
    Row("bf-add-present", "BF.ADD, item that is there", one("BF.ADD", "bf", items.present), reply=ZERO),
    Row("bf-exists-hit", "BF.EXISTS, hit", one("BF.EXISTS", "bf", items.present), reply=ONE),
    Row("bf-exists-miss", "BF.EXISTS, miss", one("BF.EXISTS", "bf", items.absent), reply=ZERO),
    Row("bf-madd-10", "BF.MADD of 10 new items", many("BF.MADD", "bf-new-10", 10, items.new),
        reset=new_bloom("bf-new-10"), items=10, timed=10_000),
    Row("bf-madd-100", "BF.MADD of 100 new items", many("BF.MADD", "bf-new-100", 100, items.new),
        reset=new_bloom("bf-new-100"), items=100, counted=32, timed=1_500),
    Row("bf-mexists-100", "BF.MEXISTS of 100, half of them hits", many("BF.MEXISTS", "bf", 100, half_present),
        items=100, counted=32),
    Row("cf-add", "CF.ADD", one("CF.ADD", "cf-new", items.new), reset=new_cuckoo("cf-new"), reply=ONE),
    Row("cf-exists-hit", "CF.EXISTS, hit", one("CF.EXISTS", "cf", items.present), reply=ONE),
    Row("cf-exists-miss", "CF.EXISTS, miss", one("CF.EXISTS", "cf", items.absent), reply=ZERO),
    Row("cms-incrby", "CMS.INCRBY", increment),
    Row("cms-query", "CMS.QUERY", one("CMS.QUERY", "cms", items.present)),
    Row("topk-add", "TOPK.ADD", one("TOPK.ADD", "topk", rank)),
    Row("tdigest-add", "TDIGEST.ADD", one("TDIGEST.ADD", "digest", lambda n: latency(random.Random(n)))),
    Row("tdigest-quantile", "TDIGEST.QUANTILE", one("TDIGEST.QUANTILE", "digest-read", lambda n: f"0.{n % 99 + 1:02}")),
    *large.ROWS,
)


def workload():
    """The rows; they need no data but what they load."""
    return Workload(ROWS, None, load)
