"""The documents of the JSON benchmark: fixed seeds, compact JSON, the sizes of docs/benchmarks.md.

The counts of objects, members and long strings per document follow the documents that the
peers' figures were taken on, so that bytes per document can be set beside them.
"""

import json
import random

SMALL_COUNT = 100_000
MID_COUNT = 10_000
RECORD_COUNT = 39_000
UNIQUE_COUNT = 20_000

# Average bytes of text per document, and how far a generator may be off.
SMALL_BYTES = 281
MID_BYTES = 4_700
BIG_BYTES = 8_600_000
UNIQUE_BYTES = 260
TOLERANCE = 0.02

FIRST = "Anna Boris Carla David Elena Felix Greta Henry Irene Jonas Karin Lukas".split()
LAST = "Miller Novak Olsen Peters Quinn Rossi Santos Tanaka Ullman Vega Weber Young".split()
STREETS = "Maple Cedar Station Church Garden Harbour Meadow Orchard".split()
CITIES = "Barcelona Stockholm Amsterdam Edinburgh Bratislava Copenhagen Marseille Lisbon Rotterdam Oslo".split()
COUNTRIES = "ES SE NL GB SK DK FR PT NO".split()
COLORS = "red green blue black white amber".split()
MATERIALS = "aluminium stainless cardboard porcelain polyester".split()
CATEGORIES = "lighting furniture stationery kitchenware electronics".split()
THINGS = "desk lamp,office chair,paper tray,coffee pot,wall clock,book shelf".split(",")
ADJECTIVES = "Walnut Compact Foldable Classic Modern Heavy".split()
STATUSES = "open paid packed sent".split()


def text(value):
    """Compact JSON text of `value`, as bytes."""
    return json.dumps(value, separators=(",", ":")).encode()


def person(rng):
    """A name and the e-mail address that goes with it."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    return f"{first} {last}", f"{first}.{last}{rng.randrange(1000)}@mail.com".lower()


def day(rng):
    """A day of the year 2024, as ISO 8601."""
    return f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def moment(rng):
    """A second of the year 2024, as ISO 8601."""
    return f"{day(rng)}T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}Z"


def small(rng, number):
    """A user: three objects, each in the other."""
    name, email = person(rng)
    geo = {"lat": round(rng.uniform(-90, 90), 4), "lng": round(rng.uniform(-180, 180), 4)}
    address = {
        "street": f"{rng.randint(1, 999)} {rng.choice(STREETS)} Street",
        "city": rng.choice(CITIES),
        "zip": f"{rng.randint(10000, 99999)}",
        "country": rng.choice(COUNTRIES),
        "geo": geo,
    }
    return {
        "id": 100_000 + number,
        "name": name,
        "email": email,
        "age": rng.randint(18, 90),
        "active": rng.random() < 0.5,
        "vip": rng.random() < 0.5,
        "visits": rng.randrange(10_000),
        "credit": round(rng.uniform(1000, 9999), 2),
        "created": day(rng),
        "address": address,
    }


def item(rng):
    """One line of an order: 13 members in two objects."""
    return {
        "sku": f"SKU-{rng.randint(10000, 99999)}",
        "name": f"{rng.choice(ADJECTIVES)} {rng.choice(THINGS)}",
        "category": rng.choice(CATEGORIES),
        "price": round(rng.uniform(10, 3310), 2),
        "quantity": rng.randint(1, 9),
        "weight_kg": round(rng.uniform(0.1, 20), 2),
        "discount_pct": rng.choice([0, 5, 10, 15]),
        "rating": round(rng.uniform(1, 5), 1),
        "attributes": {
            "color": rng.choice(COLORS),
            "material": rng.choice(MATERIALS),
            "width": rng.randint(10, 200),
            "height": rng.randint(10, 200),
        },
    }


def mid(rng, number):
    """An order of 20 items."""
    name, email = person(rng)
    return {
        "order": f"ORD-2024-{number:06}",
        "status": rng.choice(STATUSES),
        "created": moment(rng),
        "currency": "EUR",
        "total": round(rng.uniform(1000, 50000), 2),
        "customer": {"id": rng.randrange(100_000), "name": name, "email": email},
        "items": [item(rng) for _ in range(20)],
    }


def record(rng, number):
    """One record of the big document: two objects."""
    name, email = person(rng)
    return {
        "id": number,
        "name": name,
        "email": email,
        "kind": rng.choice(CATEGORIES),
        "city": rng.choice(CITIES),
        "lot": rng.randint(10000, 99999),
        "x": round(rng.uniform(0, 1000), 3),
        "y": round(rng.uniform(0, 1000), 3),
        "seen": moment(rng),
        "stats": {"hits": rng.randrange(10_000), "misses": rng.randrange(1000), "ratio": round(rng.random(), 4)},
    }


def unique(rng, _number):
    """Ten members whose names occur in no other document."""
    return {f"{rng.getrandbits(64):016x}": rng.randint(100_000, 999_999) for _ in range(10)}


def series(make, count, seed):
    """`count` texts of `make`, the same for the same seed."""
    rng = random.Random(seed)
    return [text(make(rng, number)) for number in range(count)]


def checked(documents, bytes_wanted):
    """`documents`, refused if their average size left the tolerance."""
    average = sum(map(len, documents)) / len(documents)
    if abs(average / bytes_wanted - 1) > TOLERANCE:
        raise ValueError(f"documents average {average:.1f} bytes, {bytes_wanted} wanted")
    return documents


def smalls(count=SMALL_COUNT):
    """User documents of about 281 bytes."""
    return checked(series(small, count, 1), SMALL_BYTES)


def mids(count=MID_COUNT):
    """Orders of about 4.7 KB."""
    return checked(series(mid, count, 2), MID_BYTES)


def bigs(count=RECORD_COUNT):
    """One document of about 8.6 MB, in a list."""
    whole = b'{"records":[' + b",".join(series(record, count, 3)) + b"]}"
    return checked([whole], BIG_BYTES)


def uniques(count=UNIQUE_COUNT):
    """Documents of about 260 bytes whose member names never repeat."""
    return checked(series(unique, count, 4), UNIQUE_BYTES)
