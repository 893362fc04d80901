// What a claim costs that never waits, with one consumer and with many.
import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { ringName, withPlace } from './harness/place.js';
import { together } from './harness/participants.js';
import { summary } from './harness/samples.js';
import { column, costColumns, nameColumn, ratioColumn } from './harness/table.js';
import { loadRival } from './rivals/rival.js';

const ELEMENTS = 65_536;
const ELEMENT_SIZE = 4;
const FEW = 1;
const MANY = 100;
// Claims between two times at which all consumers catch up. Half a ring, so that no claim waits.
const STRETCH = ELEMENTS / 2;
// Long enough for the compiler, and for every slot to have been used.
const WARM_UP_STRETCHES = 4;

const RIVALS = ['shm-disruptor', 'shared-memory-disruptor'];

class Crowd {
  #producer;
  #consumers;

  constructor(Disruptor, name, count) {
    const attach = (consumer, init) =>
      new Disruptor(name, ELEMENTS, ELEMENT_SIZE, count, consumer, init, true);
    this.#producer = attach(-1, true);
    this.#consumers = Array.from({ length: count }, (_, consumer) => attach(consumer, false));
  }

  /** Milliseconds that a stretch of claims and commits takes, consuming not counted. */
  stretch() {
    const producer = this.#producer;
    const begin = performance.now();
    for (let i = 0; i < STRETCH; i += 1) {
      producer.produceClaimSync();
      producer.produceCommitSync();
    }
    const took = performance.now() - begin;
    for (const consumer of this.#consumers) this.#catchUp(consumer);
    return took;
  }

  #catchUp(consumer) {
    let bytes = 0;
    for (const buf of consumer.consumeNewSync()) bytes += buf.length;
    consumer.consumeCommit();
    if (bytes !== STRETCH * ELEMENT_SIZE) throw new Error(`consumed ${bytes} bytes of a stretch`);
  }
}

export const roles = {
  // Both crowds in one process, by turns, so that their ratio is not one of two processes' luck.
  async claimer({ rival, place, rounds, stretches }) {
    const { Disruptor } = await loadRival(rival);
    const crowds = [FEW, MANY].map(
      (count) => new Crowd(Disruptor, ringName(place, String(count)), count),
    );
    return () => {
      for (const crowd of crowds) {
        for (let i = 0; i < WARM_UP_STRETCHES; i += 1) crowd.stretch();
      }
      const samples = crowds.map(() => []);
      for (let round = 0; round < rounds; round += 1) {
        const took = crowds.map(() => 0);
        for (let i = 0; i < stretches; i += 1) {
          for (const [j, crowd] of crowds.entries()) took[j] += crowd.stretch();
        }
        for (const [j, milliseconds] of took.entries()) {
          samples[j].push((milliseconds * 1e6) / (stretches * STRETCH));
        }
      }
      return samples;
    };
  },
};

async function run(size) {
  const costs = [];
  for (const rival of RIVALS) {
    const [{ result }] = await withPlace((place) =>
      together('consumers', [{ role: 'claimer', rival, place, ...size }]),
    );
    costs.push(result.map(summary));
  }
  const theirs = costs.at(-1);
  return RIVALS.flatMap((rival, i) => {
    const [few] = costs[i];
    return [FEW, MANY].map((count, j) => ({
      name: `${rival}, ${count} consumer${count === 1 ? '' : 's'}`,
      cost: costs[i][j],
      timesFew: costs[i][j].median / few.median,
      timesRival: theirs[j].median / costs[i][j].median,
    }));
  });
}

export const scenario = {
  name: 'consumers',
  about: `claim and commit of one element that never waits; ${MANY} consumers should cost less than 1.5 times one`,
  sizes: {
    short: { rounds: 5, stretches: 4 },
    long: { rounds: 15, stretches: 20 },
  },
  columns: [
    nameColumn,
    ...costColumns('claim'),
    column('x one consumer', ({ timesFew }) => timesFew, 2),
    ratioColumn,
  ],
  chart: lessIsBetter('ns per claim', ({ cost }) => cost.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
