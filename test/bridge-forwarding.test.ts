// What the bridge itself does, between ends that the tests script.
import test from 'ava';
import { DisruptorError } from 'shm-disruptor';
import { Bridge, Undeliverable } from 'shm-disruptor/bridge';

import { gone, ListSource, parcel, ScriptTarget, until } from './bridge/ends.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';

const some = (count: number) => Array.from({ length: count }, (_, i) => parcel(i));
const sequences = (parcels: readonly { sequence: number }[]) =>
  parcels.map(({ sequence }) => sequence);
const backoff = { least: 1, most: 4 };

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

test('acknowledges what has arrived, and no more than that', async (t) => {
  const from = new ListSource(some(10));
  let inFlight = 0;
  // Three of what is under way at a time, and then never an answer.
  const to = new ScriptTarget((parcels) => {
    inFlight = Math.max(inFlight, parcels.length);
    if (from.acknowledged.length >= 6) return new Promise<number>(() => undefined);
    return Math.min(3, parcels.length);
  });
  const bridge = new Bridge({ from, to, maxInFlight: 4 });
  await until(() => from.acknowledged.length >= 6);
  t.deepEqual(sequences(from.acknowledged), [0, 1, 2, 3, 4, 5, 6]);
  t.is(inFlight, 4);
  t.is(bridge.stats().inFlight, 1);
  t.is(bridge.stats().state, 'running');
});

test('an engine that is away is tried again, and gets everything in order', async (t) => {
  const from = new ListSource(some(9));
  let calls = 0;
  const to = new ScriptTarget((parcels) => {
    calls += 1;
    if (calls % 3 !== 0) throw gone();
    return Math.min(2, parcels.length);
  });
  const delays: number[] = [];
  const bridge = new Bridge({
    from,
    to,
    backoff,
    onDisconnect: (_, delay) => {
      delays.push(delay);
    },
  });
  await until(() => from.acknowledged.length === 9);
  const { state, forwarded, reconnects, repeated, lastError } = bridge.stats();
  await bridge.stop();
  t.deepEqual(sequences(to.arrived), sequences(some(9)));
  t.deepEqual([state, forwarded, reconnects], ['running', 9, delays.length]);
  t.true(repeated > 0);
  t.is(lastError, 'engine: no answer');
  t.true(Math.max(...delays) <= backoff.most);
  t.is(to.opened, 1 + reconnects);
});

test('stopping waits for what is under way, and ends both ends', async (t) => {
  const from = new ListSource(some(3));
  let answer: (count: number) => void = () => undefined;
  const to = new ScriptTarget(() => new Promise((resolve) => (answer = resolve)));
  const bridge = new Bridge({ from, to });
  await until(() => bridge.stats().inFlight === 3);
  const stopped = bridge.stop();
  answer(3);
  await stopped;
  t.deepEqual(sequences(from.acknowledged), [0, 1, 2]);
  t.true(from.ended && to.ended);
  t.is(bridge.stats().state, 'stopped');
  t.is(bridge.stats().inFlight, 0);
});

test('stopping while the engine is away does not wait for it', async (t) => {
  const from = new ListSource(some(3));
  const to = new ScriptTarget(() => {
    throw gone();
  });
  const bridge = new Bridge({ from, to, backoff: { least: 3_600_000, most: 3_600_000 } });
  await until(() => bridge.stats().state === 'away');
  await bridge.stop();
  t.deepEqual(from.acknowledged, []);
});

test('at most once: acknowledged before it is sent, and what fails is counted and not sent again', async (t) => {
  const from = new ListSource(some(6));
  let calls = 0;
  const to = new ScriptTarget((parcels) => {
    t.is(from.acknowledged.length, 2 * (calls + 1));
    calls += 1;
    if (calls === 2) throw gone();
    return parcels.length;
  });
  const bridge = new Bridge({ from, to, backoff, maxInFlight: 2, atMostOnce: true });
  await until(() => bridge.stats().forwarded === 4);
  const { lost, repeated } = bridge.stats();
  await bridge.stop();
  t.deepEqual(sequences(to.arrived), [0, 1, 4, 5]);
  t.deepEqual([lost, repeated], [2, 0]);
});

test('what can never be delivered stops it, and is not acknowledged', async (t) => {
  const from = new ListSource(some(4));
  const to = new ScriptTarget((parcels) => {
    if (parcels[0]!.sequence === 2) throw new Undeliverable(new Error('too long'));
    return 1;
  });
  const bridge = new Bridge({ from, to });
  const error = await t.throwsAsync(bridge.done, { instanceOf: DisruptorError });
  t.like(error, { code: 'ERR_UNDELIVERABLE', message: 'too long' });
  t.deepEqual(sequences(from.acknowledged), [0, 1]);
  t.true(from.ended && to.ended);
});

test('or is left out and counted, if that is what is asked for', async (t) => {
  const from = new ListSource(some(4));
  const refused: number[] = [];
  const to = new ScriptTarget((parcels) => {
    if (parcels[0]!.sequence === 2) throw new Undeliverable(new Error('too long'));
    return 1;
  });
  const bridge = new Bridge({
    from,
    to,
    onUndeliverable(_, { sequence }) {
      refused.push(sequence);
      return Promise.resolve('skip' as const);
    },
  });
  await until(() => from.acknowledged.length === 4);
  const { skipped, forwarded } = bridge.stats();
  await bridge.stop();
  t.deepEqual([refused, skipped, forwarded], [[2], 1, 3]);
  t.deepEqual(sequences(to.arrived), [0, 1, 3]);
});

test('any other error ends it with that error', async (t) => {
  const from = new ListSource(some(1));
  const to = new ScriptTarget(() => {
    throw Object.assign(new Error('gone'), { code: 'ERR_SEGMENT_REPLACED' });
  });
  await t.throwsAsync(new Bridge({ from, to }).done, { message: 'gone' });
  t.true(from.ended && to.ended);
});

test('metrics are plain numbers with names, sentences and labels', async (t) => {
  const from = new ListSource(some(5));
  const bridge = new Bridge({ from, to: new ScriptTarget(({ length }) => length) });
  await until(() => from.acknowledged.length === 5);
  const metrics = bridge.metrics();
  await bridge.stop();
  for (const { name, help, type, value, labels } of metrics) {
    t.regex(name, /^shm_disruptor_bridge_[a-z_]+$/);
    t.is(name.endsWith('_total'), type === 'counter', name);
    t.true(help.length > 0 && Number.isFinite(value));
    t.deepEqual(labels, { from: 'list', to: 'script' });
  }
  const value = (name: string) => metrics.find((metric) => metric.name.endsWith(name))?.value;
  t.is(value('bridge_forwarded_total'), 5);
  t.is(value('bridge_up'), 1);
  t.is(value('bridge_lag'), 0);
});

test('wrong options are errors', (t) => {
  const from = new ListSource([]);
  const to = new ScriptTarget(() => 0);
  const wrong: [object, string][] = [
    [{ to }, 'ERR_INVALID_ARG_TYPE'],
    [{ from, to: from }, 'ERR_INVALID_ARG_TYPE'],
    [{ from, to, maxInFlight: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ from, to, atMostOnce: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ from, to, backoff: { least: 0 } }, 'ERR_OUT_OF_RANGE'],
    [{ from, to, backoff: { least: 10, most: 5 } }, 'ERR_OUT_OF_RANGE'],
    [{ from, to, onDisconnect: 'no' }, 'ERR_INVALID_ARG_TYPE'],
    [{ from, to, onUndeliverable: 'skip' }, 'ERR_INVALID_ARG_TYPE'],
  ];
  for (const [options, code] of wrong) {
    t.throws(() => new Bridge(options as never), { code });
  }
  t.throws(() => new Bridge(undefined as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
