"""The documents of the JSON benchmark: fixed seeds, compact JSON, the sizes of docs/benchmarks.md.

Objects, members and strings per document follow the documents that the peers' figures were
taken on: serde_json makes 27 allocations of a small one there and here, and ijson needs 802 B,
11.0 KB and 20.1 MB (there 849 B, 10.6 KB and 21.3 MB). So bytes can be set beside each other.
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


def place(rng):
    """An address with its coordinates."""
    return {
        "street": f"{rng.choice(STREETS)} {rng.randint(1, 199)}",
        "city": rng.choice(CITIES),
        "lat": round(rng.uniform(-90, 90), 2),
        "lng": round(rng.uniform(-180, 180), 2),
    }


def small(rng, number):
    """A user with two addresses, most often the same: three objects, 17 members."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    address = place(rng)
    return {
        "id": 100_000 + number,
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{100_000 + number}@mail.com",
        "age": rng.randint(18, 90),
        "active": rng.random() < 0.5,
        "vip": rng.random() < 0.5,
        "since": day(rng),
        "address": address,
        "billing": address if rng.random() < 0.9 else place(rng),
    }


def item(rng):
    """One line of an order: 13 members in two objects."""
    return {
        "sku": f"SKU-{rng.randint(10000, 99999)}",
        "name": f"{rng.choice(ADJECTIVES)} {rng.choice(THINGS)}",
        "category": rng.choice(CATEGORIES),
        "price": round(rng.uniform(10, 3310), 2),
        "quantity": rng.randint(1, 9),
        "discount_pct": rng.choice([0, 5, 10, 15]),
        "rating": round(rng.uniform(1, 5), 1),
        "attributes": {
            "color": rng.choice(COLORS),
            "material": rng.choice(MATERIALS),
            "weight_kg": round(rng.uniform(0.1, 20), 2),
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
    """One record of the big document: two objects, 12 members."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    return {
        "id": number,
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{number}@mail.com",
        "group": rng.choice(CATEGORIES),
        "city": rng.choice(CITIES),
        "updated": moment(rng),
        "x": round(rng.uniform(0, 1000), 3),
        "stats": {
            "hits": rng.randrange(10_000),
            "misses": rng.randrange(1000),
            "latency": round(rng.uniform(0, 100), 2),
            "kind": rng.choice(COLORS),
        },
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
