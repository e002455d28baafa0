"""FT.*: indexes over hashes and JSON documents, vectors whose distances are exact and differ."""

from ..grammar import phrases, usually
from .queries import blob, component, nearest, parameters, query

OPENING = """
SET text x
FT.CREATE h ON HASH PREFIX 1 d: SCHEMA t TAG n NUMERIC SORTABLE g GEO \
    v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2
FT.CREATE j ON JSON PREFIX 1 e: SCHEMA $.t AS t TAG $.n AS n NUMERIC $.g AS g GEO \
    $.v AS v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC IP
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
2 FT.CREATE new \
    [<ON HASH | ON JSON | ON LIST>] [PREFIX prefixes] [FILTER expression] [LANGUAGE language] [SCORE score] \
    [SCORE_FIELD field] [STOPWORDS stopwords] SCHEMA declared+
1 FT._CREATEIFNX new PREFIX scope SCHEMA declared+
1 FT.ALTER name SCHEMA ADD declared+
1 FT._ALTERIFNX name SCHEMA ADD declared
1 FT.DROPINDEX other [DD]
1 FT._DROPINDEXIFX other
1 FT.DROP other [KEEPDOCS]
1 FT._LIST
2 FT.INFO name
20 FT.SEARCH name query [NOCONTENT] [WITHSCORES] [WITHSORTKEYS] \
    [FILTER numeric limit limit] [GEOFILTER geo place radius unit] [INKEYS inkeys] [RETURN return] \
    [SORTBY sortable [<ASC | DESC>]] [LIMIT offset number] [DIALECT dialect]
14 FT.SEARCH name nearest [NOCONTENT] [WITHSCORES] [WITHSORTKEYS] [RETURN return] \
    [SORTBY yielded [<ASC | DESC>]] [LIMIT offset number] PARAMS parameters DIALECT dialect2
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

VECTORS = """
VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2
VECTOR FLAT 8 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 BLOCK_SIZE 10
VECTOR FLAT 6 TYPE FLOAT64 DIM 1 DISTANCE_METRIC L2
VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC COSINE
VECTOR HNSW 12 TYPE FLOAT32 DIM 2 DISTANCE_METRIC IP M 8 EF_CONSTRUCTION 100 EF_RUNTIME 20
VECTOR HNSW 6 TYPE FLOAT16 DIM 4 DISTANCE_METRIC L2
VECTOR
VECTOR BAD 6
VECTOR HNSW 5 TYPE FLOAT32 DIM 2 DISTANCE_METRIC
VECTOR HNSW 4 TYPE FLOAT32 DIM 2
VECTOR HNSW 8 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 M abc
VECTOR FLAT 6 TYPE BAD DIM 2 DISTANCE_METRIC L2
VECTOR FLAT 6 TYPE FLOAT32 DIM 0 DISTANCE_METRIC L2
VECTOR SVS-VAMANA 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2
"""

NAMES = """
t
n
g
v
x
$.t AS t
$.n AS n
$.v AS v
t AS u
$.x[*] AS x
"""

OPTIONS = """
SORTABLE
SORTABLE UNF
NOINDEX
SEPARATOR ;
SEPARATOR ab
SEPARATOR
CASESENSITIVE
INDEXMISSING
INDEXEMPTY
WITHSUFFIXTRIE
BAD
"""

DOCUMENTS = """
{"t":["a","b"],"n":2,"g":"15,37"}
{"t":null,"n":null,"v":null}
{"t":1,"n":"x"}
{"v":[1]}
{"v":["a","b"]}
{"t":"hello world","n":1e3,"g":[15,37],"v":[0.5,0.5]}
{"t":true,"x":["p","q"]}
{"n":[1,2,3]}
[]
{}
{
"""


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


def declared(random):
    """A field of a schema, for hashes or JSON."""
    name, vector = random.choice(phrases(NAMES)), random.choice(phrases(VECTORS))
    kinds = {b"t": [b"TAG"], b"u": [b"TAG"], b"n": [b"NUMERIC"], b"g": [b"GEO"], b"v": vector}
    kind = kinds.get(name[-1], [b"TAG"])
    if random.random() < 0.1:
        kind = random.choice([["TEXT"], ["GEOSHAPE"], ["BAD"], vector, ["TAG"]])
    options = random.choice(phrases(OPTIONS)) if random.random() < 0.8 else []
    return [*name, *kind, *options]


def document(random):
    """A JSON document."""
    if random.random() < 0.5:
        return random.choice(DOCUMENTS.strip().splitlines())
    tag, number = random.choice("abc"), random.choice(["1", "2.5", "-3", "7"])
    return f'{{"t":"{tag}","n":{number},"v":[{component(random)},{component(random)}]}}'


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
    "path": "$.t $.n $.v $.g $",
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
    "inkeys": phrases("""
        x4 1 d:1
        x4 2 d:1 d:3
        x2 0
        1 none
        2 d:1
        abc
    """),
    "return": phrases("""
        x2 0
        x2 1 t
        x2 2 t n
        x2 3 n AS m
        x2 1 d
        x2 1 __v_score
        x2 1 nope
        x2 1 $.t
        x2 2 $.v v
        5 t
        -1
        abc
    """),
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
