// How long a round trip takes when nothing has happened for a while: what waking up costs.
import { commandLineOf } from './harness/command-line.js';
import { column, nameColumn, ratioColumn } from './harness/table.js';
import { chart, run } from './round-trip.js';

export const scenario = {
  name: 'after-idling',
  about: 'as round-trip, each call after 1 s without any (0.1 s in the short profile)',
  sizes: {
    short: { warmUp: 500, counted: 5, rounds: 1, idle: 100 },
    long: { warmUp: 1_000, counted: 30, rounds: 1, idle: 1_000 },
  },
  columns: [
    nameColumn,
    column('p50 us', ({ microseconds }) => microseconds.p50, 1),
    column('max us', ({ microseconds }) => microseconds.max, 1),
    ratioColumn,
  ],
  chart,
  run,
};

await commandLineOf(import.meta.url, scenario);
