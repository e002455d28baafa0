"""The graph in a process of its own, beside hnswlib and faiss: one thread, programs in turns."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ..measure import say
from ..server import ROOT
from . import vectors
from .sweep import Point, best

ROUNDS = 2
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


def measure(name):
    """Figures of every program by its label, on the set `name`."""
    with tempfile.TemporaryDirectory(prefix="keyspan-bench-") as folder:
        data = getattr(vectors, name)()
        vectors.write(data, Path(folder))
        samples = {}
        for number in range(ROUNDS):
            for label, line, options in programs(folder, len(data.base)):
                say(f"{name}: round {number + 1}, {label}")
                samples.setdefault(label, []).append(run(line, options))
    return {label: merged(found) for label, found in samples.items()}


def programs(folder, count):
    """Label, command line and environment of each program there is."""
    for label, words in OURS.items():
        yield label, (*ours(), folder, str(count), *words), {}
    for label, kind in PEERS.items():
        path = {}
        if label.endswith("AVX2"):
            if not AVX2.is_dir():
                continue
            path = {"PYTHONPATH": f"{AVX2}:{os.environ['PYTHONPATH']}"}
        yield label, (sys.executable, "-m", "benchmarks.search.peers", kind, folder, str(count)), path


def ours():
    """The core crate's program."""
    return "cargo", "run", "--release", "--quiet", "--package", "keyspan-search-core", "--example", "vectors", "--"


def run(line, options):
    """Runs a program and reads what it prints."""
    threads = {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
                          env=os.environ | threads | options)
    build, load = BUILD.search(done.stdout), LOAD.search(done.stdout)
    points = [Point(int(ef), float(recall), float(cost)) for ef, recall, cost in SWEPT.findall(done.stdout)]
    return Core(int(build[1]), float(build[2]), load and float(load[1]), build[4] and int(build[4]), points)


def merged(samples):
    """The least of each figure."""
    loads = [sample.load for sample in samples if sample.load is not None]
    points = best([sample.points for sample in samples])
    build = min(sample.build for sample in samples)
    return Core(samples[0].count, build, min(loads, default=None), samples[0].beside, points)


def growth():
    """Figures of our graph by label and count, of counts that double; 128 elements."""
    found = {}
    count = GROWTH_FIRST
    with tempfile.TemporaryDirectory(prefix="keyspan-bench-") as folder:
        while count <= GROWTH:
            vectors.write(vectors.wide(count, 128), Path(folder))
            for label in ("Keyspan", "Keyspan SQ8"):
                say(f"growth: {count}, {label}")
                found[label, count] = run((*ours(), folder, str(count), *OURS[label]), {})
            count *= 2
    return found
