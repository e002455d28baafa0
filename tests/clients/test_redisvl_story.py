"""redisvl tells the story: an index over documents in JSON with tags, numbers, places and vectors. Filters
and series go through its client, which is redis-py. test_redisvl.py compares it with exact distances.
"""

import pytest
import redis
from redisvl.index import SearchIndex
from redisvl.query import CountQuery, FilterQuery, VectorQuery, VectorRangeQuery
from redisvl.query.filter import Geo, GeoRadius, Num, Tag
from story import EXPECTED, MESSAGES, MINUTE, PROTOCOL, SENSORS, STORY, URL, closed, key, samples

SCHEMA = {
    "index": {"name": "sensors", "prefix": "sensor", "storage_type": "json"},
    "fields": [
        {"name": "kind", "type": "tag"},
        {"name": "town", "type": "tag"},
        {"name": "labels", "type": "tag", "path": "$.labels[*]"},
        {"name": "floor", "type": "numeric", "attrs": {"sortable": True}},
        {"name": "readings", "type": "numeric"},
        {"name": "place", "type": "geo"},
        {"name": "signature", "type": "vector", "attrs": {
            "dims": 8, "algorithm": "hnsw", "distance_metric": "l2", "datatype": "float32"}},
    ],
}
SEARCHES = {
    "*": None,
    "@kind:{wind}": Tag("kind") == "wind",
    "@kind:{wind | rain} @floor:[2 4]": (Tag("kind") == ["wind", "rain"]) & Num("floor").between(2, 4),
    "@floor:[(4 +inf]": Num("floor") > 4,
    "-@labels:{roof}": Tag("labels") != "roof",
    "@labels:{old} @labels:{garden}": (Tag("labels") == "old") & (Tag("labels") == "garden"),
    "@place:[13.4 52.52 30 km]": Geo("place") == GeoRadius(13.4, 52.52, 30, "km"),
    "(@kind:{heat} @floor:[0 2]) | @town:{paris}":
        ((Tag("kind") == "heat") & (Num("floor") <= 2)) | (Tag("town") == "paris"),
}


@pytest.fixture
def sensors():
    client = redis.Redis.from_url(URL, **({"protocol": 2} if PROTOCOL == 2 else {}))
    client.flushall()
    index = SearchIndex.from_dict(SCHEMA, redis_client=client)
    index.create()
    documents = [{**document, "id": name} for name, document in SENSORS.items()]
    assert sorted(index.load(documents, id_field="id")) == [key(name) for name in SENSORS]
    return index


def names(found):
    return sorted(one["id"].removeprefix("sensor:") for one in found)


def test_searches(sensors):
    assert SEARCHES.keys() == EXPECTED["searches"].keys()
    for query, expression in SEARCHES.items():
        expected = EXPECTED["searches"][query]
        assert names(sensors.query(FilterQuery(filter_expression=expression, num_results=20))) == expected, query
        assert sensors.query(CountQuery(filter_expression=expression)) == len(expected)
    assert sensors.fetch("s05")["labels"] == SENSORS["s05"]["labels"]
    assert sensors.drop_keys("sensor:s03") == 1
    assert names(sensors.query(FilterQuery(filter_expression=SEARCHES["@kind:{wind}"]))) == ["s06", "s09", "s12"]


def test_the_nearest(sensors):
    for expression, expected in ((None, EXPECTED["nearest"]), (Tag("kind") == "rain", EXPECTED["nearest_rain"])):
        found = sensors.query(VectorQuery(STORY["query"], "signature", return_fields=["kind"],
                                          num_results=len(expected), filter_expression=expression))
        assert [[one["id"].removeprefix("sensor:"), float(one["vector_distance"])] for one in found] == expected
    inside = sensors.query(VectorRangeQuery(STORY["query"], "signature", distance_threshold=14.7))
    assert [one["id"] for one in inside] == [key(name) for name, _ in EXPECTED["nearest"][:2]]


def test_filters_and_series_of_its_client(sensors):
    client = sensors.client
    assert client.bf().create("seen", 0.0001, 1000)
    assert client.ts().create("value:s01") and client.ts().create("minute:s01")
    assert client.ts().createrule("value:s01", "minute:s01", "avg", MINUTE)
    repeated = []
    for message in MESSAGES:
        if not client.bf().add("seen", message["id"]):
            repeated.append(message["id"])
        elif message["sensor"] == "s01":
            client.json().numincrby(key("s01"), "$.readings", 1)
            client.ts().add("value:s01", message["time"], message["value"])
    assert repeated == EXPECTED["repeated"]
    assert names(sensors.query(FilterQuery(filter_expression=Num("readings") == 16))) == ["s01"]
    assert [tuple(one) for one in client.ts().range("value:s01", "-", "+")] == samples("s01")
    assert [tuple(one) for one in client.ts().range("minute:s01", "-", "+")] == closed("s01")
