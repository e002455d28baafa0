"""redis-py and valkey-py, whose calls are of one origin: KEYSPAN_CLIENT says which.

redis-py speaks RESP3 as it is made by default (its replies then have the shapes of RESP2), and RESP2 if
asked to. valkey-py speaks RESP2.
"""

import asyncio
import os
from importlib import import_module

import pytest
from story import (CLUSTER_URL, EXPECTED, FIRST, LAST, MESSAGES, MINUTE, MODULES, PROTOCOL, QUERY, SENSORS,
                   URL, blob, closed, key, samples)

NAME = os.environ["KEYSPAN_CLIENT"]
client = import_module(NAME)
fields = import_module(f"{NAME}.commands.search.field")
Query = import_module(f"{NAME}.commands.search.query").Query
definition = import_module(
    f"{NAME}.commands.search." + {"redis": "index_definition", "valkey": "indexDefinition"}[NAME])
Client = {"redis": "Redis", "valkey": "Valkey"}[NAME]
OPTIONS = {"decode_responses": True} | ({"protocol": 2} if PROTOCOL == 2 else {})

FIELDS = [
    fields.TagField("$.kind", as_name="kind"),
    fields.TagField("$.town", as_name="town"),
    fields.TagField("$.labels[*]", as_name="labels"),
    fields.NumericField("$.floor", as_name="floor", sortable=True),
    fields.NumericField("$.readings", as_name="readings"),
    fields.GeoField("$.place", as_name="place"),
    fields.VectorField("$.signature", "HNSW", {
        "TYPE": "FLOAT32", "DIM": 8, "DISTANCE_METRIC": "L2", "M": 8, "EF_CONSTRUCTION": 64,
    }, as_name="signature"),
]


@pytest.fixture
def server():
    one = getattr(client, Client).from_url(URL, **OPTIONS)
    one.flushall()
    yield one
    one.close()


@pytest.fixture
def sensors(server):
    """A server with the documents of all sensors and an index over them."""
    server.ft("sensors").create_index(FIELDS, definition=definition.IndexDefinition(
        prefix=["sensor:"], index_type=definition.IndexType.JSON))
    with server.pipeline(transaction=False) as pipe:
        for sensor, document in SENSORS.items():
            pipe.json().set(key(sensor), "$", document)
        assert pipe.execute() == [True] * len(SENSORS)
    return server


def found(result):
    return sorted(one.id.removeprefix("sensor:") for one in result.docs)


def test_modules_are_known(server):
    assert {one["name"] for one in server.module_list()} >= MODULES
    known = server.command()
    commands = ("json.set", "bf.add", "ts.add")
    assert [known[name]["first_key_pos"] for name in commands] == [1, 1, 1]
    assert {one["name"] for one in server.info("modules")["modules"]} >= MODULES


def test_documents(server):
    one = "sensor:s01"
    assert server.json().set(one, "$", SENSORS["s01"])
    assert server.json().set(one, "$", {}, nx=True) is None
    assert server.json().get(one) == SENSORS["s01"]
    assert server.json().get(one, "$.limits.high", "$.kind") == {"$.limits.high": [1.5], "$.kind": ["rain"]}
    assert server.json().numincrby(one, "$.readings", 3) == [3]
    assert server.json().nummultby(one, "$.limits.high", 2) == [3]
    assert server.json().arrappend(one, "$.labels", "new", "blue") == [4]
    assert server.json().arrindex(one, "$.labels", "new") == [2]
    assert server.json().arrpop(one, "$.labels", 0) == ['"garden"']
    assert server.json().arrtrim(one, "$.labels", 0, 1) == [2]
    assert server.json().toggle(one, "$.active") == [False]
    assert server.json().strappend(one, "!", "$.name") == [9]
    assert server.json().merge(one, "$", {"limits": {"low": None}, "owner": "Ann"})
    assert server.json().objkeys(one, "$.limits") == [["high"]]
    assert server.json().objlen(one, "$.limits") == [1]
    assert server.json().mset([("sensor:s02", "$", SENSORS["s02"]), ("sensor:s03", "$", SENSORS["s03"])])
    assert server.json().mget([one, "sensor:s02", "sensor:none"], "$.kind") == [["rain"], ["heat"], None]
    assert server.json().delete(one, "$.signature") == 1
    assert server.json().get(one) == {
        "name": "sensor 1!", "kind": "rain", "town": "berlin", "floor": 1, "place": "13.4,52.52",
        "labels": ["roof", "new"], "readings": 3, "limits": {"high": 3}, "active": False, "owner": "Ann"}
    assert server.type(one) == "ReJSON-RL"


def test_messages_are_counted_once(sensors):
    """A Bloom filter guards writes to a document and to a series, which belong together."""
    assert sensors.bf().create("seen", 0.0001, 1000)
    assert sensors.ts().create("value:s01", labels={"sensor": "s01"})
    repeated = []
    for message in MESSAGES:
        if not sensors.bf().add("seen", message["id"]):
            repeated.append(message["id"])
            continue
        with sensors.pipeline(transaction=True) as pipe:
            pipe.json().numincrby(key(message["sensor"]), "$.readings", 1)
            pipe.ts().add(f"value:{message['sensor']}", message["time"], message["value"])
            (readings,), time = pipe.execute()
            assert readings >= 1 and time == message["time"]
    assert repeated == EXPECTED["repeated"]
    assert sensors.bf().card("seen") == len({one["id"] for one in MESSAGES})
    assert sensors.bf().mexists("seen", "m001", "m048", "m049") == [1, 1, 0]
    info = sensors.bf().info("seen")
    assert (info.capacity, info.insertedNum, info.filterNum) == (1000, 48, 1)
    for sensor, readings in EXPECTED["readings"].items():
        assert sensors.json().get(key(sensor), "$.readings") == [readings]
    # The index has followed what transactions changed.
    assert found(sensors.ft("sensors").search(Query("@readings:[16 16]"))) == ["s01", "s02", "s03"]
    assert [tuple(one) for one in sensors.ts().range("value:s01", "-", "+")] == samples("s01")


def test_a_watched_document_changes_once(sensors):
    with sensors.pipeline() as pipe:
        pipe.watch("sensor:s01")
        floor = pipe.json().get("sensor:s01", "$.floor")[0]
        sensors.json().set("sensor:s01", "$.floor", 7)
        pipe.multi()
        pipe.json().set("sensor:s01", "$.floor", floor + 1)
        with pytest.raises(client.exceptions.WatchError):
            pipe.execute()
    assert sensors.json().get("sensor:s01", "$.floor") == [7]


def test_sketches(server):
    assert server.cf().create("cf", 1000)
    assert [server.cf().add("cf", one) for one in ("a", "a", "b")] == [1, 1, 1]
    assert (server.cf().count("cf", "a"), server.cf().delete("cf", "a"), server.cf().count("cf", "a")) == (2, 1, 1)
    assert server.cms().initbydim("cms", 2000, 7)
    assert server.cms().incrby("cms", ["a", "b"], [5, 7]) == [5, 7]
    assert server.cms().query("cms", "a", "b", "c") == [5, 7, 0]
    assert server.topk().reserve("topk", 2, 50, 4, 0.9)
    server.topk().add("topk", *"aaaabbbc")
    assert server.topk().list("topk") == ["a", "b"]
    assert server.topk().query("topk", "a", "c") == [1, 0]
    assert server.tdigest().create("td", 500)
    assert server.tdigest().add("td", [value for _, value in samples("s02")])
    values = sorted(value for _, value in samples("s02"))
    assert (server.tdigest().min("td"), server.tdigest().max("td")) == (values[0], values[-1])
    assert server.tdigest().byrank("td", 0, 7, 15) == [values[0], values[7], values[15]]


def test_searches(sensors):
    index = sensors.ft("sensors")
    for query, expected in EXPECTED["searches"].items():
        result = index.search(Query(query).paging(0, 20).no_content().dialect(2))
        assert (result.total, found(result)) == (len(expected), expected), query
    top = index.search(Query("@floor:[4 +inf]").sort_by("floor", asc=False).paging(0, 2).return_fields("floor"))
    assert (top.total, [one.floor for one in top.docs]) == (4, ["5", "5"])
    assert sorted(index.tagvals("town")) == ["berlin", "paris", "potsdam"]
    info = index.info()
    assert info["index_name"] == "sensors" and int(info["num_docs"]) == len(SENSORS)
    sensors.json().delete("sensor:s03")
    assert found(index.search(Query("@kind:{wind}"))) == ["s06", "s09", "s12"]


def test_the_nearest(sensors):
    index = sensors.ft("sensors")
    for query, expected in (("*", EXPECTED["nearest"]), ("@kind:{rain}", EXPECTED["nearest_rain"])):
        knn = Query(f"({query})=>[KNN {len(expected)} @signature $v AS distance]").sort_by("distance")
        result = index.search(knn.return_fields("distance").dialect(2), query_params={"v": QUERY})
        assert [[one.id.removeprefix("sensor:"), float(one.distance)] for one in result.docs] == expected
    inside = index.search(Query("@signature:[VECTOR_RANGE 14.7 $v]=>{$YIELD_DISTANCE_AS: distance}")
                          .sort_by("distance").dialect(2), query_params={"v": QUERY})
    assert [one.id for one in inside.docs] == [key(name) for name, _ in EXPECTED["nearest"][:2]]


def test_vectors_in_hashes(server):
    index = server.ft("hashes")
    index.create_index([fields.TagField("kind"), fields.VectorField("v", "FLAT", {
        "TYPE": "FLOAT32", "DIM": 8, "DISTANCE_METRIC": "L2"})],
        definition=definition.IndexDefinition(prefix=["hash:"]))
    for sensor, document in SENSORS.items():
        server.hset(f"hash:{sensor}", mapping={"kind": document["kind"], "v": blob(document["signature"])})
    result = index.search(Query("@kind:{rain}=>[KNN 2 @v $v AS d]").sort_by("d").return_fields("d", "kind")
                          .dialect(2), query_params={"v": QUERY})
    assert [[one.id.removeprefix("hash:"), float(one.d)] for one in result.docs] == EXPECTED["nearest_rain"]
    assert index.aliasadd("rain") and server.ft("rain").search(Query("*").no_content()).total == len(SENSORS)
    assert index.alter_schema_add([fields.NumericField("floor")])
    server.hset("hash:s01", "floor", 9)
    assert [one.id for one in index.search(Query("@floor:[9 9]").no_content()).docs] == ["hash:s01"]
    assert index.dropindex(delete_documents=True)
    assert server.dbsize() == 0


def series(server):
    """The series of three sensors, each with a rule that makes minutes of it."""
    for sensor in EXPECTED["minutes"]:
        labels = {"sensor": sensor, "town": SENSORS[sensor]["town"]}
        assert server.ts().create(f"value:{sensor}", retention_msecs=0, labels=labels | {"per": "message"},
                                  duplicate_policy="last")
        assert server.ts().create(f"minute:{sensor}", labels=labels | {"per": "minute"})
        assert server.ts().createrule(f"value:{sensor}", f"minute:{sensor}", "avg", MINUTE)
        added = [(f"value:{sensor}", time, value) for time, value in samples(sensor)]
        assert server.ts().madd(added) == [time for time, _ in samples(sensor)]


def pairs(reply):
    """Several series as {key: samples}: a list of {key: [labels, samples]}."""
    return {name: [tuple(one) for one in value[-1]] for item in reply for name, value in item.items()}


def rules(info):
    """Destination, bucket and aggregator of each rule: lists in RESP2, in RESP3 a map."""
    if isinstance(info.rules, dict):
        return [[name, *rule[:2]] for name, rule in info.rules.items()]
    return [rule[:3] for rule in info.rules]


def test_series(server):
    series(server)
    for sensor, minutes in EXPECTED["minutes"].items():
        assert [tuple(one) for one in server.ts().range(f"minute:{sensor}", "-", "+")] == closed(sensor)
        asked = server.ts().range(f"value:{sensor}", FIRST, LAST, aggregation_type="avg",
                                  bucket_size_msec=MINUTE)
        assert [list(one) for one in asked] == minutes
        latest = server.ts().get(f"minute:{sensor}", latest=True)
        assert list(latest) == minutes[-1]
    back = server.ts().revrange("value:s01", "-", "+", count=2)
    assert [tuple(one) for one in back] == samples("s01")[:-3:-1]
    per_minute = server.ts().mrange("-", "+", ["per=minute"])
    assert pairs(per_minute) == {f"minute:{sensor}": closed(sensor) for sensor in EXPECTED["minutes"]}
    highest = server.ts().mrange("-", "+", ["per=message"], aggregation_type="max", bucket_size_msec=MINUTE,
                                 groupby="per", reduce="max")
    assert pairs(highest) == {"per=message": [tuple(one) for one in EXPECTED["highest"]]}
    assert sorted(server.ts().queryindex(["per=minute", "sensor!=s02"])) == ["minute:s01", "minute:s03"]
    last = {name: tuple(value[1:]) for item in server.ts().mget(["per=message"]) for name, value in item.items()}
    assert last == {f"value:{sensor}": samples(sensor)[-1] for sensor in EXPECTED["minutes"]}
    info = server.ts().info("value:s01")
    assert (info.total_samples, info.first_timestamp, info.last_timestamp) == (16, FIRST, samples("s01")[-1][0])
    assert rules(info) == [["minute:s01", MINUTE, "AVG"]]
    assert server.ts().delete("value:s01", FIRST, FIRST) == 1
    assert server.ts().info("value:s01").total_samples == 15
    assert server.ts().deleterule("value:s01", "minute:s01")
    assert rules(server.ts().info("value:s01")) == []


def test_the_async_client():
    """The same calls of the other client, eight at once over a pool."""
    async def count(server, message, repeated):
        if not await server.bf().add("seen", message["id"]):
            return repeated.append(message["id"])
        async with server.pipeline(transaction=True) as pipe:
            await pipe.json().numincrby(key(message["sensor"]), "$.readings", 1)
            await pipe.ts().add(f"value:{message['sensor']}", message["time"], message["value"])
            await pipe.execute()

    async def tell():
        server = getattr(import_module(f"{NAME}.asyncio"), Client).from_url(URL, **OPTIONS)
        await server.flushall()
        await server.ft("sensors").create_index(FIELDS, definition=definition.IndexDefinition(
            prefix=["sensor:"], index_type=definition.IndexType.JSON))
        for sensor, document in SENSORS.items():
            assert await server.json().set(key(sensor), "$", document)
        repeated = []
        for place in range(0, len(MESSAGES), 8):
            await asyncio.gather(*(count(server, one, repeated) for one in MESSAGES[place:place + 8]))
        assert sorted(repeated) == sorted(EXPECTED["repeated"])
        result = await server.ft("sensors").search(Query("@readings:[1 +inf]").sort_by("floor"))
        assert found(result) == ["s01", "s02", "s03"]
        knn = Query("*=>[KNN 3 @signature $v AS distance]").sort_by("distance").dialect(2)
        result = await server.ft("sensors").search(knn, query_params={"v": QUERY})
        assert [one.id for one in result.docs] == [key(name) for name, _ in EXPECTED["nearest"]]
        for sensor, readings in EXPECTED["readings"].items():
            assert await server.json().get(key(sensor), "$.readings") == [readings]
            assert [tuple(one) for one in await server.ts().range(f"value:{sensor}", "-", "+")] == samples(sensor)
        await server.aclose()

    asyncio.run(tell())


def test_the_cluster_client():
    """A client that finds the slot of a key by what COMMAND tells of our commands."""
    cluster = getattr(client, Client + "Cluster").from_url(CLUSTER_URL, **OPTIONS)
    cluster.flushall()
    for sensor, document in SENSORS.items():
        assert cluster.json().set(key(sensor), "$", document)
        assert cluster.json().numincrby(key(sensor), "$.readings", 2) == [2]
    assert cluster.json().get("sensor:s05", "$.labels", "$.readings") == {
        "$.labels": [SENSORS["s05"]["labels"]], "$.readings": [2]}
    assert cluster.bf().madd("seen", "m001", "m002", "m001") == [1, 1, 0]
    assert cluster.cf().add("{seen}:cf", "m001") == 1
    assert cluster.ts().create("{s01}:value") and cluster.ts().create("{s01}:minute")
    assert cluster.ts().createrule("{s01}:value", "{s01}:minute", "avg", MINUTE)
    for time, value in samples("s01"):
        assert cluster.ts().add("{s01}:value", time, value) == time
    assert [tuple(one) for one in cluster.ts().range("{s01}:minute", "-", "+")] == closed("s01")
    if NAME == "redis":
        index = cluster.ft("sensors")
        index.create_index(FIELDS, definition=definition.IndexDefinition(
            prefix=["sensor:"], index_type=definition.IndexType.JSON))
        assert found(index.search(Query("@readings:[2 2] @kind:{wind}"))) == ["s03", "s06", "s09", "s12"]
    with cluster.pipeline() as pipe:
        pipe.json().get("sensor:s01", "$.kind")
        pipe.bf().exists("seen", "m003")
        assert pipe.execute() == [["rain"], 0]
    cluster.close()
