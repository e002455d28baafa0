// The story that every client tells, as story.py has it; test_story.py says what is in it.
const story = require('./story.json');

const blob = (numbers) => Buffer.from(Float32Array.from(numbers).buffer);
const key = (sensor) => `sensor:${sensor}`;

/** What the series of a sensor holds: each message once, in the order of time. */
function samples(sensor) {
  const once = new Map(story.messages.filter((one) => one.sensor === sensor).map((one) => [one.id, one]));
  return [...once.values()].map((one) => [one.time, one.value]);
}

/** What a rule has written: every minute but the last, which may still grow. */
const closed = (sensor) => story.expected.minutes[sensor].slice(0, -1);

module.exports = {
  ...story,
  URL: process.env.KEYSPAN_URL,
  CLUSTER_URL: process.env.KEYSPAN_CLUSTER_URL,
  PROTOCOL: Number(process.env.KEYSPAN_PROTOCOL ?? 3),
  MODULES: ['ReJSON', 'bf', 'search', 'timeseries'],
  MINUTE: 60_000,
  QUERY: blob(story.query),
  blob, key, samples, closed,
};
