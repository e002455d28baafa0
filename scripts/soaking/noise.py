"""Commands of all modules that nobody keeps count of: keys that all of them share, large values, other databases."""

import json
import struct

KEYS = 40
LARGE = 20000
TAGS = ("a", "b", "c", "d")

# What a reply may be where anything may be gone or of another kind; anything else is a complaint.
EXPECTED = ("WRONGTYPE", "ERR", "TSDB", "SEARCH_", "TOPK", "TopK", "CMS", "TDIGEST", "T-Digest", "Not found", "Existing key",
            "Could not", "NONEXISTENT", "BUSYKEY", "Unknown", "not found", "item", "key ", "Path", "Maximum", "Error")
UNEXPECTED = ("internal error",)


def is_expected(error):
    """Whether an error is one that such commands may meet."""
    text = str(error)
    return text.startswith(EXPECTED) and not any(word in text for word in UNEXPECTED)


def blob(draw):
    """A vector of eight small whole numbers."""
    return struct.pack("<8f", *(draw.randrange(-16, 17) for _ in range(8)))


def documents(draw, key):
    """JSON at large."""
    large = [{"id": number, "name": f"n{number}", "price": number / 7} for number in range(draw.randrange(60))]
    document = {"w": "x", "t": draw.choice(TAGS), "n": draw.randrange(1000), "rows": large}
    path = draw.choice(["$", "$.rows[*].id", "$..price", "$.rows[?(@.id>30)].name", "$.rows[-1]"])
    doc = f"doc:x:{key}"
    return [
        ("JSON.SET", doc, "$", json.dumps(document)), ("JSON.GET", doc, path), ("JSON.DEL", doc, path),
        ("JSON.ARRAPPEND", doc, "$.rows", json.dumps(large)), ("JSON.ARRTRIM", doc, "$.rows", 0, 50),
        ("JSON.NUMMULTBY", doc, "$..price", "1.01"), ("JSON.CLEAR", doc, path), ("JSON.STRAPPEND", doc, "$..name", '"x"'),
        ("JSON.MGET", doc, f"doc:x:{key // 2}", path), ("JSON.MSET", doc, "$", "{}", f"doc:x:{key // 3}", "$", "[1]"),
        ("COPY", doc, f"doc:x:{key // 2}", "REPLACE"), ("RENAME", doc, f"doc:x:{key // 3}"), ("PEXPIRE", doc, 3000),
        ("SET", doc, "a string"), ("DEL", doc),
    ]


def sketches(draw, key):
    """Filters and sketches."""
    items = [f"i{draw.randrange(100000)}" for _ in range(20)]
    numbers = [draw.random() for _ in range(50)]
    bf, cf, cms, top, digest = (f"x:{kind}:{key % 8}" for kind in ("bf", "cf", "cms", "top", "td"))
    return [
        ("BF.INSERT", bf, "CAPACITY", 100, "ITEMS", *items), ("BF.MEXISTS", bf, *items), ("BF.INFO", bf), ("DEL", bf),
        ("CF.INSERT", cf, "ITEMS", *items), ("CF.COUNT", cf, items[0]), ("CF.DEL", cf, items[0]), ("DEL", cf),
        ("CMS.INITBYDIM", cms, 1000, 5), ("CMS.INCRBY", cms, items[0], 3), ("CMS.MERGE", cms, 1, f"x:cms:{key % 3}"),
        ("TOPK.RESERVE", top, 20), ("TOPK.ADD", top, *items), ("TOPK.LIST", top, "WITHCOUNT"), ("DEL", top),
        ("TDIGEST.CREATE", digest), ("TDIGEST.ADD", digest, *numbers), ("TDIGEST.QUANTILE", digest, 0.5, 0.99),
        ("TDIGEST.MERGE", digest, 1, f"x:td:{key % 3}"), ("BF.RESERVE", "x:large", 0.001, 1000000), ("DEL", "x:large"),
    ]


def series(draw, key):
    """Time series that are written out of order, compacted, trimmed and deleted from."""
    name, at = f"x:ts:{key % 10}", draw.randrange(100000)
    samples = [word for _ in range(20) for word in (name, draw.randrange(100000), draw.random())]
    return [
        ("TS.CREATE", name, "RETENTION", 60000, "DUPLICATE_POLICY", "LAST", "LABELS", "kind", "noise", "k", key % 3),
        ("TS.MADD", *samples), ("TS.MADD", *samples), ("TS.INCRBY", name, 1, "TIMESTAMP", 100001), ("TS.DEL", name, at, at + 500),
        ("TS.CREATE", f"{name}:avg", "DUPLICATE_POLICY", "LAST"),
        ("TS.CREATERULE", name, f"{name}:avg", "AGGREGATION", draw.choice(["avg", "twa", "std.p", "max"]), 1000),
        ("TS.DELETERULE", name, f"{name}:avg"), ("TS.RANGE", name, at, "+", "AGGREGATION", "max", 100),
        ("TS.MRANGE", "-", "+", "COUNT", 50, "FILTER", "kind=noise", "GROUPBY", "k", "REDUCE", "sum"),
        ("TS.MREVRANGE", "-", "+", "FILTER", "kind=noise"), ("TS.INFO", name), ("RENAME", name, f"x:ts:{at % 10}"),
        ("DEL", name), ("DEL", f"{name}:avg"),
    ]


def searches(draw, _):
    """Searches of the checked indexes, and hashes of no worker in them."""
    item, tag = f"item:x:{draw.randrange(500)}", draw.choice(TAGS)
    near = ("PARAMS", 2, "b", blob(draw), "DIALECT", 2)
    return [
        ("HSET", item, "w", "x", "t", tag, "n", draw.randrange(1000), "v", blob(draw)),
        ("HSET", item, "w", "x", "t", tag, "n", "none", "v", "short"), ("HDEL", item, "v", "n"), ("DEL", item),
        ("FT.SEARCH", "items", f"@t:{{{tag}}} @n:[10 300]", "LIMIT", 0, 20),
        ("FT.SEARCH", "items", f"(@t:{{{tag}}})=>[KNN 10 @h $b]", "NOCONTENT", *near),
        ("FT.SEARCH", "items", "*=>[KNN 50 @v $b AS d]", "SORTBY", "d", *near),
        ("FT.SEARCH", "docs", f"@t:{{{tag}}}", "SORTBY", "n", "LIMIT", 0, 50),
        ("FT.SEARCH", "docs", "@n:[0 500]", "NOCONTENT", "LIMIT", 0, 500), ("FT.INFO", "items"), ("FT.TAGVALS", "docs", "t"),
    ]


def around(draw, key):
    """What the server does with values of any type."""
    name = draw.choice([f"doc:x:{key}", f"x:bf:{key % 8}", f"x:ts:{key % 10}", f"x:td:{key % 8}", f"x:cf:{key % 8}"])
    script = "return redis.call('JSON.SET', KEYS[1], '$', '[1,2,3]')"
    return [
        ("MEMORY", "USAGE", name), ("OBJECT", "ENCODING", name), ("TYPE", name), ("UNLINK", name),
        ("EVAL", script, 1, f"doc:x:{key}"), ("SCAN", key, "COUNT", 50), ("DEBUG", "DIGEST-VALUE", name),
        ("INFO", "everything"), ("COPY", name, f"{name}:copy", "REPLACE"), ("DEL", f"{name}:copy"),
        ("COPY", name, name, "DB", 2, "REPLACE"), ("MOVE", f"{name}:copy", 2),
    ]


DRAWN = (documents, documents, sketches, series, series, searches, searches, around)


def command(draw):
    """One command of any kind."""
    return draw.choice(draw.choice(DRAWN)(draw, draw.randrange(KEYS)))


def large(draw):
    """Commands in database 1 that make a few large values, and empty it while they are freed."""
    rows = json.dumps([{"id": number, "name": f"name {number}"} for number in range(LARGE // 4)])
    times = range(0, LARGE, 20)
    yield ("JSON.SET", "large", "$", rows)
    yield ("BF.RESERVE", "filter", 0.001, LARGE * 10)
    yield ("TS.CREATE", "series")
    for start in times:
        yield ("TS.MADD", *(word for at in range(start, start + 20) for word in ("series", at, draw.random())))
    yield ("JSON.GET", "large", "$[*].id")
    yield ("FLUSHDB", "ASYNC")
