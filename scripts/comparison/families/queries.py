"""Queries of FT.SEARCH, with vectors and without, and what they are asked with."""

import struct

# Components are such that squares and their sums are exact in 32 bits, and so many that two distances are hardly
# ever equal: which of two documents is nearer would then depend on which came first into the graph.
STEPS, STEP = 1024, 64

TAGS = ["a", "b", "a|b", "A", "c*", r"hello\ world", "c d", "x", "a | b | c", "*", "", "'a'", "$q"]
LEAST, MOST = ["1", "(1", "-inf", "0", "-3", "2.5", "a"], ["3", "(2.5", "+inf", "inf", "7", "10", "0"]
PLACES, RADII, UNITS = ["15 37", "13 38", "0 0", "200 0"], ["1", "100", "200", "-1"], ["km", "m", "mi", "ft", "x"]
OTHER = """@n==1;@n!=1;@n>1;@n>=2.5;@n<2;@n<=-3;ismissing(@t);@nope:{a};@n:{a};@t:[1 2]""".split(";")
ODD = ["hello", "@t:a", "(((", "@t:{a", "@n:[1", "-", "", "@", "a|", "~@t:{a}", "@t:{a}=>{$weight:2}", "\xff"]
WITHIN = ["1", "50", "100", "200", "400", "500", "$r", "$r", "-1", "abc"]
AFTER_RANGE = ["", "", "=>{$yield_distance_as: d}", "=>{$yield_distance_as: d; $epsilon: 0.01}", "=>{$epsilon: -1}"]
OPTIONS = ["", "", "", " AS d", " AS d", " EF_RUNTIME 20", " HYBRID_POLICY ADHOC_BF", " EF_RUNTIME 0",
           " HYBRID_POLICY BATCHES BATCH_SIZE 2", " HYBRID_POLICY BAD", " FOO 1"]
AFTER_KNN = ["", "", "", "=>{$yield_distance_as: d}", "=>{$ef_runtime: 20}", "=>{$foo: 1}"]


def component(random):
    """A component of a vector."""
    return random.randrange(-STEPS, STEPS) / STEP


def blob(random):
    """A vector of the right size, or seldom of another."""
    size = 2 if random.random() < 0.93 else random.choice([0, 1, 3])
    return struct.pack(f"<{size}f", *(component(random) for _ in range(size)))


def query(random, depth=0):
    """A query without neighbours."""
    way = random.randrange(16 if depth < 2 else 10)
    if way < 2 and depth == 0:
        return "*"
    if way < 10:
        return simple(random, way)
    if way == 10:
        return f"-{query(random, depth + 1)}"
    if way == 11:
        return f"({query(random, depth + 1)})"
    joint = " | " if way < 14 else " "
    return joint.join([query(random, depth + 1), query(random, depth + 1)])


def simple(random, way):
    """A query of one part."""
    draw = random.choice
    if way < 4:
        return f"@t:{{{draw(TAGS)}}}"
    if way < 6:
        return f"@n:[{draw(LEAST)} {draw(MOST)}]"
    if way == 6:
        return f"@g:[{draw(PLACES)} {draw(RADII)} {draw(UNITS)}]"
    if way == 9:
        return f"@v:[VECTOR_RANGE {draw(WITHIN)} $q]"
    return draw(OTHER if way == 7 else ODD)


def nearest(random):
    """A query for vectors: the nearest ones, or all within a radius."""
    before = "*" if random.random() < 0.5 else f"({query(random, 1)})"
    if random.random() < 0.25:
        both = f"{before} " if before != "*" and random.random() < 0.4 else ""
        return f"{both}@v:[VECTOR_RANGE {random.choice(WITHIN)} $q]{random.choice(AFTER_RANGE)}"
    count = random.choice(["1", "2", "3", "10", "10", "$k"] if random.random() < 0.93 else ["0", "-1", "abc"])
    field = "v" if random.random() < 0.95 else random.choice(["t", "nope"])
    return f"{before}=>[KNN {count} @{field} $q{random.choice(OPTIONS)}]{random.choice(AFTER_KNN)}"


def parameters(random):
    """What PARAMS holds."""
    given = ["q", blob(random)]
    if random.random() < 0.5:
        given += ["k", random.choice(["1", "2", "3", "abc"])]
    if random.random() < 0.5:
        given += ["r", random.choice(["1", "100", "300"])]
    if random.random() < 0.04:
        given += random.choice([["q", "x"], ["odd"]])
    return [str(len(given)), *given]
