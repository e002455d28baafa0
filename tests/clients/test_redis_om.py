"""redis-om-python: models kept as JSON or as hashes, found by expressions. It asks COMMAND INFO whether
there is JSON and search. Filters and series it does not have: its connection is redis-py's, and does them.

It speaks what the redis-py it brings does: RESP3 by default, RESP2 if its address says so.
"""

import os
from typing import List, Optional

import pytest
from story import EXPECTED, MESSAGES, MINUTE, PROTOCOL, QUERY, SENSORS, URL, closed, samples

os.environ["REDIS_OM_URL"] = URL + ("?protocol=2" if PROTOCOL == 2 else "")

import redis_om  # noqa: E402
from redis_om import (EmbeddedJsonModel, Field, HashModel, JsonModel, KNNExpression, Migrator,  # noqa: E402
                      NotFoundError, VectorFieldOptions)
from redis_om.checks import has_redis_json, has_redisearch  # noqa: E402

SIGNATURE = VectorFieldOptions.hnsw(
    type=VectorFieldOptions.TYPE.FLOAT32, dimension=8, m=8,
    distance_metric=VectorFieldOptions.DISTANCE_METRIC.L2)


class Limits(EmbeddedJsonModel, index=True):
    low: int
    high: float = Field(index=True)


class Sensor(JsonModel, index=True):
    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    kind: str = Field(index=True)
    town: str = Field(index=True)
    floor: int = Field(index=True, sortable=True)
    labels: List[str] = Field(index=True)
    limits: Limits
    active: bool
    readings: int = Field(index=True)
    signature: List[float] = Field([], vector_options=SIGNATURE)
    distance: Optional[float] = None


class Room(HashModel, index=True):
    name: str = Field(index=True)
    floor: int = Field(index=True, sortable=True)


@pytest.fixture
def sensors():
    redis_om.get_redis_connection().flushall()
    Migrator().run()
    for name, document in SENSORS.items():
        one = {field: value for field, value in document.items() if field != "place"}
        Sensor(id=name, **one).save()
    return Sensor


def ids(found):
    return sorted(one.id for one in found)


def test_checks_are_satisfied():
    connection = redis_om.get_redis_connection()
    assert has_redis_json(connection) and has_redisearch(connection)


def test_models(sensors):
    one = Sensor.get("s01")
    assert one.limits == Limits(low=-1, high=1.5) and one.signature == SENSORS["s01"]["signature"]
    one.update(floor=7, limits__high=9.5)
    again = Sensor.get("s01")
    assert (again.floor, again.limits.high) == (7, 9.5)
    assert ids(Sensor.find(Sensor.limits.high > 9).all()) == ["s01", "s09", "s10", "s11", "s12"]
    assert Sensor.delete("s01") == 1
    with pytest.raises(NotFoundError):
        Sensor.get("s01")
    assert sorted(Sensor.all_pks()) == sorted(SENSORS)[1:]


def test_expressions(sensors):
    searches = EXPECTED["searches"]
    for expression, query in [
        (Sensor.kind == "wind", "@kind:{wind}"),
        ((Sensor.kind << ["wind", "rain"]) & (Sensor.floor >= 2) & (Sensor.floor <= 4),
         "@kind:{wind | rain} @floor:[2 4]"),
        (Sensor.floor > 4, "@floor:[(4 +inf]"),
        (~(Sensor.labels << "roof"), "-@labels:{roof}"),
        ((Sensor.labels << "old") & (Sensor.labels << "garden"), "@labels:{old} @labels:{garden}"),
        (((Sensor.kind == "heat") & (Sensor.floor <= 2)) | (Sensor.town == "paris"),
         "(@kind:{heat} @floor:[0 2]) | @town:{paris}"),
    ]:
        assert ids(Sensor.find(expression).all()) == searches[query], query
    assert ids(Sensor.find().all(batch_size=5)) == searches["*"]
    assert Sensor.find(Sensor.kind == "wind").count() == 4
    assert [one.floor for one in Sensor.find().sort_by("-floor").page(0, 3)] == [5, 5, 4]
    assert Sensor.find(Sensor.name == "sensor 7").first().id == "s07"
    assert Sensor.find(Sensor.kind == "rain").sort_by("floor").values("floor", "kind").all() == [
        {"floor": floor, "kind": "rain"}
        for floor in sorted(one["floor"] for one in SENSORS.values() if one["kind"] == "rain")]
    assert Sensor.find(Sensor.town == "rome").count() == 0


def test_the_nearest(sensors):
    for expression, expected in ((None, EXPECTED["nearest"]), (Sensor.kind == "rain", EXPECTED["nearest_rain"])):
        knn = KNNExpression(k=len(expected), vector_field=Sensor.signature, reference_vector=QUERY,
                            score_field=Sensor.distance)
        found = Sensor.find(*([] if expression is None else [expression]), knn=knn).all()
        assert [[one.id, one.distance] for one in found] == expected


def test_changes_of_many(sensors):
    Sensor.find(Sensor.kind == "wind").update(readings=16)
    assert ids(Sensor.find(Sensor.readings == 16).all()) == EXPECTED["searches"]["@kind:{wind}"]
    assert Sensor.find(Sensor.kind == "rain").delete() == 4
    assert len(Sensor.find().all()) == len(SENSORS) - 4


def test_hashes(sensors):
    for floor in range(6):
        Room(name=f"room {floor}", floor=floor).save()
    found = Room.find((Room.floor > 1) & (Room.floor != 3)).sort_by("floor").all()
    assert [one.name for one in found] == ["room 2", "room 4", "room 5"]
    assert Room.find(Room.name == "room 3").first().floor == 3


def test_an_index_follows_its_model(sensors):
    """The migrator notices by a hash of the schema that nothing is to be done, and else makes the index
    again."""
    before = Sensor.db().ft(Sensor.Meta.index_name).info()["num_docs"]
    Migrator().run()
    assert Sensor.db().ft(Sensor.Meta.index_name).info()["num_docs"] == before
    Sensor.db().ft(Sensor.Meta.index_name).dropindex()
    Sensor.db().delete(f"{Sensor.Meta.index_name}:hash")
    Migrator().run()
    assert len(Sensor.find().all()) == len(SENSORS)


def test_filters_and_series_of_its_connection(sensors):
    connection = Sensor.db()
    assert connection.bf().create("seen", 0.0001, 1000)
    assert connection.ts().create("value:s01") and connection.ts().create("minute:s01")
    assert connection.ts().createrule("value:s01", "minute:s01", "avg", MINUTE)
    repeated = []
    for message in MESSAGES:
        if not connection.bf().add("seen", message["id"]):
            repeated.append(message["id"])
        elif message["sensor"] == "s01":
            connection.ts().add("value:s01", message["time"], message["value"])
            one = Sensor.get("s01")
            one.update(readings=one.readings + 1)
    assert repeated == EXPECTED["repeated"]
    assert Sensor.get("s01").readings == EXPECTED["readings"]["s01"]
    assert [tuple(one) for one in connection.ts().range("value:s01", "-", "+")] == samples("s01")
    assert [tuple(one) for one in connection.ts().range("minute:s01", "-", "+")] == closed("s01")
