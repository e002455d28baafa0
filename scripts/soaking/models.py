"""What a worker has written, and what the server must therefore say.

A family draws changes of its own keys and keeps what they must have led to. A change whose reply got lost
may have happened or not: its key is forgotten here and deleted there.
"""

import json
import struct
from collections import Counter
from dataclasses import dataclass

TAGS = ("a", "b", "c", "d")
NEAREST = 10
FOUND_MAX = 10000
# A search whose time is up answers with what it has found: no answer for a check.
UNHURRIED = ("TIMEOUT", 60000)


@dataclass(frozen=True)
class Change:
    """A command of one key, and its reply (None: anything but an error)."""

    key: str
    words: tuple
    expected: object = None


class Family:
    """Keys of one kind that one worker alone writes."""

    count = 0

    def __init__(self, worker, draw):
        self.worker, self.draw = worker, draw
        self.held = {}

    def changes(self):
        """The next change, or a few that belong together."""
        key = f"{self.prefix}:{self.worker}:{self.draw.randrange(self.count)}"
        held = self.held.get(key)
        return [*self.create(key)] if held is None else [self.edit(key, held)]

    def forget(self, key):
        """The words that delete what may or may not be there."""
        self.held.pop(key, None)
        return ("DEL", key)

    def remove(self, key):
        """Deletes a key that is there."""
        del self.held[key]
        return Change(key, ("DEL", key), 1)

    def clear(self):
        """Everything is gone."""
        self.held.clear()

    def keys(self):
        """Every key there may be."""
        return [f"{self.prefix}:{self.worker}:{number}" for number in range(self.count)]

    def complaints(self, ask):
        """What the server says otherwise; `ask` sends commands and gives their replies."""
        for key, exists in zip(self.keys(), ask([("EXISTS", key) for key in self.keys()])):
            if exists != (key in self.held):
                yield f"{key} {'is there' if exists else 'is gone'}"

    def found(self, ask, index, tag):
        """Keys of this worker that a search of an index finds by a tag."""
        query = f"@w:{{w{self.worker}}} @t:{{{tag}}}"
        (reply,) = ask([("FT.SEARCH", index, query, "NOCONTENT", "LIMIT", 0, FOUND_MAX, *UNHURRIED)])
        return {key.decode() for key in reply[1:]} if isinstance(reply, list) else reply

    def searched(self, ask, index, tag_of):
        """Complaints about an index that holds other keys than these."""
        for tag in TAGS:
            wanted = {key for key, held in self.held.items() if tag_of(held) == tag}
            found = self.found(ask, index, tag)
            if found != wanted:
                differing = f"{len(found)}, {sorted(found ^ wanted)[:3]}" if isinstance(found, set) else found
                yield f"{index} @t:{{{tag}}}: {len(wanted)} documents expected, not {differing}"


class Documents(Family):
    """JSON documents, indexed by a tag and a number."""

    prefix, count = "doc", 1000

    def create(self, key):
        held = {"w": f"w{self.worker}", "n": self.draw.randrange(1000), "t": self.draw.choice(TAGS), "l": [], "o": {}}
        self.held[key] = held
        yield Change(key, ("JSON.SET", key, "$", json.dumps(held)), b"OK")

    def edit(self, key, held):
        kind, number = self.draw.randrange(12), self.draw.randrange(1000)
        if kind < 4:
            held["n"] += number
            return Change(key, ("JSON.NUMINCRBY", key, "$.n", number), b"[%d]" % held["n"])
        if kind < 6:
            held["l"].append(number)
            return Change(key, ("JSON.ARRAPPEND", key, "$.l", number), [len(held["l"])])
        if kind < 8 and held["l"]:
            return Change(key, ("JSON.ARRPOP", key, "$.l", 0), [b"%d" % held["l"].pop(0)])
        if kind < 9:
            held["t"] = self.draw.choice(TAGS)
            return Change(key, ("JSON.SET", key, "$.t", json.dumps(held["t"])), b"OK")
        if kind < 10:
            return self.remove(key)
        return self.merge(key, held, f"k{number % 20}", number if kind == 10 else None)

    def merge(self, key, held, name, number):
        """Sets a member, or takes it out."""
        held["o"].update({name: number})
        if number is None:
            del held["o"][name]
        return Change(key, ("JSON.MERGE", key, "$", json.dumps({"o": {name: number}})), b"OK")

    def complaints(self, ask):
        for key, text in zip(self.keys(), ask([("JSON.GET", key) for key in self.keys()])):
            value = json.loads(text) if isinstance(text, bytes) else text
            if value != self.held.get(key):
                yield f"{key} is {value}, not {self.held.get(key)}"
        yield from self.searched(ask, "docs", lambda held: held["t"])


class Items(Family):
    """Hashes with vectors."""

    prefix, count = "item", 1000

    def vector(self):
        """Small whole numbers, so that distances are exact in any order of addition."""
        return tuple(self.draw.randrange(-16, 17) for _ in range(8))

    def create(self, key):
        held = {"t": self.draw.choice(TAGS), "n": self.draw.randrange(1000), "v": self.vector()}
        self.held[key] = held
        blob = struct.pack("<8f", *held["v"])
        words = ("HSET", key, "w", f"w{self.worker}", "t", held["t"], "n", held["n"], "v", blob)
        yield Change(key, words, 4)

    def edit(self, key, held):
        kind = self.draw.randrange(10)
        if kind < 4:
            held["v"] = self.vector()
            return Change(key, ("HSET", key, "v", struct.pack("<8f", *held["v"])), 0)
        if kind < 7:
            held["t"] = self.draw.choice(TAGS)
            return Change(key, ("HSET", key, "t", held["t"]), 0)
        if kind < 9:
            held["n"] += kind
            return Change(key, ("HINCRBY", key, "n", kind), held["n"])
        return self.remove(key)

    def complaints(self, ask):
        for key, flat in zip(self.keys(), ask([("HMGET", key, "t", "n", "v") for key in self.keys()])):
            held = self.held.get(key)
            wanted = held and [held["t"].encode(), b"%d" % held["n"], struct.pack("<8f", *held["v"])]
            if flat != (wanted or [None] * 3):
                yield f"{key} is {flat}, not {wanted}"
        yield from self.searched(ask, "items", lambda held: held["t"])
        yield from self.nearest(ask)

    def nearest(self, ask):
        """Complaints about distances that an exact search finds."""
        point = self.vector()
        query = f"@w:{{w{self.worker}}}=>[KNN {NEAREST} @v $b AS d]"
        words = ("FT.SEARCH", "items", query, "PARAMS", 2, "b", struct.pack("<8f", *point), "SORTBY", "d",
                 "RETURN", 1, "d", "DIALECT", 2, *UNHURRIED)
        (reply,) = ask([words])
        found = [float(fields[1]) for fields in reply[2::2]] if isinstance(reply, list) else reply
        near = lambda held: float(sum((one - other) ** 2 for one, other in zip(held["v"], point)))
        wanted = sorted(near(held) for held in self.held.values())[:NEAREST]
        if found != wanted:
            yield f"the nearest to {point} are at {found}, not at {wanted}"


class Filters(Family):
    """Bloom and Cuckoo filters, and Count-Min sketches: each with what was put into it."""

    prefix, count = "filter", 12
    items_max = 3000

    def kind(self, key):
        """One of the three, by the key's number."""
        return ("BF", "CF", "CMS")[int(key.rsplit(":", 1)[1]) % 3]

    def create(self, key):
        kind = self.kind(key)
        words = {"BF": ("BF.RESERVE", key, "0.01", 100), "CF": ("CF.RESERVE", key, 100),
                 "CMS": ("CMS.INITBYDIM", key, 500, 5)}
        self.held[key] = Counter()
        yield Change(key, words[kind], b"OK")

    def edit(self, key, held):
        kind, item = self.kind(key), f"i{self.draw.randrange(1 << 30)}"
        if held.total() > self.items_max:
            return self.remove(key)
        if kind == "CMS":
            held[item] += (number := self.draw.randrange(1, 5))
            return Change(key, ("CMS.INCRBY", key, item, number))
        if kind == "CF" and held and self.draw.randrange(4) == 0:
            item = next(iter(held))
            held[item] -= 1
            if not held[item]:
                del held[item]
            return Change(key, ("CF.DEL", key, item), 1)
        held[item] += 1
        return Change(key, (f"{kind}.ADD", key, item), 1 if kind == "CF" else None)

    def complaints(self, ask):
        yield from super().complaints(ask)
        for key, held in self.held.items():
            kind = self.kind(key)
            if not held:
                continue
            # Behind all keys and their sums, the reply of an INFO.
            if kind == "CMS":
                counts, info = ask([("CMS.QUERY", key, *held), ("CMS.INFO", key)])
                low = [item for item, count in zip(held, counts) if count < held[item]]
                if low or info[-1] != held.total():
                    yield f"{key} counts {info[-1]} of {held.total()}, too few of {low[:3]}"
            else:
                (there,) = ask([(f"{kind}.MEXISTS", key, *held)])
                if there != [1] * len(held):
                    yield f"{key} lacks {there.count(0) if isinstance(there, list) else there} of {len(held)} items"


class Digests(Family):
    """t-digests: how many values, the least and the greatest."""

    prefix, count = "digest", 4
    values_max = 20000

    def create(self, key):
        self.held[key] = []
        yield Change(key, ("TDIGEST.CREATE", key), b"OK")

    def edit(self, key, held):
        if len(held) > self.values_max:
            return self.remove(key)
        values = [self.draw.randrange(100000) for _ in range(8)]
        held.extend(values)
        return Change(key, ("TDIGEST.ADD", key, *values), b"OK")

    def complaints(self, ask):
        yield from super().complaints(ask)
        for key, held in self.held.items():
            if held:
                least, greatest, ranks = ask([("TDIGEST.MIN", key), ("TDIGEST.MAX", key),
                                              ("TDIGEST.RANK", key, 1 << 20)])
                said = [float(least), float(greatest), ranks]
                wanted = [float(min(held)), float(max(held)), [len(held)]]
                if said != wanted:
                    yield f"{key} says {said}, not {wanted}"


class Series(Family):
    """Time series, each with a rule that adds up every ten milliseconds."""

    prefix, count = "series", 24
    samples_max = 4000
    bucket = 10

    def create(self, key):
        self.held[key] = {}
        label = ("LABELS", "w", f"w{self.worker}", "kind")
        yield Change(key, ("TS.CREATE", key, *label, "raw"), b"OK")
        yield Change(key, ("TS.CREATE", f"{key}:sum", *label, "sum"), b"OK")
        yield Change(key, ("TS.CREATERULE", key, f"{key}:sum", "AGGREGATION", "sum", self.bucket), b"OK")

    def edit(self, key, held):
        if len(held) > self.samples_max:
            return self.remove(key)
        last = max(held, default=0)
        times = [last + self.draw.randrange(1, 4), last + self.draw.randrange(4, 9)]
        samples = [(time, self.draw.randrange(1000)) for time in times]
        held.update(samples)
        return Change(key, ("TS.MADD", *(word for sample in samples for word in (key, *sample))), times)

    def remove(self, key):
        del self.held[key]
        return Change(key, ("DEL", key, f"{key}:sum"), 2)

    def forget(self, key):
        return (*super().forget(key), f"{key}:sum")

    def complaints(self, ask):
        yield from super().complaints(ask)
        (listed,) = ask([("TS.QUERYINDEX", f"w=w{self.worker}", "kind=raw")])
        if {key.decode() for key in listed} != set(self.held):
            yield f"TS.QUERYINDEX finds {len(listed)} series, not {len(self.held)}"
        for key, held in self.held.items():
            samples, sums = ask([("TS.RANGE", key, "-", "+"), ("TS.RANGE", f"{key}:sum", "-", "+")])
            if self.numbers(samples) != sorted(held.items()):
                yield f"{key} has {len(samples)} samples, not {len(held)}, or others"
            if self.numbers(sums) != self.sums(held):
                yield f"{key}:sum has {len(sums)} samples, not {len(self.sums(held))}, or others"

    def sums(self, held):
        """What the rule has written: all but the open bucket."""
        totals = Counter()
        for time, value in held.items():
            totals[time // self.bucket * self.bucket] += value
        return sorted((start, totals[start]) for start in totals if start != max(totals))

    @staticmethod
    def numbers(reply):
        """Samples of whole numbers."""
        return [(time, float(value)) for time, value in reply] if isinstance(reply, list) else reply


FAMILIES = (Documents, Items, Filters, Digests, Series)
