"""The graph in a process of its own, beside hnswlib and faiss: one thread, programs in turns at each ef."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from ..measure import say
from ..server import ROOT
from . import vectors
from .sweep import Point, best

# Each program builds so many times, and asks all queries with each ef so many times after each.
BUILDS, TURNS = 2, 3
EF = (10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 400)
AVX2 = ROOT / ".cache" / "hnswlib-avx2"
OURS = {"Keyspan": ("none", "best"), "Keyspan SQ8": ("sq8", "best"), "Keyspan, AVX2": ("none", "avx2")}
PEERS = {"hnswlib": "hnswlib", "hnswlib, AVX2": "hnswlib", "faiss": "faiss", "faiss SQ8": "faiss-sq8"}
BUILD = re.compile(r"^(\d+) vectors: build ([0-9.]+) us/vector(?:, (\d+) B/vector, (\d+) B besides rows)?", re.MULTILINE)
SWEPT = re.compile(r"^(\d+) ([0-9.]+) ([0-9.]+)$", re.MULTILINE)
LOAD = re.compile(r"^load ([0-9.]+) us/vector", re.MULTILINE)
GROWTH = int(os.environ.get("KEYSPAN_BENCH_GROWTH", "1000000"))
GROWTH_FIRST = 10_000


@dataclass
class Core:
    """What one program took with `count` vectors: microseconds a vector to build and to load (None where
    it was not measured), bytes a vector beside the rows (likewise), and a sweep."""

    count: int
    build: float
    load: float | None = None
    beside: int | None = None
    points: list = field(default_factory=list)


class Program:
    """A program that has built and waits to be asked."""

    def __init__(self, line, options):
        self.process = subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment(options))
        self.core = parsed("".join(takewhile(lambda line: line != "ready\n", self.process.stdout)))

    def ask(self, ef):
        """Adds a point of the sweep."""
        self.process.stdin.write(f"{ef}\n")
        self.process.stdin.flush()
        self.core.points += points(self.process.stdout.readline())

    def quit(self):
        """Lets the program end."""
        self.process.stdin.close()
        self.process.wait()


def measure(name):
    """Figures of every program by its label, on the set `name`."""
    with tempfile.TemporaryDirectory(prefix="keyspan-bench-") as folder:
        data = getattr(vectors, name)()
        vectors.write(data, Path(folder))
        samples = {}
        for number in range(BUILDS):
            running = {}
            for label, line, options in programs(folder, len(data.base)):
                say(f"{name}: build {number + 1}, {label}")
                running[label] = Program(line, options)
            say(f"{name}: searches in turns")
            for ef in EF * TURNS:
                for program in running.values():
                    program.ask(ef)
            for label, program in running.items():
                program.quit()
                samples.setdefault(label, []).append(program.core)
    return {label: merged(found) for label, found in samples.items()}


def programs(folder, count):
    """Label, command line and environment of each program there is."""
    for label, words in OURS.items():
        yield label, (*ours(), folder, str(count), *words, "turns"), {}
    for label, kind in PEERS.items():
        path = {}
        if label.endswith("AVX2"):
            if not AVX2.is_dir():
                continue
            path = {"PYTHONPATH": f"{AVX2}:{os.environ['PYTHONPATH']}"}
        yield label, (sys.executable, "-m", "benchmarks.search.peers", kind, folder, str(count)), path


def ours():
    """The core crate's program."""
    return example("vectors")


def example(name):
    """A program of the core crate, to be followed by its arguments."""
    return "cargo", "run", "--release", "--quiet", "--package", "keyspan-search-core", "--example", name, "--"


def environment(options):
    """What programs see: one thread."""
    return os.environ | {"OMP_NUM_THREADS": "1"} | options


def run(line, options):
    """Runs a program and reads what it prints."""
    done = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, env=environment(options))
    return parsed(done.stdout)


def parsed(text):
    """The figures that a program printed."""
    build, load = BUILD.search(text), LOAD.search(text)
    if not build:
        raise ValueError(f"no figures in {text!r}")
    return Core(int(build[1]), float(build[2]), load and float(load[1]), build[4] and int(build[4]), points(text))


def points(text):
    """The points of a sweep."""
    return [Point(int(ef), float(recall), float(cost)) for ef, recall, cost in SWEPT.findall(text)]


def merged(samples):
    """The least of each figure."""
    loads = [sample.load for sample in samples if sample.load is not None]
    points = best([sample.points for sample in samples])
    build = min(sample.build for sample in samples)
    return Core(samples[0].count, build, min(loads, default=None), samples[0].beside, points)


def growth():
    """Figures of our graph by label and count, of counts that double up to GROWTH; 128 elements."""
    found = {}
    count = GROWTH_FIRST
    with tempfile.TemporaryDirectory(prefix="keyspan-bench-") as folder:
        while count <= GROWTH:
            vectors.write(vectors.wide(count, 128), Path(folder))
            for label in ("Keyspan", "Keyspan SQ8"):
                say(f"growth: {count}, {label}")
                found[label, count] = run((*ours(), folder, str(count), *OURS[label]), {})
            # The largest is measured whether or not doubling meets it.
            count = min(2 * count, GROWTH) if count < GROWTH else GROWTH + 1
    return found
