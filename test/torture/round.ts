// One ring, and everybody on it but a witness killed again and again: then what was promised.
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';

import { random } from '../compat/random.js';
import { Entry, Ledger } from './ledger.js';
import { MESSAGE_BYTES } from './message.js';
import { Phase } from './phase.js';
import { start } from './slot.js';
import type { Life, Place } from './slot.js';
import type { Testimony, Watch } from './witness.js';

/** Longer than that nobody may wait, on a machine that is busy with starting processes. */
const DEADLOCK_MILLISECONDS = 5000;

const PLACES: Place[] = [
  { kind: 'process' },
  { kind: 'process' },
  { kind: 'worker' },
  { kind: 'worker' },
  { kind: 'process', consumer: 1 },
  { kind: 'worker', consumer: 2 },
];

export interface RoundOptions {
  kills: number;
  seed: number;
  deadConsumers: 'hold' | 'detach';
  /** For files. */
  folder: string;
}

export interface RoundResult {
  kills: number;
  messages: number;
  gaps: number;
  lost: number;
  pauses: number;
  /** The longest time in which nothing arrived though it could, in milliseconds. */
  stall: number;
  /** What was not as promised. */
  faults: string[];
}

let rounds = 0;

export class Round {
  readonly #options: RoundOptions;
  readonly #below: (limit: number) => number;
  readonly #name: string;
  readonly #ledgerPath: string;
  readonly #ledger: Ledger;
  readonly #ring: Disruptor;
  readonly #faults: string[] = [];
  readonly #lives = new Set<Life>();
  /** The incarnations in each place, in order. */
  readonly #incarnations: number[][] = PLACES.map(() => []);
  #incarnation = 0;
  #killsLeft: number;
  #kills = 0;
  #pauses = 0;
  /** Who takes part now, and since when all do whom others have to wait for. */
  readonly #taking: boolean[] = PLACES.map(() => false);
  #pausing = 0;
  #wholeSince = Infinity;
  #stall = 0;

  constructor(options: RoundOptions) {
    rounds += 1;
    this.#options = options;
    this.#below = random(options.seed);
    this.#killsLeft = options.kills;
    this.#name = `/shm-disruptor-torture-${process.pid}-${rounds}`;
    this.#ledgerPath = join(options.folder, `ledger-${rounds}`);
    writeFileSync(this.#ledgerPath, '');
    this.#ledger = new Ledger(this.#ledgerPath);
    this.#ring = new Disruptor({
      name: this.#name,
      elements: 16 + this.#below(100),
      elementSize: MESSAGE_BYTES,
      consumers: 3,
      maxProducers: 16,
      deadConsumers: options.deadConsumers,
      init: 'new',
    });
  }

  async run(): Promise<RoundResult> {
    const inode = statSync(join('/dev/shm', this.#name)).ino;
    const { testimony, watched } = await this.#watch();
    // Every consumer has to be there once before it can be missed.
    const places = PLACES.map((place, index) => this.#occupy(place, index));
    const survivors = await Promise.all(places);
    this.#ring.status = Phase.Stop;
    const producing = survivors.filter((_, index) => PLACES[index]!.consumer === undefined);
    await this.#gone(producing);
    this.#ring.recover();
    this.#ring.status = Phase.Drain;
    await this.#gone(survivors);
    const seen = await this.#limited(testimony, 'the witness');
    await watched();
    if (seen) this.#judge(seen);
    const { count, elements } = this.#ring.gaps;
    this.#ring.release();
    this.#ledger.close();
    await this.#cleaned(inode);
    return {
      kills: this.#kills,
      messages: seen?.messages ?? 0,
      gaps: count,
      lost: elements,
      pauses: this.#pauses,
      stall: this.#stall,
      faults: this.#faults,
    };
  }

  /** Leaves nothing when the program ends in the middle. */
  abandon(): void {
    for (const life of this.#lives) life.kill();
    rmSync(join('/dev/shm', this.#name), { force: true });
  }

  /** Starts the witness, and a watchdog over it. */
  async #watch() {
    const heartbeat = new SharedArrayBuffer(4);
    const workerData: Watch = { ring: this.#name, heartbeat };
    const witness = new Worker(new URL('./witness.js', import.meta.url), { workerData });
    witness.on('error', (error) => {
      this.#fault(`The witness: ${error.stack ?? error.message}`);
    });
    const exited = once(witness, 'exit').catch(() => undefined);
    await once(witness, 'message');
    const testimony = once(witness, 'message').then(([seen]) => seen as Testimony);
    testimony.catch(() => undefined);
    const beats = new Int32Array(heartbeat);
    let seen = 0;
    let since = performance.now();
    const watchdog = setInterval(() => {
      const now = performance.now();
      const beat = Atomics.load(beats, 0);
      if (beat !== seen || this.#ring.status !== (Phase.Run as number)) since = now;
      seen = beat;
      const stall = now - Math.max(since, this.#wholeSince);
      this.#stall = Math.max(this.#stall, stall);
      if (stall <= DEADLOCK_MILLISECONDS) return;
      const info = Disruptor.list().find(({ name }) => name === this.#name);
      this.#fault(`Nothing arrives any more: ${JSON.stringify(info)}`);
      since = Infinity;
    }, 10);
    const watched = async () => {
      clearInterval(watchdog);
      if (this.#faults.length > 0) await witness.terminate();
      await exited;
    };
    return { testimony, watched };
  }

  #fault(text: string): void {
    this.#faults.push(text);
    // What went wrong first is of interest, not what it leads to.
    this.#killsLeft = 0;
  }

  /** Kills whoever is in the place until there have been enough kills; resolves to who is left. */
  async #occupy(place: Place, index: number): Promise<Life> {
    for (;;) {
      const life = this.#start(place, index);
      const early = this.#below(10) === 0 && this.#incarnations[index]!.length > 1;
      if (!early) {
        await this.#limited(life.ready, 'a start');
        this.#takes(index, true);
      }
      // While a consumer is away, producers wait for it: more of the time it is there.
      await sleep(this.#below(place.consumer === undefined ? 60 : 200));
      if (this.#below(8) === 0 && this.#killsLeft > 0) await this.#pause(life);
      if (this.#killsLeft <= 0) return life;
      this.#killsLeft -= 1;
      this.#kills += 1;
      this.#takes(index, false);
      life.kill();
      await this.#gone([life]);
    }
  }

  async #pause(life: Life): Promise<void> {
    this.#pauses += 1;
    this.#pausing += 1;
    this.#takes();
    await life.pause(1 + this.#below(100));
    this.#pausing -= 1;
    this.#takes();
  }

  /**
   * Notes who takes part. Others have to wait for consumers, for those who are stopped, and for some
   * producer to be there: then nothing has to arrive.
   */
  #takes(index = -1, taking = false): void {
    if (index >= 0) this.#taking[index] = taking;
    const there = PLACES.map(({ consumer }, place) => ({ consumer, is: this.#taking[place]! }));
    const producers = there.filter(({ consumer }) => consumer === undefined);
    const consumers = there.filter(({ consumer }) => consumer !== undefined);
    const whole =
      this.#pausing === 0 && consumers.every(({ is }) => is) && producers.some(({ is }) => is);
    if (!whole) this.#wholeSince = Infinity;
    else if (this.#wholeSince === Infinity) this.#wholeSince = performance.now();
  }

  #start(place: Place, index: number): Life {
    const incarnation = this.#incarnation++;
    this.#incarnations[index]!.push(incarnation);
    const life = start(place, {
      ring: this.#name,
      ledger: this.#ledgerPath,
      incarnation,
      seed: this.#below(2 ** 31),
      ...(place.consumer !== undefined && { consumer: place.consumer }),
    });
    this.#lives.add(life);
    void life.end.then((wrong) => {
      this.#lives.delete(life);
      if (wrong !== undefined) this.#fault(wrong);
    });
    return life;
  }

  async #gone(lives: Life[]): Promise<void> {
    const ends = Promise.all(lives.map(({ end }) => end));
    if (await this.#limited(ends, 'an end')) return;
    for (const life of lives) life.kill();
    await ends;
  }

  /** What `promise` gives; undefined, and a fault, if that takes too long. */
  async #limited<T>(promise: Promise<T>, what: string): Promise<T | undefined> {
    const end = new AbortController();
    const limit = sleep(2 * DEADLOCK_MILLISECONDS, 'late' as const, { signal: end.signal });
    const first = await Promise.race([promise.then((value) => ({ value })), limit]);
    end.abort();
    limit.catch(() => undefined);
    if (first !== 'late') return first.value;
    this.#fault(`Waited for ${what} in vain`);
    return undefined;
  }

  /** Compares what the witness has seen with what was written down by those who committed it. */
  #judge({ sequence, gaps, last, missing }: Testimony): void {
    if (sequence !== this.#ring.next) this.#faults.push(`${sequence} of ${this.#ring.next} seen`);
    const lost = gaps.reduce((sum, { start: from, end }) => sum + end - from + 1, 0);
    if (lost > this.#kills * 100) this.#faults.push(`${lost} elements lost`);
    PLACES.forEach((place, index) => {
      const incarnations = this.#incarnations[index]!;
      if (place.consumer !== undefined) {
        this.#judgeConsumers(incarnations, gaps);
        return;
      }
      for (const sender of incarnations) {
        const committed = this.#ledger.read(sender, Entry.Committed);
        const seen = last.get(sender) ?? 0;
        if (seen < committed)
          this.#faults.push(`${sender} committed ${committed}, ${seen} arrived`);
      }
    });
    for (const { sender, from, to } of missing) {
      const committed = this.#ledger.read(sender, Entry.Committed);
      if (from <= committed) this.#faults.push(`${from} to ${to} of ${sender} are lost`);
    }
  }

  /** Whoever comes after a consumer that was killed goes on where that one was. */
  #judgeConsumers(incarnations: number[], gaps: Testimony['gaps']): void {
    let given = 0;
    let giving = 0;
    for (const incarnation of incarnations) {
      const began = this.#ledger.read(incarnation, Entry.Began) - 1;
      if (began < 0) continue;
      if (began < given) this.#faults.push(`${began} was given again, after ${given}`);
      if (this.#options.deadConsumers === 'hold') {
        // Gaps are passed without being committed.
        let reached = giving;
        for (const gap of gaps) {
          if (gap.start <= reached && gap.end >= reached) reached = gap.end + 1;
        }
        if (began > reached) this.#faults.push(`${reached} to ${began} were given to nobody`);
      }
      given = Math.max(began, this.#ledger.read(incarnation, Entry.Given));
      giving = Math.max(began, this.#ledger.read(incarnation, Entry.Giving));
    }
  }

  /** That nothing is left: of the ring here, and of its participants anywhere. */
  async #cleaned(inode: number): Promise<void> {
    // By inode: an object that was created without a name goes on without it there.
    const of = (file: string, pattern: RegExp) => pattern.test(readFileSync(file, 'utf8'));
    if (of('/proc/locks', new RegExp(`:${inode} `))) this.#faults.push('A lock is left');
    // Node lets go of a released ring's memory a little later.
    const mapped = () => of('/proc/self/maps', new RegExp(` ${inode} +/dev/shm/`));
    for (let i = 0; i < 100 && mapped(); i += 1) await sleep(10);
    if (mapped()) this.#faults.push('A mapping is left');
    const openings = readdirSync('/proc/self/fd').filter((file) => {
      return statSync(join('/proc/self/fd', file), { throwIfNoEntry: false })?.ino === inode;
    });
    if (openings.length > 0) this.#faults.push(`${openings.length} openings are left`);
    const name = this.#name.slice(1);
    Disruptor.unlink(this.#name);
    rmSync(this.#ledgerPath);
    const files = readdirSync('/dev/shm').filter((file) => file.startsWith(name));
    if (files.length > 0) this.#faults.push(`Left: ${files.join(', ')}`);
  }
}
