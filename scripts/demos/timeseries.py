"""Writes a day of CPU load and temperature of a few hosts, and draws it from what compaction made of it."""

import math
import random
import time
from dataclasses import dataclass

from benchmarks.resp import encode

from .chart import Ink
from .stage import bar

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
DAY = 24 * HOUR
STEP = 10 * SECOND
# The 15th of November 2023.
MIDNIGHT = 1_700_006_400_000
CORES = 2
# Ticks that go to the server before their replies are read.
PIPELINE = 60
QUARTER = 15 * MINUTE


@dataclass(frozen=True)
class Metric:
    """What is measured, and how minutes and hours are made of it."""

    name: str
    unit: str
    sensors: int
    minutes: str
    hours: str


METRICS = (Metric("cpu", "%", CORES, "avg", "max"), Metric("temperature", "C", 1, "avg", "avg"))


class Host:
    """Makes up what one host's sensors say."""

    def __init__(self, number):
        self.name = f"web-{number + 1}"
        self.rng = random.Random(number)
        self.busiest = 10 + 3 * number
        self.loads = [20.0] * CORES
        self.degrees = 40.0

    def sample(self, moment):
        """The values at a moment, by metric and sensor."""
        hour = (moment - MIDNIGHT) / HOUR
        wanted = 15 + 55 * math.exp(-((hour - self.busiest) / 3) ** 2)
        for core in range(CORES):
            self.loads[core] += self.rng.gauss(0, 2) + (wanted - self.loads[core]) / 30
            self.loads[core] = min(100, max(0, self.loads[core]))
        self.degrees += (35 + sum(self.loads) / CORES / 3 - self.degrees) / 60 + self.rng.gauss(0, 0.05)
        yield from (("cpu", core, f"{load:.1f}") for core, load in enumerate(self.loads))
        yield "temperature", 0, f"{round(self.degrees * 16) / 16:g}"


def add_arguments(parser):
    """What the demo can be told."""
    parser.add_argument("--hosts", type=int, default=3)


def complaint(chosen):
    """What is wrong with what it was told, if something is."""
    return None if 1 <= chosen.hosts <= 100 else "--hosts is 1 to 100"


def show(running, chosen):
    """Writes the day and draws it; returns the exit code."""
    connection, hosts = running.connect(), [Host(number) for number in range(chosen.hosts)]
    create(connection, hosts)
    stream(connection, hosts)
    ink = Ink.of_terminal()
    for metric in METRICS:
        draw(connection, hosts, metric, ink)
    return count(connection)


def key(host, metric, sensor):
    """The key of a series."""
    return f"{metric}:{host}:{sensor}"


def create(connection, hosts):
    """Makes the series, those of minutes and hours, and the rules between them."""
    for host in hosts:
        for metric in METRICS:
            for sensor in range(metric.sensors):
                source = key(host.name, metric.name, sensor)
                labels = ["LABELS", "host", host.name, "metric", metric.name, "sensor", sensor, "of"]
                connection.call("TS.CREATE", source, *labels, "samples")
                for length, name, aggregator in ((MINUTE, "minutes", metric.minutes), (HOUR, "hours", metric.hours)):
                    target = f"{source}:{name}"
                    connection.call("TS.CREATE", target, *labels, name)
                    connection.call("TS.CREATERULE", source, target, "AGGREGATION", aggregator, length)


def stream(connection, hosts):
    """Writes the day, as a collector would: all sensors of a moment in one command."""
    began, moments = time.monotonic(), range(MIDNIGHT, MIDNIGHT + DAY, STEP)
    for start in range(0, len(moments), PIPELINE):
        batch = moments[start:start + PIPELINE]
        connection.load([encode("TS.MADD", *tick(hosts, moment)) for moment in batch], PIPELINE)
        bar("moments written", start + len(batch), len(moments), began)


def tick(hosts, moment):
    """Words that give every series its sample of a moment."""
    for host in hosts:
        for metric, sensor, value in host.sample(moment):
            yield from (key(host.name, metric, sensor), moment, value)


def draw(connection, hosts, metric, ink):
    """Draws one metric: the mean of all hosts by quarters of an hour, from the minutes, and a line for each host by
    hours."""
    columns = DAY // QUARTER if ink.width > DAY // QUARTER + 10 else DAY // QUARTER // 2
    mean = grouped(connection, "avg", f"metric={metric.name}", "of=minutes", by="metric", bucket=DAY // columns)
    [(_, _, values)] = mean
    print(f"{metric.name}, {metric.unit}: mean of {len(hosts)} hosts, {DAY // columns // MINUTE} minutes a column")
    print("\n".join(ink.chart(values, hours(len(values)))))
    print(f"{metric.name}, {metric.unit}: {metric.hours} of each hour, by host")
    for label, sources, values in grouped(connection, "max", f"metric={metric.name}", "of=hours", by="host"):
        print(f"  {label:8} |{ink.line(values)}|  least {min(values):5.1f}  mean {sum(values) / len(values):5.1f}  "
              f"greatest {max(values):5.1f}  from {sources}")
    print(flush=True)


def hours(columns):
    """The hours below a chart of a day."""
    return "".join(f"{hour:02}h".ljust(columns // 8) for hour in range(0, 24, 3))


def grouped(connection, reducer, *matchers, by, bucket=None):
    """The groups that TS.MRANGE makes: label, the keys it is made of, values. The hour or minute that is not over yet
    is in them."""
    aggregated = ["AGGREGATION", "avg", bucket] if bucket else []
    reply = connection.call("TS.MRANGE", MIDNIGHT, MIDNIGHT + DAY, "LATEST", "WITHLABELS", *aggregated,
                            "FILTER", *matchers, "GROUPBY", by, "REDUCE", reducer)
    for _, labels, samples in reply:
        named = {name.decode(): value.decode() for name, value in labels}
        yield named[by], named["__source__"], [float(value) for _, value in samples]


def count(connection):
    """Says how many samples there are and what they take; returns the exit code."""
    for kind in ("samples", "minutes", "hours"):
        keys = connection.call("TS.QUERYINDEX", f"of={kind}")
        held = sum(fields(connection, name)["totalSamples"] for name in keys)
        taken = sum(connection.call("MEMORY", "USAGE", name) for name in keys)
        print(f"{held:,} {kind} in {len(keys)} series, {taken / 1000:,.0f} kB", flush=True)
    return 0


def fields(connection, name):
    """What TS.INFO says."""
    reply = connection.call("TS.INFO", name)
    return {field.decode(): value for field, value in zip(reply[::2], reply[1::2])}
