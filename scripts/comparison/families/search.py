"""FT.*: indexes over hashes and JSON documents, vectors whose distances are exact and differ."""

import struct

from ..grammar import usually

MODULES = ["search", "json"]

OPENING = """
SET text x
FT.CREATE h ON HASH PREFIX 1 d: SCHEMA t TAG n NUMERIC SORTABLE g GEO v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2
FT.CREATE j ON JSON PREFIX 1 e: SCHEMA $.t AS t TAG $.n AS n NUMERIC $.g AS g GEO $.v AS v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC IP
HSET d:1 t a,b n 1 g 13.361389,38.115556 v "\\x00\\x00\\x00\\x00\\x00\\x00\\x80?"
HSET d:2 t b n 2.5 g 15.087269,37.502669 v "\\x00\\x00\\x80?\\x00\\x00\\x80<"
HSET d:3 t "c d" n -3 v "\\x00\\x00\\x00@\\x00\\x00\\x00@"
JSON.SET e:1 $ '{"t":"a","n":1,"g":"13.361389,38.115556","v":[0,1]}'
JSON.SET e:2 $ '{"t":["b","a"],"n":2.5,"v":[1,0.015625]}'
"""

GRAMMAR = """
8 HSET document fitting+
1 HSET document (field content)+
2 HDEL document field
2 DEL document
1 RENAME document document
1 COPY document document
1 HINCRBYFLOAT document counter amount
1 SET document amount
6 JSON.SET thing $ json
2 JSON.SET thing path part
1 JSON.DEL thing path
1 DEL thing
2 FT.CREATE new [<ON HASH | ON JSON | ON LIST>] [PREFIX prefixes] [FILTER expression] [LANGUAGE language] [SCORE score] [SCORE_FIELD field] [STOPWORDS stopwords] SCHEMA declared+
1 FT._CREATEIFNX new PREFIX scope SCHEMA declared+
1 FT.ALTER name SCHEMA ADD declared+
1 FT._ALTERIFNX name SCHEMA ADD declared
1 FT.DROPINDEX other [DD]
1 FT._DROPINDEXIFX other
1 FT.DROP other [KEEPDOCS]
1 FT._LIST
2 FT.INFO name
20 FT.SEARCH name query [NOCONTENT] [WITHSCORES] [WITHSORTKEYS] [FILTER numeric limit limit] [GEOFILTER geo place radius unit] [INKEYS inkeys] [RETURN return] [SORTBY sortable [<ASC | DESC>]] [LIMIT offset number] [DIALECT dialect]
14 FT.SEARCH name nearest [NOCONTENT] [WITHSCORES] [WITHSORTKEYS] [RETURN return] [SORTBY yielded [<ASC | DESC>]] [LIMIT offset number] PARAMS parameters DIALECT dialect2
3 FT.EXPLAIN name query [DIALECT dialect]
1 FT.EXPLAIN name nearest PARAMS parameters DIALECT dialect2
1 FT.EXPLAINCLI name query [DIALECT dialect]
1 FT.PROFILE name SEARCH [LIMITED] QUERY query [NOCONTENT]
2 FT.TAGVALS name field
1 FT.ALIASADD alias name
1 FT._ALIASADDIFNX alias name
1 FT.ALIASUPDATE alias name
1 FT.ALIASDEL alias
1 FT._ALIASDELIFX alias
1 FT.ALIASLIST name
1 FT.CONFIG GET option
1 FT._RESTOREIFNX blob blob
"""

OPTION_SHARE = 0.18

# Components are such that squares and their sums are exact in 32 bits, and so many that two distances are hardly
# ever equal: which of two documents is nearer would then depend on which came first into the graph.
STEPS, STEP = 1024, 64


def blob(random):
    """A vector of the right size, or seldom of another."""
    size = 2 if random.random() < 0.93 else random.choice([0, 1, 3])
    return struct.pack(f"<{size}f", *(component(random) for _ in range(size)))


def component(random):
    """A component of a vector."""
    return random.randrange(-STEPS, STEPS) / STEP


def content(random):
    """What a field of a hash may hold."""
    return random.choice([
        "a", "b", "c", "a,b", "A, c", "hello world", "", "1", "2.5", "-3", "inf", "nan", "1e3", "abc", "7",
        "13.361389,38.115556", "15,37", "200,37", "bad", b"\xff\xfe", blob(random), blob(random),
    ])


def fitting(random):
    """A field of a hash and what fits it most of the time."""
    if random.random() < 0.15:
        return [random.choice("tngvx"), content(random)]
    return random.choice([
        ["t", random.choice(["a", "b", "c", "a,b", "A, c", "hello world", "x y", ""])],
        ["n", random.choice(["1", "2.5", "-3", "7", "1e3", "inf", "0.1", "10"])],
        ["g", random.choice(["13.361389,38.115556", "15.087269,37.502669", "0,0", "-120.5,45", "200,37"])],
        ["v", blob(random)],
    ])


def query(random, depth=0):
    """A query without vectors."""
    way = random.randrange(16 if depth < 2 else 10)
    if way < 2 and depth == 0:
        return "*"
    if way < 4:
        return "@t:{%s}" % random.choice(["a", "b", "a|b", "A", "c*", r"hello\ world", "c d", "x", "a | b | c", "*", "", "'a'", "$q"])
    if way < 6:
        low, high = random.choice(["1", "(1", "-inf", "0", "-3", "2.5", "a"]), random.choice(["3", "(2.5", "+inf", "inf", "7", "10", "0"])
        return f"@n:[{low} {high}]"
    if way == 6:
        return f"@g:[{random.choice(['15 37', '13 38', '0 0', '200 0'])} {random.choice(['1', '100', '200', '-1'])} {random.choice(['km', 'm', 'mi', 'ft', 'x'])}]"
    if way == 7:
        return random.choice(["@n==1", "@n!=1", "@n>1", "@n>=2.5", "@n<2", "@n<=-3", "ismissing(@t)", "@nope:{a}", "@n:{a}", "@t:[1 2]"])
    if way == 8:
        return random.choice(["hello", "@t:a", "(((", "@t:{a", "@n:[1", "-", "", "@", "a|", "~@t:{a}", "@t:{a}=>{$weight:2}", "\xff"])
    if way == 9:
        return "@v:[VECTOR_RANGE %s $q]" % random.choice(["1", "100", "400", "-1", "abc", "$r"])
    if way == 10:
        return f"-{query(random, depth + 1)}"
    if way == 11:
        return f"({query(random, depth + 1)})"
    joint = " | " if way < 14 else " "
    return joint.join([query(random, depth + 1), query(random, depth + 1)])


def nearest(random):
    """A query for vectors: the nearest ones, or all within a radius."""
    before = "*" if random.random() < 0.5 else f"({query(random, 1)})"
    if random.random() < 0.25:
        ranged = f"@v:[VECTOR_RANGE {random.choice(['1', '50', '200', '500', '$r', '$r', '-1'])} $q]"
        tail = random.choice(["", "=>{$yield_distance_as: d}", "=>{$yield_distance_as: d; $epsilon: 0.01}", "=>{$epsilon: -1}"])
        return (f"{before} " if before != "*" and random.random() < 0.4 else "") + ranged + tail
    count = random.choice(["1", "2", "3", "10", "$k", "0", "-1", "abc"] if random.random() < 0.3 else ["1", "2", "3", "10"])
    field = "v" if random.random() < 0.95 else random.choice(["t", "nope"])
    options = random.choice(["", "", "", " AS d", " AS d", " EF_RUNTIME 20", " HYBRID_POLICY ADHOC_BF",
                             " HYBRID_POLICY BATCHES BATCH_SIZE 2", " EF_RUNTIME 0", " HYBRID_POLICY BAD", " FOO 1"])
    tail = random.choice(["", "", "", "=>{$yield_distance_as: d}", "=>{$ef_runtime: 20}", "=>{$foo: 1}"])
    return f"{before}=>[KNN {count} @{field} $q{options}]{tail}"


def parameters(random):
    """What PARAMS holds."""
    given = ["q", blob(random)]
    if random.random() < 0.5:
        given += ["k", random.choice(["1", "2", "3", "abc"])]
    if random.random() < 0.4:
        given += ["r", random.choice(["1", "100", "300"])]
    if random.random() < 0.04:
        given += random.choice([["q", "x"], ["odd"], []])
    return [str(len(given)), *given]


def declared(random):
    """A field of a schema, for hashes or JSON."""
    name = random.choice([["t"], ["n"], ["g"], ["v"], ["x"], ["$.t", "AS", "t"], ["$.n", "AS", "n"], ["$.v", "AS", "v"], ["t", "AS", "u"], ["$.x[*]", "AS", "x"]])
    letter = name[-1]
    vector = random.choice([
        "VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2", "VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC COSINE",
        "VECTOR HNSW 12 TYPE FLOAT32 DIM 2 DISTANCE_METRIC IP M 8 EF_CONSTRUCTION 100 EF_RUNTIME 20", "VECTOR FLAT 6 TYPE FLOAT64 DIM 1 DISTANCE_METRIC L2",
        "VECTOR FLAT 8 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 BLOCK_SIZE 10", "VECTOR HNSW 6 TYPE FLOAT16 DIM 4 DISTANCE_METRIC L2",
        "VECTOR", "VECTOR BAD 6", "VECTOR HNSW 5 TYPE FLOAT32 DIM 2 DISTANCE_METRIC", "VECTOR HNSW 4 TYPE FLOAT32 DIM 2",
        "VECTOR FLAT 6 TYPE BAD DIM 2 DISTANCE_METRIC L2", "VECTOR FLAT 6 TYPE FLOAT32 DIM 0 DISTANCE_METRIC L2", "VECTOR HNSW 8 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 M abc",
        "VECTOR SVS-VAMANA 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    ])
    kinds = {"t": "TAG", "u": "TAG", "n": "NUMERIC", "g": "GEO", "v": vector}
    kind = kinds.get(letter) if random.random() < 0.9 else random.choice(["TEXT", "GEOSHAPE", "BAD", vector, "TAG"])
    options = random.choice([[], [], [], ["SORTABLE"], ["SORTABLE", "UNF"], ["NOINDEX"], ["SEPARATOR", ";"], ["CASESENSITIVE"],
                             ["SEPARATOR", "ab"], ["SEPARATOR"], ["INDEXMISSING"], ["INDEXEMPTY"], ["WITHSUFFIXTRIE"], ["BAD"]])
    return [*name, *(kind or "TAG").split(), *options]


def returned(random):
    """What RETURN names."""
    return random.choice([["0"], ["1", "t"], ["2", "t", "n"], ["3", "n", "AS", "m"], ["1", "d"], ["1", "__v_score"], ["1", "nope"],
                          ["1", "$.t"], ["5", "t"], ["-1"], ["abc"], ["2", "$.v", "v"]])


def document(random):
    """A JSON document."""
    return random.choice([
        '{"t":"%s","n":%s,"v":[%s,%s]}' % (random.choice("abc"), random.choice(["1", "2.5", "-3", "7"]), component(random), component(random)),
        '{"t":["a","b"],"n":2,"g":"15,37"}', '{"t":null,"n":null,"v":null}', '{"t":1,"n":"x"}', '{"v":[1]}', '{"v":["a","b"]}', "[]", "{}",
        '{"t":"hello world","n":1e3,"g":[15,37],"v":[0.5,0.5]}', '{"t":true,"x":["p","q"]}', '{"n":[1,2,3]}', "{",
    ])


SYMBOLS = {
    "document": "d:1 d:1 d:2 d:3 d:4 d:5 other",
    "thing": "e:1 e:1 e:2 e:3 d:6 other2",
    "field": usually("t n g v", "x nope"),
    "geo": usually("g", "n nope"),
    "numeric": usually("n", "t nope"),
    "sortable": usually("n t", "g v nope", 0.1),
    "content": content,
    "fitting": fitting,
    "counter": "n",
    "scope": [["1", "d:"]],
    "amount": "1 2.5 -1",
    "json": document,
    "path": "$.t $.n $.v $.g $ $..n",
    "part": '\'"a"\' \'["b","c"]\' 3 null [1,2] [1,1,1]',
    "name": usually("h h h h h j j j k", "m none", 0.06),
    "other": "k k m m none j",
    "new": "k k m m h",
    "prefixes": [["1", "d:"], ["1", "e:"], ["2", "d:", "o"], ["0"], ["2", "d:"], ["1", ""], ["abc"]],
    "expression": ["@n>1", "@t=='a'", "@n>", "exists(@n)"],
    "language": "english german klingon",
    "score": "0.5 1 2 -1 abc",
    "stopwords": [["0"], ["1", "a"], ["2", "a"], ["abc"]],
    "declared": declared,
    "query": query,
    "nearest": nearest,
    "limit": usually("1 3 (1 -inf inf +inf 2.5", "abc"),
    "place": [*[["15", "37"], ["13", "38"]] * 8, ["200", "0"], ["abc", "0"]],
    "radius": usually("1 100 200 300", "-1 abc"),
    "unit": usually("km km m mi ft", "x"),
    "inkeys": [["1", "d:1"], ["2", "d:1", "d:3"], ["0"], ["2", "d:1"], ["abc"], ["1", "none"]],
    "return": returned,
    "yielded": usually("d __v_score n", "t nope"),
    "offset": usually("0 0 1 2", "-1 abc"),
    "number": usually("0 1 2 10 100", "1000001 -1 abc"),
    "dialect": usually("1 2 2 3 4", "0 5 abc"),
    "dialect2": usually("2 2 2 3 4", "1"),
    "parameters": parameters,
    "alias": "l1 l1 l2 h",
    "option": "TIMEOUT MAXSEARCHRESULTS NOPE * DEFAULT_DIALECT",
    "blob": blob,
}

CLOSING = """
FT._LIST
FT.SEARCH h * NOCONTENT LIMIT 0 100
FT.SEARCH j * NOCONTENT LIMIT 0 100
FT.SEARCH h "*=>[KNN 10 @v $q AS d]" PARAMS 2 q "\\x00\\x00\\x80?\\x00\\x00\\x80?" RETURN 1 d SORTBY d DIALECT 2
FT.SEARCH j "*=>[KNN 10 @v $q AS d]" PARAMS 2 q "\\x00\\x00\\x80?\\x00\\x00\\x80?" RETURN 1 d SORTBY d DIALECT 2
FT.TAGVALS h t
FT.INFO h
FT.INFO j
"""
