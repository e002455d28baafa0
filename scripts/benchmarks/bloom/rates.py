"""False positives of filters that grow, beside the rates they promise."""

from ..resp import encode
from ..server import Server
from ..table import markdown
from .footprint import FAMILIES

CAPACITY = 1_000
PARTS = 11
ASKED = 400_000
BATCH = 1_000
RATES = (0.01, 0.001)


def measure(subject):
    """Measured rate and bound by family, rate and number of growths; the worst quotient by family."""
    figures = {}
    with Server(subject) as server:
        connection = server.connect()
        for family in FAMILIES:
            connection.call("CONFIG", "SET", "bf.family", family)
            for rate in RATES:
                measured = growing(connection, f"{family}:{rate}", rate)
                figures |= {f"rate-{family}-{rate}-{parts}": found for parts, found in enumerate(measured)}
            quotients = [figures[f"rate-{family}-{rate}-{parts}"] / bound(family, rate, parts)
                         for rate in RATES for parts in range(PARTS)]
            figures[f"worst-{family}"] = max(quotients)
    return figures


def bound(family, rate, growths):
    """The chance that one of the parts is wrong. RedisBloom halves the rate of the first part too."""
    first = rate / 2 if family == "redis" else rate
    right = 1.0
    for part in range(growths + 1):
        right *= 1 - first / 2**part
    return 1 - right


def growing(connection, key, rate):
    """The rate of false positives of one filter each time that its parts are full."""
    connection.call("BF.RESERVE", key, rate, CAPACITY)
    added = 0
    for parts in range(PARTS):
        full = CAPACITY * (2 ** (parts + 1) - 1)
        added = fill(connection, key, added, full)
        yield asked(connection, key) / ASKED


def fill(connection, key, added, full):
    """Adds items until the filter counts `full` of them; how many were given to it."""
    while (missing := full - connection.call("BF.CARD", key)) > 0:
        count = min(missing, 100_000)
        names = [f"in:{number}" for number in range(added, added + count)]
        connection.load([encode("BF.MADD", key, *names[start : start + BATCH]) for start in range(0, count, BATCH)])
        added += count
    return added


def asked(connection, key):
    """How many of ASKED items that were never added the filter says it has."""
    found = 0
    for start in range(0, ASKED, BATCH):
        found += sum(connection.call("BF.MEXISTS", key, *(f"out:{number}" for number in range(start, start + BATCH))))
    return found


def table(results, label):
    """Measured rates in percent, the bound below them."""
    rows = []
    for family in FAMILIES:
        for rate in RATES:
            measured = [results.figures.get((label, f"rate-{family}-{rate}-{parts}")) for parts in range(PARTS)]
            if None in measured:
                return ""
            rows.append([f"{family}, {rate:.1%}", *(f"{100 * found:.3f}" for found in measured)])
            rows.append(["bound", *(f"{100 * bound(family, rate, parts):.3f}" for parts in range(PARTS))])
    return markdown(["percent after growths", *range(PARTS)], rows)
