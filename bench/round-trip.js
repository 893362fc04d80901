// How long a message takes to another process, or to another thread, and back.
import { setTimeout as sleep } from 'node:timers/promises';

import { build } from 'hdr-histogram-js';

import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { withPlace } from './harness/place.js';
import { together } from './harness/participants.js';
import { alternate } from './harness/samples.js';
import { column, nameColumn, ratioColumn } from './harness/table.js';
import { inThreads } from './harness/threads.js';
import { loadRival } from './rivals/rival.js';

const RIVAL = 'shared-memory-disruptor';
const CONTESTANTS = [
  { name: 'shm-disruptor, sync', rival: 'shm-disruptor', link: 'sync' },
  { name: 'shared-memory-disruptor, sync', rival: RIVAL, link: 'sync' },
  { name: 'shm-disruptor, await', rival: 'shm-disruptor', link: 'await' },
  { name: 'shared-memory-disruptor, await', rival: RIVAL, link: 'await' },
  { name: 'shm-disruptor, callback', rival: 'shm-disruptor', link: 'callback' },
  { name: 'shared-memory-disruptor, callback', rival: RIVAL, link: 'callback' },
  { name: 'shm-disruptor, sync, threads', rival: 'shm-disruptor', link: 'sync', threads: true },
  { name: 'shm-disruptor, await, threads', rival: 'shm-disruptor', link: 'await', threads: true },
  { name: 'postMessage, threads', rival: 'worker-messages', link: 'await', threads: true },
  { name: 'child_process.send, json', rival: 'child-process', link: 'json' },
  { name: 'child_process.send, advanced', rival: 'child-process', link: 'advanced' },
  { name: 'stdio pipe', rival: 'stdio-pipe', link: 'await' },
  { name: 'unix socket', rival: 'unix-socket', link: 'await' },
  { name: 'zeromq, ipc', rival: 'zeromq', link: 'await' },
];

export const roles = {
  async answerer({ rival, link, place, port, calls }) {
    const { links } = await loadRival(rival);
    const serve = await links[link].answer(place, port);
    return () => serve(calls);
  },

  async caller({ rival, link, place, port, calls, warmUp, idle }) {
    const { links } = await loadRival(rival);
    const ask = await links[link].call(place, port);
    const milliseconds = new Float64Array(calls);
    return async () => {
      for (let i = 0; i < calls; i += 1) {
        if (idle > 0 && i >= warmUp) await sleep(idle);
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

  async threads(part) {
    const both = await inThreads('round-trip', partsOf(part));
    return async () => {
      const [, caller] = await both();
      return caller.result;
    };
  },
};

const partsOf = (part) => ['answerer', 'caller'].map((role) => ({ ...part, role }));

/** All calls of one run, in nanoseconds. `meet` gives them a place. */
export function roundTrips(
  { rival, link, threads },
  { warmUp, counted, idle = 0 },
  meet = withPlace,
) {
  return meet(async (place) => {
    const part = { rival, link, place, warmUp, calls: warmUp + counted, idle };
    const parts = threads ? [{ ...part, role: 'threads' }] : partsOf(part);
    const times = await together('round-trip', parts);
    return times.at(-1).result;
  });
}

/** Microseconds that so many percent of the calls took at most. */
export function percentiles(runs) {
  const histogram = build({ numberOfSignificantValueDigits: 3 });
  for (const nanoseconds of runs.flat()) histogram.recordValue(nanoseconds);
  const at = (percent) => histogram.getValueAtPercentile(percent) / 1e3;
  return { p50: at(50), p99: at(99), p999: at(99.9), max: histogram.maxValue / 1e3 };
}

/** All contestants, or all but the one whose addon does not exist for this machine. */
async function contestants() {
  try {
    await import('zeromq');
    return CONTESTANTS;
  } catch (error) {
    console.log(`without zeromq, which cannot be loaded: ${error.message}`);
    return CONTESTANTS.filter(({ rival }) => rival !== 'zeromq');
  }
}

// What is waited for in any other way than ours stands beside the rival's promises.
function rivalOf({ link, threads }, all) {
  if (threads) return -1;
  const same = ['sync', 'callback'].includes(link) ? link : 'await';
  return all.findIndex((other) => other.rival === RIVAL && other.link === same);
}

export async function run(size) {
  const all = await contestants();
  const runs = await alternate(all, size.rounds, (one) => roundTrips(one, size));
  const latencies = runs.map(percentiles);
  return all.map((one, i) => {
    const theirs = latencies[rivalOf(one, all)];
    return {
      name: one.name,
      microseconds: latencies[i],
      timesRival: theirs && theirs.p50 / latencies[i].p50,
    };
  });
}

export const chart = lessIsBetter('microseconds (p50)', ({ microseconds }) => microseconds.p50);

export const scenario = {
  name: 'round-trip',
  about: '4 bytes there and back, one call at a time, in microseconds',
  sizes: {
    short: { warmUp: 1_000, counted: 4_000, rounds: 1 },
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
  chart,
  run,
};

await commandLineOf(import.meta.url, scenario);
