"""The sets of vectors: real ones in NumPy's files, and synthetic ones from fixed seeds."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy

from ..server import ROOT

K = 10
SEED = 384
# Documents of a set, if there are as many.
COUNT = int(os.environ.get("KEYSPAN_BENCH_VECTORS", "50000"))
QUERIES = int(os.environ.get("KEYSPAN_BENCH_QUERIES", "1000"))
CLUSTERED = 100_000
SUBSET = ROOT / "tests" / "fixtures" / "debian384"


@dataclass(frozen=True)
class Vectors:
    """Rows and queries as four-byte floats, and the metric: COSINE or L2."""

    base: numpy.ndarray
    queries: numpy.ndarray
    metric: str

    @property
    def dimension(self):
        """Elements of a vector."""
        return self.base.shape[1]

    def distances(self, query):
        """An order-preserving distance of every row from `query`."""
        if self.metric == "COSINE":
            return -(self.base @ query)
        return numpy.square(self.base - query).sum(axis=1)

    def truth(self, allowed=None):
        """For each query the numbers of the K nearest rows, of all or of those in `allowed`."""
        rows = numpy.arange(len(self.base)) if allowed is None else numpy.asarray(allowed)
        return [set(rows[numpy.argsort(self.distances(query)[rows], kind="stable")[:K]].tolist()) for query in self.queries]


def directory():
    """Where debian384 is: KEYSPAN_DEBIAN384, or the subset among the fixtures."""
    return Path(os.environ.get("KEYSPAN_DEBIAN384", SUBSET))


def debian():
    """Embeddings of Debian's packages, 384 elements."""
    base = numpy.load(directory() / "base_f16.npy")[:COUNT].astype(numpy.float32)
    queries = numpy.load(directory() / "query_f32.npy")[:QUERIES]
    return Vectors(unit(base), unit(queries), "COSINE")


def clustered(count=None, dimension=128):
    """Points around centres, not normalised, for L2."""
    count = min(CLUSTERED, 2 * COUNT) if count is None else count
    base, queries = around_centres(count, QUERIES, dimension)
    return Vectors(base, queries, "L2")


def wide(count=None, dimension=768):
    """Points around centres, normalised; rounded to two-byte floats, as files hold them."""
    base, queries = around_centres(min(20_000, COUNT) if count is None else count, QUERIES, dimension)
    return Vectors(unit(base).astype(numpy.float16).astype(numpy.float32), unit(queries), "COSINE")


def around_centres(count, queries, dimension):
    """Rows and queries, drawn alike."""
    rng = numpy.random.default_rng(SEED)
    centres = rng.standard_normal((max(count // 100, 1), dimension), dtype=numpy.float32)
    owner = rng.integers(0, len(centres), count + queries)
    points = centres[owner] + 0.6 * rng.standard_normal((count + queries, dimension), dtype=numpy.float32)
    return points[:count], points[count:]


def unit(rows):
    """The rows with length 1."""
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def write(vectors, folder):
    """Writes the files that the programs of the core crate read."""
    numpy.save(folder / "base_f16.npy", vectors.base.astype(numpy.float16))
    numpy.save(folder / "query_f32.npy", vectors.queries)
