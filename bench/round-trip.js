// How long a message takes to another process and back.
import { build } from 'hdr-histogram-js';

import { commandLineOf } from './harness/command-line.js';
import { withPlace } from './harness/place.js';
import { together } from './harness/participants.js';
import { alternate } from './harness/samples.js';
import { column, nameColumn, ratioColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';

const CONTESTANTS = [
  { name: 'shm-disruptor, sync', rival: 'shm-disruptor', link: 'sync' },
  { name: 'shared-memory-disruptor, sync', rival: 'shared-memory-disruptor', link: 'sync' },
  { name: 'shm-disruptor, await', rival: 'shm-disruptor', link: 'await' },
  { name: 'shared-memory-disruptor, await', rival: 'shared-memory-disruptor', link: 'await' },
  { name: 'child_process.send', rival: 'child-process', link: 'await' },
  { name: 'unix socket', rival: 'unix-socket', link: 'await' },
];
const RIVAL = 'shared-memory-disruptor';

export const roles = {
  async answerer({ rival, link, place, calls }) {
    const { links } = await loadRival(rival);
    const serve = await links[link].answer(place);
    return () => serve(calls);
  },

  async caller({ rival, link, place, calls, warmUp }) {
    const { links } = await loadRival(rival);
    const ask = await links[link].call(place);
    const milliseconds = new Float64Array(calls);
    return async () => {
      for (let i = 0; i < calls; i += 1) {
        const begin = performance.now();
        let answer = ask(i);
        // Awaiting a number too would add a turn of the microtask queue to the sync calls.
        if (typeof answer !== 'number') answer = await answer;
        milliseconds[i] = performance.now() - begin;
        if (answer !== i) throw new Error(`asked ${i}, answered ${answer}`);
      }
      return Array.from(milliseconds.subarray(warmUp), (value) => Math.round(value * 1e6));
    };
  },
};

function roundTrips({ rival, link }, { warmUp, counted }) {
  const calls = warmUp + counted;
  return withPlace(async (place) => {
    const [, caller] = await together('round-trip', [
      { role: 'answerer', rival, link, place, calls },
      { role: 'caller', rival, link, place, calls, warmUp },
    ]);
    return caller.result;
  });
}

/** Microseconds that so many percent of the calls took at most. */
function percentiles(runs) {
  const histogram = build({ numberOfSignificantValueDigits: 3 });
  for (const nanoseconds of runs.flat()) histogram.recordValue(nanoseconds);
  const at = (percent) => histogram.getValueAtPercentile(percent) / 1e3;
  return { p50: at(50), p99: at(99), p999: at(99.9), max: histogram.maxValue / 1e3 };
}

async function run(size) {
  const runs = await alternate(CONTESTANTS, size.rounds, (one) => roundTrips(one, size));
  const latencies = runs.map(percentiles);
  return CONTESTANTS.map(({ name, link }, i) => {
    const theirs = CONTESTANTS.findIndex((one) => one.rival === RIVAL && one.link === link);
    return {
      name,
      microseconds: latencies[i],
      timesRival: latencies[theirs].p50 / latencies[i].p50,
    };
  });
}

export const scenario = {
  name: 'round-trip',
  about: '4 bytes to another process and back, one call at a time, in microseconds',
  sizes: {
    short: { warmUp: 1_000, counted: 5_000, rounds: 1 },
    long: { warmUp: 5_000, counted: 50_000, rounds: 5 },
  },
  columns: [
    nameColumn,
    column('p50 us', ({ microseconds }) => microseconds.p50, 1),
    column('p99 us', ({ microseconds }) => microseconds.p99, 1),
    column('p99.9 us', ({ microseconds }) => microseconds.p999, 1),
    column('max us', ({ microseconds }) => microseconds.max, 1),
    ratioColumn,
  ],
  run,
};

await commandLineOf(import.meta.url, scenario);
