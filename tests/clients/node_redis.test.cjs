// node-redis (`redis` from npm), which brings calls for JSON, filters and sketches, search and series.
// It speaks RESP3 by default, and RESP2 if asked to.
const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { createClient, createCluster, WatchError } = require('redis');
const { CLUSTER_URL, MINUTE, MODULES, PROTOCOL, QUERY, URL, blob, closed, expected, key, messages, samples,
  sensors } = require('./story.cjs');

let client;
before(async () => { client = await createClient({ url: URL, RESP: PROTOCOL }).connect(); });
beforeEach(() => client.flushAll());
after(() => client.close());

const FIELDS = {
  '$.kind': { type: 'TAG', AS: 'kind' },
  '$.town': { type: 'TAG', AS: 'town' },
  '$.labels[*]': { type: 'TAG', AS: 'labels' },
  '$.floor': { type: 'NUMERIC', AS: 'floor', SORTABLE: true },
  '$.readings': { type: 'NUMERIC', AS: 'readings' },
  '$.place': { type: 'GEO', AS: 'place' },
  '$.signature': { type: 'VECTOR', AS: 'signature', ALGORITHM: 'HNSW', TYPE: 'FLOAT32', DIM: 8,
    DISTANCE_METRIC: 'L2', M: 8, EF_CONSTRUCTION: 64 },
};

async function fill() {
  assert.equal(await client.ft.create('sensors', FIELDS, { ON: 'JSON', PREFIX: 'sensor:' }), 'OK');
  const items = Object.entries(sensors).map(([sensor, value]) => ({ key: key(sensor), path: '$', value }));
  assert.equal(await client.json.mSet(items), 'OK');
}

const names = (keys) => keys.map((one) => one.replace('sensor:', '')).sort();
const pairs = (list) => list.map(({ timestamp, value }) => [timestamp, value]);
const count = Object.keys(sensors).length;

test('modules are known', async () => {
  const modules = (await client.moduleList()).map((one) => one.name);
  assert.deepEqual(MODULES.filter((one) => !modules.includes(one)), []);
  const known = await client.commandInfo(['JSON.SET', 'BF.ADD', 'FT.SEARCH', 'TS.ADD']);
  assert.deepEqual(known.map((one) => one.name.toLowerCase()), ['json.set', 'bf.add', 'ft.search', 'ts.add']);
});

test('documents', async () => {
  const one = 'sensor:s01';
  assert.equal(await client.json.set(one, '$', sensors.s01), 'OK');
  assert.equal(await client.json.set(one, '$', {}, { condition: 'NX' }), null);
  assert.deepEqual(await client.json.get(one), sensors.s01);
  assert.deepEqual(await client.json.get(one, { path: ['$.limits.high', '$.kind'] }),
    { '$.limits.high': [1.5], '$.kind': ['rain'] });
  assert.deepEqual(await client.json.numIncrBy(one, '$.readings', 3), [3]);
  assert.deepEqual(await client.json.numMultBy(one, '$.limits.high', 2), [3]);
  assert.deepEqual(await client.json.arrAppend(one, '$.labels', 'new', 'blue'), [4]);
  assert.deepEqual(await client.json.arrIndex(one, '$.labels', 'new'), [2]);
  assert.deepEqual(await client.json.arrPop(one, { path: '$.labels', index: 0 }), ['garden']);
  assert.deepEqual(await client.json.arrTrim(one, '$.labels', 0, 1), [2]);
  assert.deepEqual(await client.json.toggle(one, '$.active'), [0]);
  assert.deepEqual(await client.json.strAppend(one, '!', { path: '$.name' }), [9]);
  assert.equal(await client.json.merge(one, '$', { limits: { low: null }, owner: 'Ann' }), 'OK');
  assert.deepEqual(await client.json.objKeys(one, { path: '$.limits' }), [['high']]);
  assert.deepEqual(await client.json.objLen(one, { path: '$.limits' }), [1]);
  assert.deepEqual(await client.json.type(one, { path: '$.active' }), ['boolean']);
  assert.equal(await client.json.del(one, { path: '$.signature' }), 1);
  assert.deepEqual(await client.json.mGet([one, 'sensor:none'], '$.kind'), [['rain'], null]);
  assert.deepEqual(await client.json.get(one), {
    name: 'sensor 1!', kind: 'rain', town: 'berlin', floor: 1, place: '13.4,52.52', labels: ['roof', 'new'],
    readings: 3, limits: { high: 3 }, active: false, owner: 'Ann',
  });
});

test('messages are counted once', async () => {
  await fill();
  assert.equal(await client.bf.reserve('seen', 0.0001, 1000), 'OK');
  const repeated = [];
  for (const { id, sensor, time, value } of messages) {
    if (!await client.bf.add('seen', id)) {
      repeated.push(id);
      continue;
    }
    const [[readings], when] = await client.multi()
      .json.numIncrBy(key(sensor), '$.readings', 1)
      .ts.add(`value:${sensor}`, time, value)
      .exec();
    assert.ok(readings >= 1);
    assert.equal(when, time);
  }
  assert.deepEqual(repeated, expected.repeated);
  assert.equal(await client.bf.card('seen'), new Set(messages.map((one) => one.id)).size);
  assert.deepEqual(await client.bf.mExists('seen', ['m001', 'm048', 'm049']), [true, true, false]);
  const info = await client.bf.info('seen');
  assert.deepEqual([info.Capacity, info['Number of items inserted'], info['Number of filters']], [1000, 48, 1]);
  for (const [sensor, readings] of Object.entries(expected.readings)) {
    assert.deepEqual(await client.json.get(key(sensor), { path: '$.readings' }), [readings]);
  }
  const { documents } = await client.ft.search('sensors', '@readings:[16 16]');
  assert.deepEqual(names(documents.map((one) => one.id)), ['s01', 's02', 's03']);
  assert.deepEqual(pairs(await client.ts.range('value:s01', '-', '+')), samples('s01'));
});

test('a watched document changes once', async () => {
  await client.json.set('one', '$', { floor: 1 });
  const other = await client.duplicate().connect();
  await client.watch('one');
  await other.json.set('one', '$.floor', 7);
  await assert.rejects(client.multi().json.set('one', '$.floor', 2).exec(), WatchError);
  assert.deepEqual(await client.json.get('one', { path: '$.floor' }), [7]);
  other.destroy();
});

test('sketches', async () => {
  assert.equal(await client.cf.reserve('cf', 1000), 'OK');
  for (const item of ['a', 'a', 'b']) assert.equal(await client.cf.add('cf', item), true);
  assert.equal(await client.cf.count('cf', 'a'), 2);
  assert.equal(await client.cf.del('cf', 'a'), true);
  assert.equal(await client.cms.initByDim('cms', 2000, 7), 'OK');
  const increments = [{ item: 'a', incrementBy: 5 }, { item: 'b', incrementBy: 7 }];
  assert.deepEqual(await client.cms.incrBy('cms', increments), [5, 7]);
  assert.deepEqual(await client.cms.query('cms', ['a', 'b', 'c']), [5, 7, 0]);
  assert.equal(await client.topK.reserve('topk', 2, { width: 50, depth: 4, decay: 0.9 }), 'OK');
  await client.topK.add('topk', [...'aaaabbbc']);
  assert.deepEqual(await client.topK.listWithCount('topk'), [{ item: 'a', count: 4 }, { item: 'b', count: 3 }]);
  assert.deepEqual(await client.topK.query('topk', ['a', 'c']), [true, false]);
  assert.equal(await client.tDigest.create('td', { COMPRESSION: 500 }), 'OK');
  const values = samples('s02').map(([, value]) => value);
  assert.equal(await client.tDigest.add('td', values), 'OK');
  values.sort((a, b) => a - b);
  assert.deepEqual([await client.tDigest.min('td'), await client.tDigest.max('td')], [values[0], values[15]]);
  assert.deepEqual(await client.tDigest.byRank('td', [0, 7, 15]), [values[0], values[7], values[15]]);
});

test('searches', async () => {
  await fill();
  for (const [query, found] of Object.entries(expected.searches)) {
    const { total, documents } = await client.ft.searchNoContent('sensors', query, { LIMIT: { from: 0, size: 20 } });
    assert.deepEqual([total, names(documents)], [found.length, found], query);
  }
  const top = await client.ft.search('sensors', '@floor:[4 +inf]', {
    SORTBY: { BY: 'floor', DIRECTION: 'DESC' }, LIMIT: { from: 0, size: 2 }, RETURN: ['floor', 'kind'],
  });
  assert.equal(top.total, 4);
  assert.deepEqual(top.documents.map((one) => one.value.floor), ['5', '5']);
  const [whole] = (await client.ft.search('sensors', '@kind:{wind} @floor:[3 3]', { SORTBY: 'floor' })).documents;
  assert.deepEqual(whole.value, sensors[names([whole.id])[0]]);
  assert.deepEqual([...await client.ft.tagVals('sensors', 'town')].sort(), ['berlin', 'paris', 'potsdam']);
  assert.deepEqual([...await client.ft._list()], ['sensors']);
  const info = await client.ft.info('sensors');
  assert.equal(info.index_name, 'sensors');
  assert.equal(Number(info.num_docs), count);
  assert.equal(info.attributes.length, Object.keys(FIELDS).length);
  await client.json.del('sensor:s03');
  const wind = await client.ft.searchNoContent('sensors', '@kind:{wind}');
  assert.deepEqual(names(wind.documents), ['s06', 's09', 's12']);
});

test('the nearest', async () => {
  await fill();
  for (const [query, found] of [['*', expected.nearest], ['@kind:{rain}', expected.nearest_rain]]) {
    const { documents } = await client.ft.search(
      'sensors', `(${query})=>[KNN ${found.length} @signature $v AS distance]`,
      { PARAMS: { v: QUERY }, SORTBY: 'distance', RETURN: ['distance'], DIALECT: 2 });
    assert.deepEqual(documents.map(({ id, value }) => [id.replace('sensor:', ''), Number(value.distance)]), found);
  }
});

test('vectors in hashes', async () => {
  assert.equal(await client.ft.create('hashes', {
    kind: { type: 'TAG' },
    v: { type: 'VECTOR', ALGORITHM: 'FLAT', TYPE: 'FLOAT32', DIM: 8, DISTANCE_METRIC: 'L2' },
  }, { ON: 'HASH', PREFIX: 'hash:' }), 'OK');
  for (const [sensor, { kind, signature }] of Object.entries(sensors)) {
    await client.hSet(`hash:${sensor}`, { kind, v: blob(signature) });
  }
  const { documents } = await client.ft.search('hashes', '@kind:{rain}=>[KNN 2 @v $v AS d]',
    { PARAMS: { v: QUERY }, SORTBY: 'd', RETURN: ['d'], DIALECT: 2 });
  assert.deepEqual(documents.map(({ id, value }) => [id.replace('hash:', ''), Number(value.d)]), expected.nearest_rain);
  assert.equal(await client.ft.aliasAdd('rain', 'hashes'), 'OK');
  assert.equal((await client.ft.searchNoContent('rain', '*')).total, count);
  assert.equal(await client.ft.dropIndex('hashes', { DD: true }), 'OK');
  assert.equal(await client.dbSize(), 0);
});

test('series', async () => {
  const { ts } = client;
  for (const [sensor, minutes] of Object.entries(expected.minutes)) {
    const labels = { sensor, town: sensors[sensor].town };
    await ts.create(`value:${sensor}`, { DUPLICATE_POLICY: 'LAST', LABELS: { ...labels, per: 'message' } });
    await ts.create(`minute:${sensor}`, { LABELS: { ...labels, per: 'minute' } });
    assert.equal(await ts.createRule(`value:${sensor}`, `minute:${sensor}`, 'AVG', MINUTE), 'OK');
    const added = samples(sensor).map(([timestamp, value]) => ({ key: `value:${sensor}`, timestamp, value }));
    assert.deepEqual(await ts.mAdd(added), samples(sensor).map(([time]) => time));
    assert.deepEqual(pairs(await ts.range(`minute:${sensor}`, '-', '+')), closed(sensor));
    const asked = await ts.range(`value:${sensor}`, '-', '+', { AGGREGATION: { type: 'AVG', timeBucket: MINUTE } });
    assert.deepEqual(pairs(asked), minutes);
    assert.deepEqual(pairs([await ts.get(`minute:${sensor}`, { LATEST: true })]), minutes.slice(-1));
  }
  assert.deepEqual(pairs(await ts.revRange('value:s01', '-', '+', { COUNT: 2 })), samples('s01').slice(-2).reverse());
  const perMinute = await ts.mRange('-', '+', 'per=minute');
  assert.deepEqual(Object.entries(perMinute).map(([name, list]) => [name, pairs(list)]).sort(),
    Object.keys(expected.minutes).map((sensor) => [`minute:${sensor}`, closed(sensor)]));
  const labelled = await ts.mRangeWithLabels('-', '+', ['per=minute', 'sensor=s02']);
  assert.deepEqual({ ...labelled['minute:s02'].labels }, { sensor: 's02', town: sensors.s02.town, per: 'minute' });
  const highest = await ts.mRangeGroupBy('-', '+', 'per=message', { label: 'per', REDUCE: 'MAX' },
    { AGGREGATION: { type: 'MAX', timeBucket: MINUTE } });
  assert.deepEqual(pairs(highest['per=message'].samples), expected.highest);
  assert.deepEqual([...await ts.queryIndex(['per=minute', 'sensor!=s02'])].sort(), ['minute:s01', 'minute:s03']);
  const last = await ts.mGet('per=message');
  assert.deepEqual(pairs([last['value:s03'].sample]), samples('s03').slice(-1));
  const info = await ts.info('value:s01');
  assert.deepEqual([info.totalSamples, info.firstTimestamp], [16, samples('s01')[0][0]]);
  assert.deepEqual(info.rules.map(({ key: name, timeBucket }) => [name, timeBucket]), [['minute:s01', MINUTE]]);
  assert.equal(await ts.del('value:s01', samples('s01')[0][0], samples('s01')[0][0]), 1);
  assert.equal(await ts.deleteRule('value:s01', 'minute:s01'), 'OK');
  assert.deepEqual((await ts.info('value:s01')).rules, []);
});

test('the cluster client', async () => {
  const cluster = createCluster({ rootNodes: [{ url: CLUSTER_URL }], defaults: { RESP: PROTOCOL } });
  await cluster.connect();
  for (const master of cluster.masters) await (await cluster.nodeClient(master)).flushAll();
  for (const [sensor, document] of Object.entries(sensors)) {
    assert.equal(await cluster.json.set(key(sensor), '$', document), 'OK');
    assert.deepEqual(await cluster.json.numIncrBy(key(sensor), '$.readings', 2), [2]);
  }
  assert.deepEqual(await cluster.bf.mAdd('seen', ['m001', 'm002', 'm001']), [true, true, false]);
  await cluster.ts.create('{s01}:value');
  await cluster.ts.create('{s01}:minute');
  await cluster.ts.createRule('{s01}:value', '{s01}:minute', 'AVG', MINUTE);
  for (const [time, value] of samples('s01')) assert.equal(await cluster.ts.add('{s01}:value', time, value), time);
  assert.deepEqual(pairs(await cluster.ts.range('{s01}:minute', '-', '+')), closed('s01'));
  await cluster.close();
});
