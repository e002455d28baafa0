"""valkey-glide: JSON and search by its own calls (`glide_json`, `ft`, batches). It has none for filters
and time series, nor for places in an index: those go through `custom_command`.
"""

import asyncio
import json
from urllib.parse import urlparse

import pytest
from glide import (Batch, ClusterBatch, GlideClient, GlideClientConfiguration, GlideClusterClient,
                   GlideClusterClientConfiguration, NodeAddress, ProtocolVersion, ft, glide_json)
from glide_shared.commands.server_modules import json_batch
from glide_shared.commands.server_modules.ft_options.ft_create_options import (
    DataType, DistanceMetricType, FtCreateOptions, NumericField, TagField, VectorAlgorithm, VectorField,
    VectorFieldAttributesFlat, VectorFieldAttributesHnsw, VectorType)
from glide_shared.commands.command_args import OrderBy
from glide_shared.commands.server_modules.ft_options.ft_search_options import (
    FtSearchLimit, FtSearchOptions, ReturnField)
from story import (CLUSTER_URL, EXPECTED, FIRST, LAST, MESSAGES, MINUTE, MODULES, PROTOCOL, QUERY, SENSORS,
                   URL, blob, closed, key, samples)

SPOKEN = {2: ProtocolVersion.RESP2, 3: ProtocolVersion.RESP3}[PROTOCOL]
FIELDS = [
    TagField("$.kind", alias="kind"), TagField("$.town", alias="town"), TagField("$.labels[*]", alias="labels"),
    NumericField("$.floor", alias="floor", sortable=True), NumericField("$.readings", alias="readings"),
    VectorField("$.signature", VectorAlgorithm.HNSW, VectorFieldAttributesHnsw(
        8, DistanceMetricType.L2, VectorType.FLOAT32, number_of_edges=8), alias="signature"),
]


def address(url):
    return [NodeAddress(urlparse(url).hostname, urlparse(url).port)]


def tell(story):
    """A test that is handed a client on an empty server."""
    async def run():
        client = await GlideClient.create(GlideClientConfiguration(address(URL), protocol=SPOKEN))
        try:
            await client.flushall()
            if PROTOCOL == 3:
                # It reads what valkey-search answers.
                await client.config_set({"search.resp3-family": "valkey"})
            await story(client)
        finally:
            await client.close()

    def test():
        asyncio.run(run())
    test.__doc__ = story.__doc__
    return test


async def fill(client):
    """The documents of all sensors, in one batch, and an index over them."""
    assert await ft.create(client, "sensors", FIELDS, FtCreateOptions(DataType.JSON, ["sensor:"])) == "OK"
    batch = Batch(is_atomic=False)
    for sensor, document in SENSORS.items():
        json_batch.set(batch, key(sensor), "$", json.dumps(document))
    assert await client.exec(batch, raise_on_error=True) == ["OK"] * len(SENSORS)


def names(found):
    return sorted(one.decode().removeprefix("sensor:") for one in found)


def number(value):
    """A double, which RESP2 has as text."""
    return float(value)


@tell
async def test_documents(client):
    one = "sensor:s01"
    assert await glide_json.set(client, one, "$", json.dumps(SENSORS["s01"])) == "OK"
    assert json.loads(await glide_json.get(client, one, "$")) == [SENSORS["s01"]]
    assert json.loads(await glide_json.get(client, one, ["$.kind", "$.limits.high"])) == {
        "$.kind": ["rain"], "$.limits.high": [1.5]}
    assert await glide_json.numincrby(client, one, "$.readings", 3) in (b"[3]", [3])
    assert await glide_json.nummultby(client, one, "$.limits.high", 2) in (b"[3]", b"[3.0]", [3])
    assert await glide_json.arrappend(client, one, "$.labels", ['"new"', '"blue"']) == [4]
    assert await glide_json.arrindex(client, one, "$.labels", '"new"') == [2]
    assert await glide_json.arrinsert(client, one, "$.labels", 0, ['"first"']) == [5]
    assert await glide_json.arrtrim(client, one, "$.labels", 1, 2) == [2]
    assert await glide_json.arrlen(client, one, "$.labels") == [2]
    assert await glide_json.toggle(client, one, "$.active") == [False]
    assert await glide_json.strappend(client, one, '"!"', "$.name") == [9]
    assert await glide_json.strlen(client, one, "$.name") == [9]
    assert await glide_json.objkeys(client, one, "$.limits") == [[b"low", b"high"]]
    assert await glide_json.objlen(client, one, "$.limits") == [2]
    assert await glide_json.clear(client, one, "$.limits") == 1
    assert await glide_json.delete(client, one, "$.signature") == 1
    assert await glide_json.mget(client, [one, "sensor:none"], "$.labels") == [b'[["garden","roof"]]', None]
    assert json.loads(await glide_json.get(client, one)) == {
        "name": "sensor 1!", "kind": "rain", "town": "berlin", "floor": 1, "place": "13.4,52.52",
        "labels": ["garden", "roof"], "readings": 3, "limits": {}, "active": False}
    assert await glide_json.type(client, one, "$.active") in ([b"boolean"], [[b"boolean"]])


@tell
async def test_messages_are_counted_once(client):
    """A Bloom filter guards writes to a document and to a series, which belong together."""
    await fill(client)
    assert await client.custom_command(["BF.RESERVE", "seen", "0.0001", "1000"]) == "OK"
    repeated = []
    for message in MESSAGES:
        if not await client.custom_command(["BF.ADD", "seen", message["id"]]):
            repeated.append(message["id"])
            continue
        batch = Batch(is_atomic=True)
        json_batch.numincrby(batch, key(message["sensor"]), "$.readings", 1)
        batch.custom_command(
            ["TS.ADD", f"value:{message['sensor']}", str(message["time"]), str(message["value"])])
        readings, time = await client.exec(batch, raise_on_error=True)
        assert readings and time == message["time"]
    assert repeated == EXPECTED["repeated"]
    assert await client.custom_command(["BF.CARD", "seen"]) == len({one["id"] for one in MESSAGES})
    for sensor, readings in EXPECTED["readings"].items():
        assert json.loads(await glide_json.get(client, key(sensor), "$.readings")) == [readings]
    found = await ft.search(client, "sensors", "@readings:[16 16]", FtSearchOptions(dialect=2))
    assert names(found[1]) == ["s01", "s02", "s03"]


@tell
async def test_searches(client):
    await fill(client)
    for query, expected in EXPECTED["searches"].items():
        # The story's places are not in this index.
        if "@place" in query:
            continue
        total, found = await ft.search(client, "sensors", query, FtSearchOptions(
            nocontent=True, limit=FtSearchLimit(0, 20), dialect=2))
        assert (total, names(found)) == (len(expected), expected), query
    total, found = await ft.search(client, "sensors", "@floor:[4 +inf]", FtSearchOptions(
        sortby="floor", sortby_order=OrderBy.DESC, limit=FtSearchLimit(0, 2),
        return_fields=[ReturnField("floor", alias="level")], dialect=2))
    assert (total, [one[b"level"] for one in found.values()]) == (4, [b"5", b"5"])
    assert await ft.search(client, "sensors", "*", FtSearchOptions(count=True, dialect=2)) == [len(SENSORS)]
    assert await ft.list(client) == [b"sensors"]
    assert await ft.aliasadd(client, "other", "sensors") == "OK"
    assert (await ft.search(client, "other", "@kind:{wind}", FtSearchOptions(dialect=2)))[0] == 4
    assert await ft.aliasdel(client, "other") == "OK"
    info = await ft.info(client, "sensors")
    assert info[b"index_name"] == b"sensors" and number(info[b"num_docs"]) == len(SENSORS)
    assert len(info[b"attributes"]) == len(FIELDS)
    assert await ft.explain(client, "sensors", "@kind:{wind}")
    assert await ft.dropindex(client, "sensors") == "OK"


@tell
async def test_the_nearest(client):
    await fill(client)
    for query, expected in (("*", EXPECTED["nearest"]), ("@kind:{rain}", EXPECTED["nearest_rain"])):
        total, found = await ft.search(
            client, "sensors", f"({query})=>[KNN {len(expected)} @signature $v AS distance]", FtSearchOptions(
                params={"v": QUERY}, return_fields=[ReturnField("distance")], sortby="distance", dialect=2))
        assert total == len(expected)
        assert [[one.decode().removeprefix("sensor:"), float(fields[b"distance"])]
                for one, fields in found.items()] == expected


@tell
async def test_vectors_in_hashes(client):
    assert await ft.create(client, "hashes", [TagField("kind"), VectorField(
        "v", VectorAlgorithm.FLAT, VectorFieldAttributesFlat(8, DistanceMetricType.L2, VectorType.FLOAT32))],
        FtCreateOptions(DataType.HASH, ["hash:"])) == "OK"
    for sensor, document in SENSORS.items():
        await client.hset(f"hash:{sensor}", {"kind": document["kind"], "v": blob(document["signature"])})
    _, found = await ft.search(client, "hashes", "@kind:{rain}=>[KNN 2 @v $v AS d]", FtSearchOptions(
        params={"v": QUERY}, return_fields=[ReturnField("d")], sortby="d", dialect=2))
    assert [[one.decode().removeprefix("hash:"), float(fields[b"d"])]
            for one, fields in found.items()] == EXPECTED["nearest_rain"]


@tell
async def test_series(client):
    """By `custom_command`."""
    async def ask(*words):
        return await client.custom_command([str(word) for word in words])

    for sensor in EXPECTED["minutes"]:
        await ask("TS.CREATE", f"value:{sensor}", "LABELS", "per", "message")
        await ask("TS.CREATE", f"minute:{sensor}", "LABELS", "per", "minute")
        await ask("TS.CREATERULE", f"value:{sensor}", f"minute:{sensor}", "AGGREGATION", "avg", MINUTE)
        added = [word for time, value in samples(sensor) for word in (f"value:{sensor}", time, value)]
        assert await ask("TS.MADD", *added) == [time for time, _ in samples(sensor)]
        written = await ask("TS.RANGE", f"minute:{sensor}", "-", "+")
        assert [(time, number(value)) for time, value in written] == closed(sensor)
        asked = await ask("TS.RANGE", f"value:{sensor}", FIRST, LAST, "AGGREGATION", "avg", MINUTE)
        assert [[time, number(value)] for time, value in asked] == EXPECTED["minutes"][sensor]
    keys = await ask("TS.QUERYINDEX", "per=minute")
    assert sorted(keys) == [f"minute:{sensor}".encode() for sensor in EXPECTED["minutes"]]


@tell
async def test_modules_are_known(client):
    modules = await client.custom_command(["MODULE", "LIST"])
    as_maps = [one if isinstance(one, dict) else dict(zip(one[::2], one[1::2])) for one in modules]
    assert {one[b"name"].decode() for one in as_maps} >= MODULES
    assert b"search" in await client.info()


def test_the_cluster_client():
    """A client that sends a key's command to the node of its slot, and splits what has several."""
    async def story():
        client = await GlideClusterClient.create(
            GlideClusterClientConfiguration(address(CLUSTER_URL), protocol=SPOKEN))
        try:
            await client.flushall()
            batch = ClusterBatch(is_atomic=False)
            for sensor, document in SENSORS.items():
                json_batch.set(batch, key(sensor), "$", json.dumps(document))
            assert await client.exec(batch, raise_on_error=True) == ["OK"] * len(SENSORS)
            kinds = await glide_json.mget(client, [key(one) for one in SENSORS], "$.kind")
            assert [json.loads(one) for one in kinds] == [[one["kind"]] for one in SENSORS.values()]
            assert await client.custom_command(["BF.MADD", "seen", "m001", "m001"]) in ([1, 0], [True, False])
            assert await client.custom_command(["TS.ADD", "value", "1000", "2.5"]) == 1000
        finally:
            await client.close()

    asyncio.run(story())


@pytest.mark.parametrize("query", ["@kind:{", "@floor:[1"])
def test_errors_are_errors(query):
    @tell
    async def story(client):
        await fill(client)
        with pytest.raises(Exception) as raised:
            await ft.search(client, "sensors", query, FtSearchOptions(dialect=2))
        assert "RequestError" in type(raised.value).__name__
    story()
