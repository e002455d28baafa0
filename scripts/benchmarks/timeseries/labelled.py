"""A hundred thousand series with labels: a thousand hosts in a hundred racks, with a hundred metrics each in ten
groups. Those of a rack and a group are a hundred."""

from ..resp import encode
from ..rows import Row

HOSTS, METRICS, RACKS, GROUPS = 1_000, 100, 100, 10
SAMPLES = 10


def load(connection):
    """Makes the series, with SAMPLES samples each."""
    names = [(f"host:{host:04}:{metric:02}", host, metric) for host in range(HOSTS) for metric in range(METRICS)]
    connection.load([created(*name) for name in names], 256)
    for moment in range(1, SAMPLES + 1):
        connection.load([encode("TS.MADD", *added(names[start : start + 100], moment))
                         for start in range(0, len(names), 100)], 64)


def created(name, host, metric):
    """One series."""
    return encode("TS.CREATE", name, "LABELS", "host", f"h{host}", "metric", f"m{metric}", "rack", f"r{host % RACKS}",
                  "group", f"g{metric % GROUPS}")


def added(names, moment):
    """Words that give each series a sample."""
    for name, host, metric in names:
        yield from (name, moment * 1_000, f"{host + metric / 4:g}")


def asked(*command):
    """Words of a command about the series of one rack and one group."""
    return lambda _data, number: (*command, f"rack=r{number % RACKS}", f"group=g{number % GROUPS}")


ROWS = (
    Row("ts-queryindex-100", "TS.QUERYINDEX, 2 matchers, 100 hits of 100,000 series", asked("TS.QUERYINDEX"), counted=8,
        items=100),
    Row("ts-mget-100", "TS.MGET of the same", asked("TS.MGET", "FILTER"), counted=4, items=100),
    Row("ts-mrange-100", f"TS.MRANGE of the same, {SAMPLES} samples each", asked("TS.MRANGE", "-", "+", "FILTER"), counted=4,
        items=100),
)
