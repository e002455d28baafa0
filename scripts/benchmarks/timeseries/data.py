"""Samples as metrics have them, of five kinds, from fixed seeds: pairs of a timestamp in milliseconds and a
value as text."""

import math
import random

from ..resp import encode

START = 1_700_000_000_000
DAY = 86_400_000
BATCH = 500


def gauge(count):
    """A value in tenths that follows the day, with noise; one a second."""
    rng = random.Random(1)
    for number in range(count):
        level = 50 + 10 * math.sin(2 * math.pi * number * 1_000 / DAY)
        yield START + number * 1_000, f"{level + rng.gauss(0, 0.35):.1f}"


def cpu(count):
    """Percent in hundredths: a load that wanders, with bursts; every ten seconds, a few milliseconds late."""
    rng, load = random.Random(2), 20.0
    for number in range(count):
        load = min(100, max(0, load + rng.gauss(0, 1.5) + (20 - load) / 50))
        busy = 100 if rng.random() < 0.01 else load
        yield START + number * 10_000 + rng.randrange(4), f"{busy:.2f}"


def temperature(count):
    """Degrees in sixteenths, as a sensor gives them; once a minute."""
    rng, drift = random.Random(3), 0.0
    for number in range(count):
        drift += rng.gauss(0, 0.02) - drift / 500
        degrees = 21 + 3 * math.sin(2 * math.pi * number * 60_000 / DAY) + drift + rng.gauss(0, 0.03)
        yield START + number * 60_000, f"{round(degrees * 16) / 16:g}"


def price(count):
    """Trades at cents: a price that wanders and often stays; when they happen, three a second."""
    rng, moment, cents = random.Random(4), START, 18_250
    for _ in range(count):
        moment += 1 + int(rng.expovariate(1 / 300))
        cents += rng.choice((-2, -1, -1, 0, 0, 0, 0, 1, 1, 2))
        yield moment, f"{cents / 100:.2f}"


def counter(count):
    """A number of requests that only grows; every 15 seconds."""
    rng, requests = random.Random(5), 0
    for number in range(count):
        requests += int(rng.gauss(900, 120))
        yield START + number * 15_000, str(requests)


KINDS = {"gauge": gauge, "cpu": cpu, "temperature": temperature, "price": price, "counter": counter}


def made(key, samples):
    """Encoded commands that make the series `key` of all the samples."""
    yield encode("TS.CREATE", key)
    yield from added(key, samples)


def added(key, samples):
    """Encoded commands that add all the samples to the series `key`."""
    words = []
    for moment, value in samples:
        words += (key, moment, value)
        if len(words) == 3 * BATCH:
            yield encode("TS.MADD", *words)
            words = []
    if words:
        yield encode("TS.MADD", *words)
