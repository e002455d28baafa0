// ioredis, which has no calls of its own for modules: `call`, `pipeline` and `multi`, with its own parser,
// transformers and cluster.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { after, before, beforeEach, test } = require('node:test');
const Redis = require('ioredis');
const { CLUSTER_URL, MINUTE, PROTOCOL, QUERY, URL, closed, expected, key, messages, samples,
  sensors } = require('./story.cjs');

let client;
before(() => { client = new Redis(URL, { protocol: PROTOCOL }); });
beforeEach(() => client.flushall());
after(() => client.quit());

const SCHEMA = ('ON JSON PREFIX 1 sensor: SCHEMA $.kind AS kind TAG $.town AS town TAG $.labels[*] AS labels TAG '
  + '$.floor AS floor NUMERIC SORTABLE $.readings AS readings NUMERIC $.place AS place GEO '
  + '$.signature AS signature VECTOR HNSW 6 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2').split(' ');

async function fill() {
  assert.equal(await client.call('FT.CREATE', 'sensors', ...SCHEMA), 'OK');
  const pipeline = client.pipeline();
  for (const [sensor, document] of Object.entries(sensors)) {
    pipeline.call('JSON.SET', key(sensor), '$', JSON.stringify(document));
  }
  for (const [error, reply] of await pipeline.exec()) assert.deepEqual([error, reply], [null, 'OK']);
}

/** A map, which ioredis hands over as a list of names and values in either protocol. */
const asObject = (reply) =>
  Object.fromEntries(reply.flatMap((one, place) => (place % 2 ? [] : [[one, reply[place + 1]]])));

/** What FT.SEARCH found, as [id, fields], in either protocol. */
function found(reply) {
  if (PROTOCOL === 3) {
    return asObject(reply).results.map(asObject).map((one) => [one.id, asObject(one.extra_attributes)]);
  }
  return reply.slice(1).flatMap((one, place, all) => (place % 2 ? [] : [[one, asObject(all[place + 1])]]));
}

const pairs = (list) => list.map(([time, value]) => [time, Number(value)]);

test('documents', async () => {
  assert.equal(await client.call('JSON.SET', 'one', '$', JSON.stringify(sensors.s01)), 'OK');
  assert.deepEqual(JSON.parse(await client.call('JSON.GET', 'one')), sensors.s01);
  const sum = await client.call('JSON.NUMINCRBY', 'one', '$.readings', 3);
  assert.deepEqual(Array.isArray(sum) ? sum : JSON.parse(sum), [3]);
  assert.deepEqual(await client.call('JSON.ARRAPPEND', 'one', '$.labels', '"new"'), [3]);
  assert.deepEqual(await client.call('JSON.MGET', 'one', 'none', '$.kind'), ['["rain"]', null]);
  assert.equal(await client.callBuffer('JSON.GET', 'one', '$.kind').then(String), '["rain"]');
  assert.equal(await client.type('one'), 'ReJSON-RL');
  assert.equal(await client.call('JSON.DEL', 'one'), 1);
});

test('messages are counted once', async () => {
  await fill();
  assert.equal(await client.call('BF.RESERVE', 'seen', 0.0001, 1000), 'OK');
  const repeated = [];
  for (const { id, sensor, time, value } of messages) {
    if (!Number(await client.call('BF.ADD', 'seen', id))) {
      repeated.push(id);
      continue;
    }
    const [[, readings], [, when]] = await client.multi()
      .call('JSON.NUMINCRBY', key(sensor), '$.readings', 1)
      .call('TS.ADD', `value:${sensor}`, time, value)
      .exec();
    assert.ok(readings);
    assert.equal(when, time);
  }
  assert.deepEqual(repeated, expected.repeated);
  assert.equal(await client.call('BF.CARD', 'seen'), new Set(messages.map((one) => one.id)).size);
  const filled = found(await client.call('FT.SEARCH', 'sensors', '@readings:[16 16]', 'RETURN', 1, 'readings'));
  assert.deepEqual(filled.sort(), ['s01', 's02', 's03'].map((one) => [key(one), { readings: '16' }]));
});

test('searches', async () => {
  await fill();
  for (const [query, names] of Object.entries(expected.searches)) {
    const reply = await client.call('FT.SEARCH', 'sensors', query, 'LIMIT', 0, 20, 'DIALECT', 2);
    const documents = Object.fromEntries(found(reply).map(([id, fields]) => [id, JSON.parse(fields.$)]));
    assert.deepEqual(documents, Object.fromEntries(names.map((one) => [key(one), sensors[one]])), query);
  }
  for (const [query, nearest] of [['*', expected.nearest], ['@kind:{rain}', expected.nearest_rain]]) {
    const reply = await client.call('FT.SEARCH', 'sensors', `(${query})=>[KNN ${nearest.length} @signature $v AS d]`,
      'PARAMS', 2, 'v', QUERY, 'SORTBY', 'd', 'RETURN', 1, 'd', 'DIALECT', 2);
    assert.deepEqual(found(reply).map(([id, { d }]) => [id.replace('sensor:', ''), Number(d)]), nearest);
  }
  const info = asObject(await client.call('FT.INFO', 'sensors'));
  assert.deepEqual([info.index_name, Number(info.num_docs)], ['sensors', Object.keys(sensors).length]);
});

test('series', async () => {
  for (const [sensor, minutes] of Object.entries(expected.minutes)) {
    await client.call('TS.CREATE', `value:${sensor}`, 'LABELS', 'per', 'message');
    await client.call('TS.CREATE', `minute:${sensor}`, 'LABELS', 'per', 'minute');
    await client.call('TS.CREATERULE', `value:${sensor}`, `minute:${sensor}`, 'AGGREGATION', 'avg', MINUTE);
    const added = samples(sensor).flatMap(([time, value]) => [`value:${sensor}`, time, value]);
    assert.deepEqual(await client.call('TS.MADD', ...added), samples(sensor).map(([time]) => time));
    assert.deepEqual(pairs(await client.call('TS.RANGE', `minute:${sensor}`, '-', '+')), closed(sensor));
    const asked = await client.call('TS.RANGE', `value:${sensor}`, '-', '+', 'AGGREGATION', 'avg', MINUTE);
    assert.deepEqual(pairs(asked), minutes);
  }
  const keys = [...await client.call('TS.QUERYINDEX', 'per=minute')].sort();
  assert.deepEqual(keys, Object.keys(expected.minutes).map((sensor) => `minute:${sensor}`));
});

test('the cluster client', async () => {
  const { hostname: host, port } = new globalThis.URL(CLUSTER_URL);
  const cluster = new Redis.Cluster([{ host, port: Number(port) }], { redisOptions: { protocol: PROTOCOL } });
  await once(cluster, 'ready');
  await Promise.all(cluster.nodes('master').map((node) => node.flushall()));
  for (const [sensor, document] of Object.entries(sensors)) {
    assert.equal(await cluster.call('JSON.SET', key(sensor), '$', JSON.stringify(document)), 'OK');
    assert.deepEqual(JSON.parse(await cluster.call('JSON.GET', key(sensor))), document);
  }
  assert.equal(Number(await cluster.call('BF.ADD', 'seen', 'm001')), 1);
  assert.equal(await cluster.call('TS.ADD', 'value', 1000, 2.5), 1000);
  await cluster.quit();
});
