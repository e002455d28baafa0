"""The table of the targets of time series."""

from ..table import Line, cpu_over, figure, plain, snapshot

PEERS = ("RedisTimeSeries 8.8",)


def microseconds(row):
    """Reads CPU microseconds per command, user and kernel."""
    def read(results, label):
        found = results.cost(label, row)
        return found and found.cpu * 1e6
    return read


def milliseconds(name):
    """Reads milliseconds of the RDB file."""
    def read(results, label):
        found = snapshot(name)(results, label)
        return found and found * 1e3
    return read


def kilobytes(name):
    """Reads a figure of bytes in thousands."""
    def read(results, label):
        found = figure(name)(results, label)
        return found and found / 1e3
    return read


def time(title, row, peer, limit, why=""):
    """A line of microseconds per command."""
    return Line(f"{title}, us", (peer,), limit, plain(0 if limit and limit >= 20 else 1), microseconds(row), why=why)


LINES = (
    Line("`TS.ADD` of a constant, CPU over native `GET`", (2.4,), 1.4, plain(2), cpu_over("ts-add-constant", "native-get")),
    Line("`TS.ADD` of random fractions, CPU over native `GET`", (6.4,), 2, plain(2),
         cpu_over("ts-add-random", "native-get")),
    time("`TS.RANGE` of 100 samples", "ts-range-100", 22, 8),
    time("`TS.RANGE` of 1,000 samples", "ts-range-1000", 154, 60),
    time("10,000 samples averaged into 100 buckets", "ts-range-average", 132, 30),
    Line("bytes a sample in memory, 1M of a gauge with noise", (7.1,), 4.5, plain(2), figure("memory-gauge")),
    Line("bytes a sample in the RDB file, 1M of a gauge with noise", (3.9,), 3.9, plain(2), figure("rdb-gauge")),
    Line("an empty series, kB", (4.8,), 0.5, plain(2), kilobytes("empty")),
    Line("`SAVE` of 1M samples, ms", (34,), 20, plain(1), milliseconds("save")),
    Line("load of 1M samples, ms", (29,), 15, plain(1), milliseconds("load")),
    time("`TS.QUERYINDEX` over 100,000 series, 2 matchers, 100 hits", "ts-queryindex-100", None, 50),
    time("`TS.MGET` of those", "ts-mget-100", None, None),
    time("`TS.MRANGE` of those, 10 samples each", "ts-mrange-100", None, None),
)
