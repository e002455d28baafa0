"""JSON.*: documents of few names, and paths of both dialects that mostly find something."""

import json

from ..grammar import usually

OPENING = """
SET text x
JSON.SET a $ '{"a":{"b":[1,2,3],"c":"x"},"b":[{"a":1,"c":true},{"a":2.5},[null,"y"]],"c":7}'
JSON.SET b $ '[1,"a",{"a":[1.5,2],"b":{"a":"z"}},[],{}]'
"""

GRAMMAR = """
10 JSON.SET live $ rich
6 JSON.SET key path json [<NX | XX>] [FPHA <BF16 | FP16 | FP32 | FP64 | BAD>] [FORMAT <STRING | JSON | BSON | BAD>]
5 JSON.GET key [INDENT indent] [NEWLINE indent] [SPACE indent] [NOESCAPE] [path [path]]
2 JSON.GET key FORMAT <STRING | EXPAND1 | EXPAND | BAD> [path]
2 JSON.MGET key+ path
2 JSON.MSET (key path json)+
3 JSON.MERGE key path json
2 JSON.DEL key path
1 JSON.DEL key [path]
1 JSON.FORGET key path
2 JSON.CLEAR key [path]
3 JSON.TYPE key [path]
4 JSON.NUMINCRBY key path number
3 JSON.NUMMULTBY key path number
2 JSON.NUMPOWBY key path power
3 JSON.STRAPPEND key [path] string
2 JSON.STRLEN key [path]
4 JSON.ARRAPPEND key path json+
3 JSON.ARRINDEX key path json [index [index]]
3 JSON.ARRINSERT key path index json+
2 JSON.ARRLEN key [path]
3 JSON.ARRPOP key [path [index]]
2 JSON.ARRTRIM key path index index
2 JSON.OBJKEYS key [path]
2 JSON.OBJLEN key [path]
2 JSON.TOGGLE key path
2 JSON.STRAPPEND live texts string
1 JSON.STRLEN live texts
2 JSON.ARRAPPEND live lists json+
2 JSON.ARRINSERT live lists index json+
2 JSON.ARRPOP live lists [index]
1 JSON.ARRINDEX live lists json [index [index]]
1 JSON.ARRLEN live lists
1 JSON.NUMMULTBY live numbers number
1 JSON.TOGGLE live numbers
2 JSON.RESP key [path]
1 JSON.DEBUG <DEPTH | FIELDS | WRONG> key [path]
1 JSON.DEBUG HELP
1 JSON.DEBUG MEMORY key [path]
1 COPY key key
1 RENAME fourth live
1 DEL fourth
1 TYPE key
"""

NAMES = ["a", "b", "c", "a b", "", "\u00e9", "a.b"]
NUMBERS = """0 1 2 3 -1 7 10 1.5 -2.5 0.1 1.0 1e5 -0 -0.0 1e-7 3.141592653589793 9007199254740993 9223372036854775807
-9223372036854775808 18446744073709551615 18446744073709551616 1e308 5e-324 100000000000000000000.5""".split()
STRINGS = ["", "x", "y", "ab.*", "a b", "\u00e9\u4e2d", "\U0001f600", "\u0001\"\\/\n", "1"]
BROKEN = r"""{ [ [1,] {"a" {"a":} {a:1} 'x' NaN Infinity 01 1. .5 -x tru nulll "abc "\ud800" "\x" [1]2 1E400 [[[
{"a":1,} [,] """.split() + ["", " ", '"\xff"'.encode("latin-1"), b'"a\x00b"', '"\t"']


def value(random, depth=0):
    """A value of any type, smaller the deeper it stands."""
    kind = random.randrange(10 if depth < 3 else 6)
    if kind < 2:
        return json.loads(random.choice(NUMBERS))
    if kind < 6:
        return random.choice([None, True, False, random.choice(STRINGS), random.randrange(-3, 12), random.random()])
    if kind < 8:
        return [value(random, depth + 1) for _ in range(random.choice([0, 1, 2, 3, 4]))]
    return {random.choice(NAMES): value(random, depth + 1) for _ in range(random.choice([0, 1, 2, 3, 4]))}


def text(random):
    """A JSON text: compact, spaced, escaped, with a name twice, or broken."""
    way = random.randrange(20)
    if way == 0:
        return random.choice(BROKEN)
    if way < 3:
        return random.choice(NUMBERS)
    drawn = value(random)
    if way < 5:
        return json.dumps(drawn, indent=1)
    if way < 7:
        return json.dumps(drawn, ensure_ascii=False)
    if way == 7:
        return '{"a":1,"b":%s,"a":%s}' % (json.dumps(drawn), random.choice(NUMBERS))
    return json.dumps(drawn, separators=(",", ":"))


def rich(random):
    """A document in which most paths find something of the right type."""
    numbers = [json.loads(random.choice(NUMBERS[:12])) for _ in range(3)]
    made = {"a": {"a": numbers[0], "b": random.choice([numbers, ["x", None, True], []]), "c": random.choice(STRINGS)},
            "b": [numbers[1], random.choice(STRINGS), {"a": value(random, 2), "c": random.random() < 0.5}, numbers],
            "c": random.choice([numbers[2], "x", True, {"a": [1, 2, 3]}]), "a b": value(random, 1)}
    return json.dumps(made if random.random() < 0.8 else list(made.values()), separators=(",", ":"))


def segment(random):
    """One step of a path."""
    name = random.choice(["a", "a", "b", "b", "c", "c", "nope"])
    return random.choice([
        f".{name}", f".{name}", f".{name}", f"['{name}']", f'["{name}"]', f'["{name}","c"]', f"..{name}", f"..{name}",
        ".*", "[*]", "..*", "[0]", "[1]", "[-1]", "[9]", "[0,2]", "[0:2]", "[1:]", "[:-1]", "[::2]", "[-2:]", '["a b"]',
        "..[0]", "..[*]", "[?(@.a)]", f"[?({condition(random)})]", f"[?({condition(random)})]",
    ])


def condition(random):
    """What stands in a filter."""
    subject = random.choice(["@", "@.a", "@.b", "@.c", "@['a']", "@.a.b", "@.*", "$.c"])
    way = random.randrange(8)
    if way == 0:
        return subject
    if way == 1:
        return f"{condition(random)} {random.choice(['&&', '||'])} {condition(random)}"
    if way == 2:
        return f'{subject}=~"{random.choice(["a.*", "^x$", "[xy]", "("])}"'
    operand = random.choice(["1", "2", "2.5", "-1", '"x"', "'y'", "true", "false", "null", "@.a", "$.c", '"a b"'])
    operator = random.choice(["==", "!=", "<", "<=", ">", ">="])
    return f"{subject}{operator}{operand}" if way < 7 else f"{subject} {operator} {operand}"


ODD_PATHS = ["", "$ ", "$.a b", "$[?(@.a in [1])]", *r"""$. $[ $.. . $ ..
$.a[ $.a] $['a $[a] $[?(@.a] a..b $$ $[0:1:0] $[::-1]
$.a.length() $[?(!@.a)] $.a+1 'a' @""".split(), "$.\xe9"]


def path(random):
    """A path of either dialect, short more often than long, seldom broken."""
    way = random.randrange(30)
    if way < 6:
        return "$"
    if way < 9:
        return "."
    if way == 9:
        return random.choice(ODD_PATHS)
    steps = "".join(segment(random) for _ in range(random.choice([1, 1, 1, 2, 2, 3])))
    if way < 22:
        return "$" + steps
    return steps[1:] if way < 25 and steps.startswith(".") and not steps.startswith("..") else steps


def string(random):
    """A JSON text that is a string most of the time."""
    return json.dumps(random.choice(STRINGS)) if random.random() < 0.85 else text(random)


SYMBOLS = {
    "key": usually("a a a a b b b c c d", "none text", 0.08),
    "texts": "$.a.c .a.c $..c $.b[1] ..c $.*.c",
    "lists": "$.b .b $.a.b .a.b $..b $.* ..b $.b[3]",
    "numbers": "$.a.a .a.a $..a $.b[0] $..* $.b[2].c ..c",
    "live": "a b c d",
    "fourth": "c d",
    "rich": rich,
    "path": path,
    "json": text,
    "string": string,
    "number": usually("1 1 2 -1 0 0.5 1.5 1e3 0.1 -0", "9223372036854775807 1e308 true '\"1\"' abc", 0.1),
    "power": usually("2 2 0 1 3 -1 0.5", "64 1e3 true abc", 0.1),
    "index": usually("0 0 1 1 -1 2 -2 9 -9", "abc 1.5"),
    "indent": r'" " "" "\t" "\n" "--"',
}

CLOSING = """
JSON.GET a
JSON.GET b
JSON.GET c $
JSON.GET d $
JSON.RESP a
"""
