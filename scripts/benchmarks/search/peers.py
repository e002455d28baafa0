"""A program: hnswlib or faiss on one thread, asked with each ef that comes in by a line; prints what the core
crate's program prints.

`python -m benchmarks.search.peers hnswlib|faiss|faiss-sq8 DIRECTORY COUNT`
"""

import sys
import time
from pathlib import Path

import numpy

from .vectors import K, Vectors, unit

M, EF_CONSTRUCTION = 16, 200


class Hnswlib:
    """The index of hnswlib."""

    def __init__(self, dimension):
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=dimension)

    def build(self, base):
        """Adds all rows."""
        self.index.init_index(max_elements=len(base), ef_construction=EF_CONSTRUCTION, M=M)
        self.index.add_items(base, num_threads=1)

    def search(self, queries, ef):
        """Numbers of the nearest."""
        self.index.set_ef(ef)
        return self.index.knn_query(queries, k=K, num_threads=1)[0]


class Faiss:
    """The graphs of faiss, over floats or over one byte an element."""

    def __init__(self, dimension, is_coded=False):
        import faiss

        faiss.omp_set_num_threads(1)
        if is_coded:
            kind = faiss.ScalarQuantizer.QT_8bit
            self.index = faiss.IndexHNSWSQ(dimension, kind, M, faiss.METRIC_INNER_PRODUCT)
        else:
            self.index = faiss.IndexHNSWFlat(dimension, M, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = EF_CONSTRUCTION

    def build(self, base):
        """Adds all rows."""
        if not self.index.is_trained:
            self.index.train(base)
        self.index.add(base)

    def search(self, queries, ef):
        """Numbers of the nearest."""
        self.index.hnsw.efSearch = ef
        return self.index.search(queries, K)[1]


KINDS = {"hnswlib": Hnswlib, "faiss": Faiss, "faiss-sq8": lambda dimension: Faiss(dimension, True)}


def main():
    """Builds, asks, prints."""
    kind, directory, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    base = unit(numpy.load(directory / "base_f16.npy")[:count].astype(numpy.float32))
    queries = unit(numpy.load(directory / "query_f32.npy"))
    truth = Vectors(base, queries, "COSINE").truth()
    index = KINDS[kind](base.shape[1])
    start = time.thread_time()
    index.build(base)
    print(f"{len(base)} vectors: build {(time.thread_time() - start) * 1e6 / len(base):.1f} us/vector")
    print("ready", flush=True)
    for line in sys.stdin:
        recall, cost = asked(index, queries, truth, int(line))
        print(f"{int(line)} {recall:.4f} {cost:.1f}", flush=True)


def asked(index, queries, truth, ef):
    """Recall, and the CPU time of a query in microseconds."""
    start = time.thread_time()
    found = index.search(queries, ef)
    cost = (time.thread_time() - start) * 1e6 / len(queries)
    hits = sum(len(wanted & set(row.tolist())) for wanted, row in zip(truth, found))
    return hits / (K * len(queries)), cost


if __name__ == "__main__":
    main()
