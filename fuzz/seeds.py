#!/usr/bin/env python3
"""Writes the seeds of each fuzz target, from the transcripts and fixtures of the tests, into
fuzz/corpus/TARGET/. The forms of the inputs are those that fuzz/src says."""

import hashlib
import json
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
TRANSCRIPTS = ROOT / "tests" / "transcripts" / "json"
FIXTURES = ROOT / "tests" / "fixtures"

WORD_END, LINE_END = b"\xff", b"\xfe"
LINES = 8
RAW, BODY, CONTENT, FILE, AUX = 0, 1, 2, 3, 5
FOOTER = 10


def words(line):
    """The words of a transcript's command line; text in double quotes has C's escapes."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    return [word.encode("utf-8").replace(b"\\xff", b"\xc3\xbf") for word in lexer]


def lines():
    """The command lines of the transcripts, in order."""
    for path in sorted(TRANSCRIPTS.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("> JSON."):
                try:
                    yield words(line[2:])
                except ValueError:
                    pass  # A line that is about quoting.


def fixtures(*names):
    for name in names:
        for line in (FIXTURES / "rdb" / name).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def documents():
    """The JSON texts that the fixtures' commands set."""
    for entry in fixtures("rejson-8.8.0-valkey8.0.jsonl", "valkeyjson-1.0.2-valkey8.0.jsonl"):
        for command in entry["commands"]:
            if command[0] == "JSON.SET" and len(command[3]) < 4096:
                yield command[3].encode("utf-8")


def suite():
    return json.loads((FIXTURES / "jsonpath" / "cts.json").read_text(encoding="utf-8"))["tests"]


def path():
    for test in suite():
        document = json.dumps(test.get("document")).encode()
        for dialect in (b"\0", b"\1"):
            yield dialect + test["selector"].encode("utf-8") + b"\n" + document
    for line in lines():
        yield from (b"\0" + word + b"\n" + b'{"a":[1,{"b":"x"}]}' for word in line[2:] if word[:1] in b"$.")


def json_text():
    for number, text in enumerate([*documents(), *(w for line in lines() for w in line[3:4])]):
        yield text + b"\xff" + hashlib.sha256(bytes([number % 256])).digest()


def growth():
    """Short lines that would make long documents: a long value for many places."""
    many = b"[" + b",".join([b'{"n":0,"a":[],"s":""}'] * 100) + b"]"
    long = b'"' + b"x" * 2000 + b'"'
    for last in [(b"JSON.SET", b"a", b"$[*].n", long), (b"JSON.MSET", b"a", b"$..n", long),
                 (b"JSON.MERGE", b"a", b"$[*]", b'{"q":' + long + b"}"),
                 (b"JSON.ARRAPPEND", b"a", b"$[*].a", long), (b"JSON.ARRINSERT", b"a", b"$..a", b"0", long),
                 (b"JSON.STRAPPEND", b"a", b"$..s", long), (b"JSON.NUMPOWBY", b"a", b"$..n", b"0.5")]:
        yield [(b"JSON.SET", b"a", b"$", many), last]


def commands():
    yield from (LINE_END.join(WORD_END.join(words) for words in lines) for lines in growth())
    all_lines = list(lines())
    for start in range(0, len(all_lines), LINES // 2):
        yield LINE_END.join(WORD_END.join(line) for line in all_lines[start:start + LINES])


def dump():
    payloads = [key[name] for entry in fixtures(
        "rejson-1.0.8-redis6.0.jsonl", "rejson-2.x-synthetic.jsonl", "rejson-8.8.0-valkey8.0.jsonl",
        "valkeyjson-1.0.2-valkey8.0.jsonl") for key in entry["keys"] for name in key if name.startswith("dump_hex")]
    payloads += [entry["dump_hex"] for entry in fixtures("corrupt.jsonl")]
    for payload in {bytes.fromhex(text) for text in payloads}:
        if len(payload) < 8192:
            yield bytes([RAW, 0]) + payload
            # The type and its version take 1 + 9 bytes; the version is the low bits of the last two.
            yield bytes([BODY, payload[9] % 8]) + payload[10:-FOOTER]
            yield bytes([CONTENT, payload[9] % 8]) + payload[12:-FOOTER - 1]
    for rdb in (FIXTURES / "rdb").glob("*.rdb"):
        content = rdb.read_bytes()
        yield bytes([FILE, 0]) + content[:-8] + bytes(8)
        if "redisearch" in rdb.name:
            start = content.find(b"\xf7")
            yield bytes([AUX, 27]) + content[start + 14:]
    for text in documents():
        yield bytes([CONTENT, 3]) + text


def main():
    for target in (commands, dump, json_text, path):
        folder = CORPUS / target.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for seed in target():
            (folder / f"seed-{hashlib.sha1(seed).hexdigest()}").write_bytes(seed)


if __name__ == "__main__":
    main()
