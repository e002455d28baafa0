"""Finds Debian packages like one you name, by the meaning of their descriptions."""

import ast
import difflib
import gzip
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

from benchmarks.resp import encode
from benchmarks.server import ROOT

from .stage import bar

DATA = os.environ.get("KEYSPAN_DEMO_DATA") or ROOT / "tests" / "fixtures" / "debian384"
# How many packages go to the server before their replies are read.
PIPELINE = 200
# "vim", "vim in editors", "packages like vim in section editors"
QUESTION = re.compile(r"(?:(?:packages )?like )?(\S+)(?: in (?:section )?(\S+))?")


def vectors(path):
    """The rows of a .npy file of half-precision numbers, each as its bytes, and how many numbers a row has."""
    with open(path, "rb") as file:
        if file.read(8) != b"\x93NUMPY\x01\x00":
            sys.exit(f"demo: {path} is not a .npy file of version 1")
        header = ast.literal_eval(file.read(int.from_bytes(file.read(2), "little")).decode())
        if header["descr"] != "<f2" or header["fortran_order"] or len(header["shape"]) != 2:
            sys.exit(f"demo: {path} does not hold rows of float16")
        count, dimensions = header["shape"]
        return [file.read(2 * dimensions) for _ in range(count)], dimensions


def read(folder):
    """The packages of a data folder, each with its vector, and how many numbers a vector has."""
    rows, dimensions = vectors(folder / "base_f16.npy")
    with gzip.open(folder / "packages.jsonl.gz", "rt", encoding="utf-8") as lines:
        # Lines beyond the vectors' are queries of a benchmark.
        return [{**json.loads(line), "embedding": row} for line, row in zip(lines, rows)], dimensions


def load(connection, packages, dimensions):
    """Makes the index and writes the packages, which it follows."""
    connection.call(
        "FT.CREATE", "packages", "PREFIX", 1, "package:", "SCHEMA", "package", "TAG", "section", "TAG",
        "embedding", "VECTOR", "HNSW", 6, "TYPE", "FLOAT16", "DIM", dimensions, "DISTANCE_METRIC", "COSINE",
    )
    began = time.monotonic()
    for start in range(0, len(packages), PIPELINE):
        batch = packages[start:start + PIPELINE]
        connection.load([
            encode("HSET", f"package:{start + place}", *(
                word for field in ["package", "section", "description", "embedding"]
                for word in (field, package[field])))
            for place, package in enumerate(batch)
        ], PIPELINE)
        bar("packages written", start + len(batch), len(packages), began)


def settle(running, total):
    """Waits until the graph holds every package: searches are right before that, but slower."""
    began, backlog = time.monotonic(), total
    while backlog:
        backlog = int(running.info("search")["search_backlog"])
        bar("packages indexed", total - backlog, total, began)
        time.sleep(0.1 if backlog else 0)


def search(connection, package, section, count):
    """The nearest packages of other names in the section, or in all, nearest first; and the seconds it took."""
    wanted = "-@package:{$name}" + (" @section:{$section}" if section else "")
    parameters = ["name", package["package"], "vector", package["embedding"]]
    parameters += ["section", section] if section else []
    began = time.perf_counter()
    reply = connection.call(
        "FT.SEARCH", "packages", f"({wanted})=>[KNN {count} @embedding $vector AS distance]",
        "PARAMS", len(parameters), *parameters, "SORTBY", "distance", "LIMIT", 0, count,
        "RETURN", 4, "package", "section", "description", "distance", "DIALECT", 2,
    )
    taken = time.perf_counter() - began
    found = [[word.decode() for word in fields] for fields in reply[2::2]]
    return [dict(zip(fields[::2], fields[1::2])) for fields in found], taken


def report(found, taken, total):
    """Prints what was found, a package a line."""
    wide = max((len(one["package"]) for one in found), default=0)
    room = max(20, shutil.get_terminal_size().columns - wide - 26) if sys.stdout.isatty() else None
    for one in found:
        print(f"  {one['package']:{wide}}  {one['section']:12}  {float(one['distance']):.4f}  "
              f"{one['description'][:room]}")
    print(f"{len(found)} of {total:,} packages, in {taken * 1000:.2f} ms", flush=True)


class Shelf:
    """The packages on a server."""

    def __init__(self, connection, packages):
        self.connection = connection
        self.total = len(packages)
        # Of several versions of a package the first.
        self.by_name = {package["package"]: package for package in reversed(packages)}
        self.sections = sorted({package["section"] for package in packages})

    def complaint(self, name, section):
        """What is wrong with the question, if something is."""
        if name not in self.by_name:
            near = difflib.get_close_matches(name, self.by_name, 5, 0.5)
            return f"there is no package {name}; there is {', '.join(near) or 'none of a name like it'}"
        if section and section not in self.sections:
            return f"there is no section {section}; there are {', '.join(self.sections)}"
        return None

    def answer(self, name, section, count):
        """Prints the packages like this one; returns whether the question was a good one."""
        if complaint := self.complaint(name, section):
            print(f"demo: {complaint}", file=sys.stderr, flush=True)
            return False
        report(*search(self.connection, self.by_name[name], section, count), self.total)
        return True

    def converse(self, count):
        """Answers questions until there are no more."""
        while True:
            try:
                line = input("packages like " if sys.stdin.isatty() else "").strip()
            except (EOFError, KeyboardInterrupt):
                return
            if question := QUESTION.fullmatch(line):
                self.answer(*question.groups(), count)
            elif line:
                print("demo: ask for NAME or NAME in SECTION", file=sys.stderr, flush=True)


def add_arguments(parser):
    """What the demo can be told."""
    parser.add_argument("--like", metavar="NAME")
    parser.add_argument("--section")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--data", type=Path, default=Path(DATA), metavar="FOLDER")


def complaint(chosen):
    """What is wrong with what it was told, if something is."""
    if chosen.count < 1:
        return "--count is 1 or more"
    for name in ["packages.jsonl.gz", "base_f16.npy"]:
        if not (chosen.data / name).is_file():
            return f"there is no {chosen.data / name}"
    if chosen.section and not chosen.like:
        return "--section is for --like; ask for NAME in SECTION"
    return None


def show(running, chosen):
    """Answers the question, or all that are asked; returns the exit code."""
    packages, dimensions = read(chosen.data)
    connection = running.connect()
    load(connection, packages, dimensions)
    settle(running, len(packages))
    shelf = Shelf(connection, packages)
    if chosen.like:
        return 0 if shelf.answer(chosen.like, chosen.section, chosen.count) else 1
    print("Ask for NAME or NAME in SECTION, as vim in editors. Ctrl-D ends it.", file=sys.stderr)
    shelf.converse(chosen.count)
    return 0
