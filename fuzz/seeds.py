#!/usr/bin/env python3
"""Writes the seeds of each fuzz target, from the transcripts and fixtures of the tests, into
fuzz/corpus/TARGET/. The forms of the inputs are those that fuzz/src says."""

import hashlib
import json
import re
import shlex
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
TRANSCRIPTS = ROOT / "tests" / "transcripts"
FIXTURES = ROOT / "tests" / "fixtures"

WORD_END, LINE_END = b"\xff", b"\xfe"
LINES = 8
RAW, BODY, CONTENT, FILE, AUX = 0, 1, 2, 3, 5
FOOTER = 10

REJSON = ("rejson-1.0.8-redis6.0.jsonl", "rejson-2.x-synthetic.jsonl", "rejson-8.8.0-valkey8.0.jsonl",
          "valkeyjson-1.0.2-valkey8.0.jsonl")
BLOOM = ("redisbloom-1.0.3-redis6.0.jsonl", "redisbloom-1.1.0-redis6.0.jsonl", "redisbloom-2.0.3-redis6.0.jsonl",
         "redisbloom-2.8.20-redis7.0.jsonl", "redisbloom-8.8.0-redis8.0.jsonl", "valkeybloom-1.0-synthetic.jsonl",
         "valkeybloom-2024-10-valkey8.0.jsonl")
# In the order of fuzz/src/bloom/dump.rs.
TYPES = ("MBbloom--", "MBbloomCF", "CMSk-TYPE", "TopK-TYPE", "TDIS-TYPE", "bloomfltr")
# Pieces of fuzz/src/bloom/chunks.rs.
HEADER, NEXT, PLACED, WHOLE, CUCKOO = 0, 1, 2, 3, 0x80


def words(line):
    """The words of a transcript's command line; text in double quotes has C's escapes."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    return [word.encode("utf-8").replace(b"\\xff", b"\xc3\xbf") for word in lexer]


def lines(folder, pattern):
    """The command lines of the transcripts that match, in order."""
    for path in sorted((TRANSCRIPTS / folder).glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.match(rf"> ({pattern})\.", line):
                try:
                    yield words(line[2:])
                except ValueError:
                    pass  # A line that is about quoting.


def json_lines():
    return lines("json", "JSON")


def joined(all_lines):
    """An input of command lines."""
    return LINE_END.join(WORD_END.join(line) for line in all_lines)


def overlapping(all_lines):
    """Inputs of some lines each, which overlap."""
    all_lines = list(all_lines)
    for start in range(0, len(all_lines), LINES // 2):
        yield joined(all_lines[start:start + LINES])


def fixtures(*names):
    for name in names:
        for line in (FIXTURES / "rdb" / name).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def payloads(names):
    """Every payload of the fixtures, and the damaged ones of all types."""
    texts = [key[name] for entry in fixtures(*names) for key in entry["keys"]
             for name in key if name.startswith("dump_hex")]
    texts += [entry["dump_hex"] for entry in fixtures("corrupt.jsonl")]
    return {payload for text in texts if len(payload := bytes.fromhex(text)) < 8192}


def documents():
    """The JSON texts that the fixtures' commands set."""
    for entry in fixtures("rejson-8.8.0-valkey8.0.jsonl", "valkeyjson-1.0.2-valkey8.0.jsonl"):
        for command in entry["commands"]:
            if command[0] == "JSON.SET" and len(command[3]) < 4096:
                yield command[3].encode("utf-8")


def suite():
    return json.loads((FIXTURES / "jsonpath" / "cts.json").read_text(encoding="utf-8"))["tests"]


def json_path():
    for test in suite():
        document = json.dumps(test.get("document")).encode()
        for dialect in (b"\0", b"\1"):
            yield dialect + test["selector"].encode("utf-8") + b"\n" + document
    for line in json_lines():
        yield from (b"\0" + word + b"\n" + b'{"a":[1,{"b":"x"}]}' for word in line[2:] if word[:1] in b"$.")


def json_text():
    for number, text in enumerate([*documents(), *(w for line in json_lines() for w in line[3:4])]):
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


def json_commands():
    yield from map(joined, growth())
    yield from overlapping(json_lines())


def json_dump():
    for payload in payloads(REJSON):
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


def recorded(entry):
    """The commands of a fixture that fit into a line."""
    for command in [*entry["commands"], *(asked["command"] for asked in entry.get("expect", [])), *entry.get("after", [])]:
        command = command["command"] if isinstance(command, dict) else command
        if all(isinstance(word, str) for word in command) and len(command) < 64:
            yield [word.encode("utf-8") for word in command]


def bloom_commands():
    for profile in (0, 0xFF, 0x55, 0x01):
        yield from (bytes([profile]) + seed for seed in overlapping(lines("bloom", "BF|CF|CMS|TOPK|TDIGEST")))
    for entry in fixtures(*BLOOM):
        for number, seed in enumerate(overlapping(recorded(entry))):
            yield bytes([number % 256]) + seed


def bloom_dump():
    for payload in payloads(BLOOM):
        yield bytes([RAW, 0, 0]) + payload
        for place, name in enumerate(TYPES):
            if payload[1:8] == type_bytes(name):
                yield bytes([BODY, place, payload[9] % 8]) + payload[10:-FOOTER]
    for rdb in (FIXTURES / "rdb").glob("*.rdb"):
        if "bloom" in rdb.name:
            yield bytes([FILE, 0, 0]) + rdb.read_bytes()[:-8] + bytes(8)


def type_bytes(name):
    """The bytes of a type's name that its encoding version does not share, as a payload has them."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    number = 0
    for letter in name:
        number = number << 6 | letters.index(letter)
    return bytes([0x81]) + (number << 10).to_bytes(8, "big")[:6]


def pieces(*parts):
    """An input of pieces: what each is, and its bytes."""
    return b"".join(bytes([kind]) + struct.pack("<H", len(data)) + data for kind, data in parts)


def bloom_chunks():
    for entry in fixtures(*BLOOM):
        for key in entry["keys"]:
            fields = [field[-1] for field in key.get("fields", [])]
            if not fields or entry["type"] not in ("MBbloom--", "MBbloomCF", "bloomfltr"):
                continue
            if entry["type"] == "MBbloom--" and key["encver"] == 4:
                yield from bloom_pieces(fields)
            elif entry["type"] == "MBbloomCF" and key["encver"] == 4:
                yield from cuckoo_pieces(fields)
            elif entry["type"] == "bloomfltr" and key["encver"] == 1:
                yield from valkey_pieces(fields)
    # Findings: no item, of which nothing is dumped; as many tables as there can be.
    yield pieces((HEADER | CUCKOO, cuckoo_header(0, 32, 0, 1, 2, 20, 1)), (NEXT | CUCKOO, bytes(64)))
    for tables in (11784, 65535):
        yield pieces((HEADER | CUCKOO, cuckoo_header(120, 8, 0, tables, 2, 5, 1)), (NEXT | CUCKOO, b"x" * 16))


def bloom_pieces(fields):
    """Header and chunks of RedisBloom's filter; the fields of a payload."""
    size, count, options, growth = fields[:4]
    header, chunks = struct.pack("<QIII", size, count, options, growth), []
    for number in range(count):
        entries, rate, hashes, bits_each, bits, n2, data, held = fields[4 + 8 * number:12 + 8 * number]
        data = bytes.fromhex(data)
        header += struct.pack("<QQQ", len(data), bits, held) + bytes.fromhex(rate) + bytes.fromhex(bits_each)
        header += struct.pack("<IQB", hashes, entries, n2)
        chunks.append((NEXT, data))
    yield pieces((HEADER, header), *chunks)
    first = chunks[0][1]
    yield pieces((HEADER, header), (PLACED, struct.pack("<q", len(first) + 1) + first))


def cuckoo_header(*numbers):
    """What CF.SCANDUMP says first."""
    return struct.pack("<QQQQHHH", *numbers)


def cuckoo_pieces(fields):
    """The same of a Cuckoo filter."""
    count, buckets, items, deletes, bucket_size, iterations, expansion = fields[:7]
    header = cuckoo_header(items, buckets, deletes, count, bucket_size, iterations, expansion)
    chunks = [(NEXT | CUCKOO, bytes.fromhex(data)) for data in fields[8::2]]
    yield pieces((HEADER | CUCKOO, header), *chunks)


def valkey_pieces(fields):
    """What BF.LOAD takes: the fields of a payload in another order."""
    count, expansion, rate, ratio, is_random = fields[:5]
    blob = b"\x01" + struct.pack("<I", expansion) + bytes.fromhex(rate) + bytes.fromhex(ratio)
    blob += struct.pack("<BQ", is_random, count)
    rest = fields[5:]
    for number in range(count):
        data, capacity = bytes.fromhex(rest[2 * number]), rest[2 * number + 1]
        items = rest[-1] if number == count - 1 else capacity
        blob += struct.pack("<Q", len(data)) + data + struct.pack("<qq", items, capacity)
    yield pieces((WHOLE, blob))


QUERIES = r"""
*
@t:{tag1|two} @n:[1 (5]
@t:{ta*|*wo|*ag*} | -@c:{"Two"} ~@n:[-inf +inf]
(@g:[1 2 300 km]) ismissing(@t) @t:{""}
@n:[(1 5] => {$weight: 2; $slop: 1; $inorder: true}
*=>[KNN 3 @v $b AS d]
(@t:{two} -@n:[2 3])=>[KNN $n @v $b EF_RUNTIME 20 HYBRID_POLICY BATCHES BATCH_SIZE 2]
@n:[0 9]=>[KNN 3 @f $b HYBRID_POLICY ADHOC_BF]=>{$yield_distance_as: far}
@v:[VECTOR_RANGE 2 $b]=>{$yield_distance_as: d; $epsilon: 0.5} | @f:[VECTOR_RANGE 1 $vec]
hello "a phrase" w'wi?d*' %fuzzy% pre* @t|c:word
@n==5 @n!=5 @n>=3 @n<2
""".strip().splitlines()

CREATIONS = """
SCHEMA t TAG
ON HASH PREFIX 2 a: b: FILTER @n>1 LANGUAGE english SCORE 0.5 SCHEMA t AS x TAG SEPARATOR ; CASESENSITIVE SORTABLE UNF
ON JSON SCHEMA $.a AS a NUMERIC SORTABLE INDEXMISSING $.g AS g GEO $.v[*] AS v VECTOR FLAT 6 TYPE FLOAT64 DIM 3 DISTANCE_METRIC IP
STOPWORDS 1 the NOOFFSETS NOHL NOFIELDS NOFREQS TEMPORARY 9 SKIPINITIALSCAN SCHEMA n NUMERIC NOINDEX
SCHEMA v VECTOR HNSW 16 TYPE INT8 DIM 4 DISTANCE_METRIC COSINE M 4 EF_CONSTRUCTION 20 EF_RUNTIME 5 EPSILON 0.1 INITIAL_CAP 9
SCHEMA v VECTOR HNSW 8 TYPE FLOAT16 DIM 4 DISTANCE_METRIC L2 QUANTIZATION SQ8 n NUMERIC
SCHEMA v VECTOR FLAT 8 TYPE BFLOAT16 DIM 4 DISTANCE_METRIC L2 BLOCK_SIZE 9 INDEXMISSING
""".strip().splitlines()

ALTERATIONS = ["SCHEMA ADD x TAG", "SKIPINITIALSCAN SCHEMA ADD y NUMERIC w VECTOR FLAT 6 TYPE UINT8 DIM 2 DISTANCE_METRIC COSINE"]

SEARCHES = """
* NOCONTENT WITHSCORES WITHSORTKEYS SORTBY n DESC LIMIT 1 3 DIALECT 2
@t:{two} RETURN 2 t n AS number FILTER n (1 +inf GEOFILTER g 1 2 300 km INKEYS 2 k\0 k\1 TIMEOUT 100
*=>[KNN|2|@v|$b] PARAMS 2 b abcdefgh DIALECT 2 SORTBY __v_score
@n:[0|5] VERBATIM NOSTOPWORDS INFIELDS 1 t SLOP 1 INORDER LANGUAGE english SCORER DOCSCORE SORTBY g ASC
""".strip().splitlines()


def search_query():
    for dialect in range(4):
        yield from (bytes([dialect]) + text.encode() + b"\xff" + bytes(8) for text in QUERIES)


def search_arguments():
    for command, texts in enumerate((CREATIONS, ALTERATIONS, SEARCHES)):
        for text in texts:
            line = [word.replace("|", " ").encode().replace(b"\\0", b"\0") for word in text.split()]
            yield bytes([command]) + WORD_END.join(line)


def search_aux():
    for rdb in (FIXTURES / "rdb").glob("redisearch*.rdb"):
        content = rdb.read_bytes()
        # Behind the type, the moment and their marks.
        for start in (match.end() for match in re.finditer(rb"\xf7.{9}\x02.(?=\x02)", content, re.DOTALL)):
            yield bytes([0, 23]) + content[start:]
    yield bytes([2, 0])
    epsilon = b"\x02\x03\x04" + struct.pack("<d", 0.5)
    yield bytes([4, 1]) + b"\x02\x01\x05\x01i\x02\x01\x02\x02\x05\x01v" + epsilon + b"\x05\x01f\x02\x01"
    yield from (bytes([3, step, 1, 7, 99]) for step in range(0, 250, 10))


def search_graph():
    for kind in range(24):
        steps = [bytes([place % 8 if place > 40 else 3, place * 7 % 60, place * 37 % 256, place * 91 % 256])
                 for place in range(120)]
        yield bytes([kind]) + b"".join(steps)


def timeseries_payloads():
    for path in sorted((FIXTURES / "rdb").glob("redistimeseries*.jsonl")):
        yield from payloads([path.name])


def timeseries_chunk():
    for kind in range(0, 256, 17):
        points = [struct.pack("<HBQ", 1000 + place % 7, (kind * 64 + place % 3) % 256, place * kind * 7919 % 100_003)
                  for place in range(200)]
        yield bytes([kind | 1]) + b"".join(points)
    for entry in fixtures("redistimeseries-8.8.0-redis7.0.jsonl"):
        for key in entry["keys"]:
            fields = [field[-1] for field in key.get("fields", [])]
            for place, field in enumerate(fields):
                # Ten numbers before the data: size, samples, bits.
                if place > 10 and isinstance(field, str) and fields[place - 10] == len(field) // 2:
                    count, bits = fields[place - 9], fields[place - 8]
                    yield bytes([0]) + struct.pack("<II", bits, count) + bytes.fromhex(field)


def timeseries_dump():
    for payload in {payload for payload in timeseries_payloads() if payload[1:8] == type_bytes("TSDB-TYPE")}:
        yield bytes([RAW, 0]) + payload
        yield bytes([BODY, payload[9] % 16]) + payload[10:-FOOTER]
    for rdb in (FIXTURES / "rdb").glob("redistimeseries*.rdb"):
        if rdb.stat().st_size < 16384:
            yield bytes([FILE, 0]) + rdb.read_bytes()[:-8] + bytes(8)


def timeseries_commands():
    for profile in (0, 0xFF, 0x55, 0x01):
        yield from (bytes([profile]) + seed for seed in overlapping(lines("timeseries", "TS")))
    for path in sorted((FIXTURES / "rdb").glob("redistimeseries*.jsonl")):
        for entry in fixtures(path.name):
            for number, seed in enumerate(overlapping(recorded(entry))):
                yield bytes([number % 256]) + seed


def timeseries_series():
    for kind in range(32):
        yield bytes([kind * 8]) + b"".join(hashlib.sha256(bytes([kind, part])).digest() for part in range(20))


TARGETS = (bloom_chunks, bloom_commands, bloom_dump, json_commands, json_dump, json_path, json_text,
           search_arguments, search_aux, search_graph, search_query, timeseries_chunk,
           timeseries_commands, timeseries_dump, timeseries_series)


def main():
    for target in TARGETS:
        folder = CORPUS / target.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for seed in target():
            (folder / f"seed-{hashlib.sha1(seed).hexdigest()}").write_bytes(seed)


if __name__ == "__main__":
    main()
