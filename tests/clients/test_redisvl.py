"""redisvl as PyPI has it, over a thousand Debian packages: what it answers is compared with exact
distances, tags and numbers computed here.

Run by scripts/clients, which says in KEYSPAN_URL where the server is and in KEYSPAN_PROTOCOL which
RESP to speak.
"""

import asyncio
import gzip
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import redis
from redisvl.index import AsyncSearchIndex, SearchIndex
from redisvl.query import CountQuery, FilterQuery, VectorQuery, VectorRangeQuery
from redisvl.query.filter import Num, Tag

URL, PROTOCOL = os.environ["KEYSPAN_URL"], int(os.environ["KEYSPAN_PROTOCOL"])
DATA = Path(__file__).resolve().parent.parent / "fixtures" / "debian384"
BASE = np.load(DATA / "base_f16.npy").astype(np.float32)
QUERIES = np.load(DATA / "query_f32.npy")
with gzip.open(DATA / "packages.jsonl.gz", "rt", encoding="utf-8") as lines:
    PACKAGES = [json.loads(line) for line in lines][: len(BASE)]
SECTION = np.array([package["section"] for package in PACKAGES])
INSTALLED = np.array([package["installed_kib"] for package in PACKAGES])
# Cosine distances of each query to each package.
FAR = 1 - (QUERIES / np.linalg.norm(QUERIES, axis=1, keepdims=True)) @ (
    BASE / np.linalg.norm(BASE, axis=1, keepdims=True)).T

# Half-precision numbers are sums of few bits: a query rounded to them moves distances by this much.
ROUNDING = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-5}
# storage, algorithm, type of the numbers
INDEXES = [("hash", "hnsw", "float32"), ("hash", "flat", "float16"),
           ("json", "hnsw", "float32"), ("json", "flat", "float64")]


def connection(client=redis.Redis):
    """What an index is given to reach the server: redisvl's own client speaks RESP2."""
    if PROTOCOL == 2:
        return {"redis_url": URL}
    return {"redis_client": client.from_url(URL, protocol=PROTOCOL, legacy_responses=False)}


def schema(name, storage, algorithm, dtype):
    """The definition of an index over packages, as redisvl reads it."""
    attributes = {"algorithm": algorithm, "dims": 384, "distance_metric": "cosine", "datatype": dtype}
    if algorithm == "hnsw":
        attributes |= {"m": 16, "ef_construction": 200, "ef_runtime": 100}
    return {
        "index": {"name": name, "prefix": name, "storage_type": storage},
        "fields": [
            {"name": "package", "type": "tag"},
            {"name": "section", "type": "tag"},
            {"name": "installed_kib", "type": "numeric", "attrs": {"sortable": True}},
            {"name": "embedding", "type": "vector", "attrs": attributes},
        ],
    }


def document(row, storage, dtype):
    """Package `row` as redisvl loads it: a vector is a blob in a hash and a list in JSON."""
    vector = BASE[row]
    return {**PACKAGES[row], "id": str(row),
            "embedding": vector.tolist() if storage == "json" else vector.astype(dtype).tobytes()}


def filled(name, kind, rows):
    """A new index over `rows` of the packages."""
    storage, _, dtype = kind
    index = SearchIndex.from_dict(schema(name, *kind), **connection())
    index.create(overwrite=True, drop=True)
    keys = index.load([document(row, storage, dtype) for row in rows], id_field="id")
    assert keys == [f"{name}:{row}" for row in rows]
    return index


@pytest.fixture(scope="module", params=INDEXES, ids="-".join)
def packages(request):
    """An index over all packages, with the type of its numbers; not to be changed."""
    index = filled("packages-" + "-".join(request.param), request.param, range(len(BASE)))
    yield index, request.param[2]
    index.delete(drop=True)


@pytest.fixture(params=INDEXES, ids="-".join)
def few(request):
    """An index over the first hundred packages, to be changed, with its storage and type of numbers."""
    index = filled("few", request.param, range(100))
    yield index, request.param[0], request.param[2]
    if index.exists():
        index.delete(drop=True)


def row_of(found):
    return int(found["id"].rsplit(":", 1)[1])


def nearest(query, allowed, k):
    """The rows of the `k` nearest packages that are `allowed`."""
    rows = np.flatnonzero(allowed)
    return rows[np.argsort(FAR[query][rows], kind="stable")[:k]]


def knn(query, dtype, **more):
    return VectorQuery(QUERIES[query].tolist(), "embedding", dtype=dtype,
                       return_fields=["package", "section", "installed_kib"], **more)


def check_knn(packages, allowed, filter_expression, k):
    """Compares the `k` nearest of every query with the truth."""
    index, dtype = packages
    hits = wanted = 0
    for query in range(len(QUERIES)):
        found = index.query(knn(query, dtype, num_results=k, filter_expression=filter_expression))
        truth = nearest(query, allowed, k)
        assert len(found) == len(truth)
        distances = [float(one["vector_distance"]) for one in found]
        assert distances == sorted(distances)
        for one, distance in zip(found, distances):
            row = row_of(one)
            assert allowed[row]
            assert abs(distance - FAR[query][row]) < ROUNDING[dtype]
            assert one["package"] == PACKAGES[row]["package"]
            assert one["section"] == PACKAGES[row]["section"]
            assert float(one["installed_kib"]) == PACKAGES[row]["installed_kib"]
        # As near as the truth, not the same rows: two packages may be equally far.
        limit = max(FAR[query][truth], default=0) + ROUNDING[dtype]
        hits += sum(FAR[query][row_of(one)] <= limit for one in found)
        wanted += len(truth)
    assert hits >= wanted * (1 if "flat" in index.name else 0.98)


# Some packages are exactly as large as the bounds.
EVERY = np.ones(len(BASE), dtype=bool)
FILTERS = {
    "none": (None, EVERY),
    "tag": (Tag("section") == "editors", SECTION == "editors"),
    "tags": (Tag("section") == ["vcs", "shells"], np.isin(SECTION, ["vcs", "shells"])),
    "not-tag": (Tag("section") != "editors", SECTION != "editors"),
    "less": (Num("installed_kib") < 101, INSTALLED < 101),
    "between": (Num("installed_kib").between(205, 1008), (INSTALLED >= 205) & (INSTALLED <= 1008)),
    "and": ((Tag("section") == "mail") & (Num("installed_kib") >= 1000),
            (SECTION == "mail") & (INSTALLED >= 1000)),
    "or": ((Tag("section") == "httpd") | (Num("installed_kib") > 20287),
           (SECTION == "httpd") | (INSTALLED > 20287)),
    "few": ((Tag("section") == "shells") & (Num("installed_kib") > 1000),
            (SECTION == "shells") & (INSTALLED > 1000)),
    "nothing": (Tag("section") == "games", SECTION == "games"),
}


def test_create_and_info(packages):
    index, _ = packages
    assert index.exists()
    assert index.name in index.listall()
    info = index.info()
    assert info["index_name"] == index.name
    assert int(info["num_docs"]) == len(BASE)
    assert int(info["hash_indexing_failures"]) == 0


def test_from_existing(packages):
    index, _ = packages
    again = SearchIndex.from_existing(index.name, **connection())
    assert again.storage_type == index.storage_type
    assert again.prefix == index.prefix
    ours, theirs = ({field["name"]: field["type"] for field in one.schema.to_dict()["fields"]}
                    for one in (index, again))
    assert {name.removeprefix("$."): kind for name, kind in theirs.items()} == ours
    vector = [field for field in again.schema.fields.values() if field.type == "vector"][0]
    wanted = index.schema.fields["embedding"]
    # EF_RUNTIME is not among what FT.INFO tells, here and in RediSearch.
    assert vector.attrs.model_dump(exclude={"ef_runtime"}) == wanted.attrs.model_dump(exclude={"ef_runtime"})


@pytest.mark.parametrize("name", FILTERS)
def test_knn(packages, name):
    expression, allowed = FILTERS[name]
    check_knn(packages, allowed, expression, 10)


def test_knn_of_all(packages):
    # redisvl asks for ten unless told otherwise, the server for ten unless there is a LIMIT.
    check_knn(packages, SECTION == "vcs", Tag("section") == "vcs", len(BASE))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("radius", [0.3, 0.6])
def test_range(packages, name, radius):
    index, dtype = packages
    expression, allowed = FILTERS[name]
    found_all = sure_all = 0
    for query in range(len(QUERIES)):
        ask = VectorRangeQuery(QUERIES[query].tolist(), "embedding", dtype=dtype, distance_threshold=radius,
                               filter_expression=expression, num_results=len(BASE))
        found = {row_of(one): float(one["vector_distance"]) for one in index.query(ask)}
        for row, distance in found.items():
            assert allowed[row]
            assert distance <= radius
            assert abs(distance - FAR[query][row]) < ROUNDING[dtype]
        sure = set(np.flatnonzero(allowed & (FAR[query] < radius - ROUNDING[dtype])))
        found_all += len(sure & set(found))
        sure_all += len(sure)
    assert found_all >= sure_all * (1 if "flat" in index.name else 0.98)


@pytest.mark.parametrize("name", FILTERS)
def test_filter_and_count(packages, name):
    index, _ = packages
    expression, allowed = FILTERS[name]
    found = index.query(FilterQuery(return_fields=["package"], filter_expression=expression,
                                    num_results=len(BASE)))
    assert sorted(row_of(one) for one in found) == list(np.flatnonzero(allowed))
    assert all(one["package"] == PACKAGES[row_of(one)]["package"] for one in found)
    assert index.query(CountQuery(expression)) == allowed.sum()


def test_sorted(packages):
    index, _ = packages
    for direction, largest in [("ASC", 1), ("DESC", -1)]:
        found = index.query(FilterQuery(return_fields=["installed_kib"], num_results=50,
                                        filter_expression=Tag("section") == "editors",
                                        sort_by=("installed_kib", direction)))
        sizes = [int(float(one["installed_kib"])) for one in found]
        assert sizes == sorted(INSTALLED[SECTION == "editors"], key=lambda size: largest * size)[:50]


def test_paginate_filter(packages):
    index, _ = packages
    ask = FilterQuery(return_fields=["package"], filter_expression=Tag("section") == "mail",
                      sort_by="installed_kib")
    pages = [[row_of(one) for one in page] for page in index.paginate(ask, page_size=30)]
    rows = [row for page in pages for row in page]
    assert all(len(page) == 30 for page in pages[:-1])
    assert sorted(rows) == list(np.flatnonzero(SECTION == "mail"))
    assert list(INSTALLED[rows]) == sorted(INSTALLED[rows])


def test_paginate_knn(packages):
    index, dtype = packages
    ask = knn(0, dtype, num_results=45, filter_expression=Tag("section") == "database")
    pages = list(index.paginate(ask, page_size=20))
    assert [len(page) for page in pages] == [20, 20, 5]
    distances = [float(one["vector_distance"]) for page in pages for one in page]
    truth = FAR[0][nearest(0, SECTION == "database", 45)]
    assert np.abs(np.array(distances) - truth).max() < ROUNDING[dtype]


def test_batch(packages):
    index, dtype = packages
    asked = [knn(query, dtype, num_results=5) for query in range(len(QUERIES))]
    assert index.batch_query(asked, batch_size=7) == [index.query(one) for one in asked]


@pytest.mark.parametrize("policy", ["BATCHES", "ADHOC_BF"])
def test_hybrid_policy(packages, policy):
    index, dtype = packages
    found = index.query(knn(1, dtype, num_results=10, hybrid_policy=policy,
                            filter_expression=Tag("section") == "editors"))
    distances = np.array([float(one["vector_distance"]) for one in found])
    truth = FAR[1][nearest(1, SECTION == "editors", 10)]
    assert np.abs(distances - truth).max() < ROUNDING[dtype]


def test_async(packages):
    index, dtype = packages

    async def ask():
        async with AsyncSearchIndex(index.schema, **connection(redis.asyncio.Redis)) as other:
            return await other.exists(), await other.query(knn(2, dtype, num_results=10))

    assert asyncio.run(ask()) == (True, index.query(knn(2, dtype, num_results=10)))


def test_fetch(few):
    index, _, _ = few
    assert index.fetch("7")["package"] == PACKAGES[7]["package"]
    assert not index.fetch("100")


def test_a_loaded_again_package_moves(few):
    index, storage, dtype = few
    moved = {**document(7, storage, dtype), "section": "games",
             "embedding": document(500, storage, dtype)["embedding"]}
    index.load([moved], id_field="id")
    assert int(index.info()["num_docs"]) == 100
    ask = VectorQuery(BASE[500].tolist(), "embedding", dtype=dtype, num_results=1)
    found = index.query(ask)
    assert row_of(found[0]) == 7
    assert abs(float(found[0]["vector_distance"])) < ROUNDING[dtype]
    assert index.query(CountQuery(Tag("section") == "games")) == 1


def test_dropped_packages_are_gone(few):
    index, _, dtype = few
    assert index.drop_keys(index.key("7")) == 1
    assert index.drop_documents(["8", "9"]) == 2
    found = index.query(knn(0, dtype, num_results=100))
    assert sorted(row_of(one) for one in found) == [row for row in range(100) if row not in (7, 8, 9)]
    assert int(index.info()["num_docs"]) == 97


def test_expired_packages_are_gone(few):
    index, _, dtype = few
    index.expire_keys(index.key("7"), -1)
    found = index.query(knn(0, dtype, num_results=100))
    assert sorted(row_of(one) for one in found) == [row for row in range(100) if row != 7]


def test_drop_by_filter(few):
    index, _, _ = few
    done = index.drop_by_filter(Tag("section") == "editors")
    assert done.completed
    assert done.processed == (SECTION[:100] == "editors").sum()
    assert index.query(CountQuery()) == (SECTION[:100] != "editors").sum()


def test_clear(few):
    index, storage, dtype = few
    assert index.clear() == 100
    assert index.exists()
    assert index.query(knn(0, dtype, num_results=10)) == []
    index.load([document(3, storage, dtype)], id_field="id")
    assert [row_of(one) for one in index.query(knn(0, dtype, num_results=10))] == [3]


@pytest.mark.parametrize("drop", [True, False])
def test_delete(few, drop):
    index, _, _ = few
    index.delete(drop=drop)
    assert not index.exists()
    assert index.name not in index.listall()
    left = list(index.client.scan_iter("few:*", count=1000))
    assert len(left) == (0 if drop else 100)
    for key in left:
        index.client.delete(key)


def test_an_index_over_keys_that_are_there(few):
    index, _, dtype = few
    index.create(overwrite=True, drop=False)
    deadline = time.monotonic() + 20
    while float(index.info()["percent_indexed"]) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    found = index.query(knn(0, dtype, num_results=100))
    assert sorted(row_of(one) for one in found) == list(range(100))
