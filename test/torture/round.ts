// One ring, and everybody on it but a witness killed again and again: then what was promised.
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';

import { random } from '../compat/random.js';
import { Cast } from './cast.js';
import type { RoundResult } from './cast.js';
import { Entry, Ledger } from './ledger.js';
import { MESSAGE_BYTES } from './message.js';
import { Phase } from './phase.js';
import type { Place } from './slot.js';
import type { Testimony, Watch } from './witness.js';

// While a consumer is away, producers wait for it: more of the time it is there.
const PLACES: Place[] = [
  { kind: 'process', stay: 60 },
  { kind: 'process', stay: 60 },
  { kind: 'worker', stay: 60 },
  { kind: 'worker', stay: 60 },
  { kind: 'process', stay: 200, consumer: 1 },
  { kind: 'worker', stay: 200, consumer: 2 },
];
const CONSUMERS = 2;

/** What every round is told. */
export interface RoundOptions {
  kills: number;
  seed: number;
  /** For files. */
  folder: string;
}

let rounds = 0;

export class Round {
  readonly #deadConsumers: 'hold' | 'detach';
  readonly #name: string;
  readonly #ledgerPath: string;
  readonly #ledger: Ledger;
  readonly #ring: Disruptor;
  readonly #cast: Cast;

  constructor(deadConsumers: 'hold' | 'detach', { kills, seed, folder }: RoundOptions) {
    rounds += 1;
    this.#deadConsumers = deadConsumers;
    const below = random(seed);
    this.#name = `/shm-disruptor-torture-${process.pid}-${rounds}`;
    this.#ledgerPath = join(folder, `ledger-${rounds}`);
    writeFileSync(this.#ledgerPath, '');
    this.#ledger = new Ledger(this.#ledgerPath);
    this.#ring = new Disruptor({
      name: this.#name,
      elements: 16 + below(100),
      elementSize: MESSAGE_BYTES,
      consumers: 1 + CONSUMERS,
      maxProducers: 16,
      deadConsumers,
      init: 'new',
    });
    this.#cast = new Cast({
      name: this.#name,
      places: PLACES,
      script: new URL('./participant.js', import.meta.url),
      partOf: ({ consumer }) => ({
        ring: this.#name,
        ledger: this.#ledgerPath,
        ...(consumer !== undefined && { consumer }),
      }),
      below,
      kills,
      // Producers wait for consumers, and these for some producer.
      goesOn: (taking) => {
        const consuming = taking.filter(({ consumer }) => consumer !== undefined).length;
        return consuming === CONSUMERS && taking.length > CONSUMERS;
      },
    });
  }

  async run(): Promise<RoundResult> {
    const cast = this.#cast;
    const { testimony, watched } = await this.#watch();
    // Every consumer has to be there once before it can be missed.
    const survivors = await cast.perform();
    this.#ring.status = Phase.Stop;
    const producing = survivors.filter((_, index) => PLACES[index]!.consumer === undefined);
    await cast.gone(producing);
    this.#ring.recover();
    this.#ring.status = Phase.Drain;
    await cast.gone(survivors);
    const seen = await cast.limited(testimony, 'the witness');
    await watched();
    if (seen) this.#judge(seen);
    const { count, elements } = this.#ring.gaps;
    this.#ring.release();
    this.#ledger.close();
    await cast.clean();
    rmSync(this.#ledgerPath);
    const { kills, pauses, stall, faults } = cast;
    const messages = seen?.messages ?? 0;
    const title = `${kills} kills, ${messages} messages, dead consumers ${this.#deadConsumers}`;
    return { title, kills, messages, gaps: count, lost: elements, pauses, stall, faults };
  }

  /** Leaves nothing when the program ends in the middle. */
  abandon(): void {
    this.#cast.abandon();
  }

  /** Starts the witness, and a watchdog over it. */
  async #watch() {
    const heartbeat = new SharedArrayBuffer(4);
    const workerData: Watch = { ring: this.#name, heartbeat };
    const witness = new Worker(new URL('./witness.js', import.meta.url), { workerData });
    witness.on('error', (error) => {
      this.#cast.fault(`The witness: ${error.stack ?? error.message}`);
    });
    const exited = once(witness, 'exit').catch(() => undefined);
    await once(witness, 'message');
    const testimony = once(witness, 'message').then(([seen]) => seen as Testimony);
    testimony.catch(() => undefined);
    const beats = new Int32Array(heartbeat);
    const stop = this.#cast.watch(
      () => Atomics.load(beats, 0),
      () => this.#ring.status === (Phase.Run as number),
    );
    const watched = async () => {
      stop();
      if (this.#cast.faults.length > 0) await witness.terminate();
      await exited;
    };
    return { testimony, watched };
  }

  /** Compares what the witness has seen with what was written down by those who committed it. */
  #judge({ sequence, gaps, last, missing }: Testimony): void {
    const { faults, kills, incarnations: all } = this.#cast;
    if (sequence !== this.#ring.next) faults.push(`${sequence} of ${this.#ring.next} seen`);
    const lost = gaps.reduce((sum, { start: from, end }) => sum + end - from + 1, 0);
    if (lost > kills * 100) faults.push(`${lost} elements lost`);
    PLACES.forEach((place, index) => {
      const incarnations = all[index]!;
      if (place.consumer !== undefined) {
        this.#judgeConsumers(incarnations, gaps);
        return;
      }
      for (const sender of incarnations) {
        const committed = this.#ledger.read(sender, Entry.Committed);
        const seen = last.get(sender) ?? 0;
        if (seen < committed) faults.push(`${sender} committed ${committed}, ${seen} arrived`);
      }
    });
    for (const { sender, from, to } of missing) {
      const committed = this.#ledger.read(sender, Entry.Committed);
      if (from <= committed) faults.push(`${from} to ${to} of ${sender} are lost`);
    }
  }

  /** Whoever comes after a consumer that was killed goes on where that one was. */
  #judgeConsumers(incarnations: number[], gaps: Testimony['gaps']): void {
    const { faults } = this.#cast;
    let given = 0;
    let giving = 0;
    for (const incarnation of incarnations) {
      const began = this.#ledger.read(incarnation, Entry.Began) - 1;
      if (began < 0) continue;
      if (began < given) faults.push(`${began} was given again, after ${given}`);
      if (this.#deadConsumers === 'hold') {
        // Gaps are passed without being committed.
        let reached = giving;
        for (const gap of gaps) {
          if (gap.start <= reached && gap.end >= reached) reached = gap.end + 1;
        }
        if (began > reached) faults.push(`${reached} to ${began} were given to nobody`);
      }
      given = Math.max(began, this.#ledger.read(incarnation, Entry.Given));
      giving = Math.max(began, this.#ledger.read(incarnation, Entry.Giving));
    }
  }
}
