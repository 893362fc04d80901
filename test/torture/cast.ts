// Everybody on a segment but who watches: killed again and again, and each time somebody else comes.
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { listSegments, unlinkSegment } from 'shm-disruptor';

import { start } from './slot.js';
import type { Life, Place } from './slot.js';

/** Longer than that nobody may wait, on a machine that is busy with starting processes. */
const DEADLOCK_MILLISECONDS = 5000;

/** What a round on a segment has come to. */
export interface RoundResult {
  /** What it was about. */
  title: string;
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

export interface CastOptions {
  /** The segment's name. */
  name: string;
  places: readonly Place[];
  /** What everybody runs. */
  script: URL;
  /** What is told to whoever comes to a place, beside his number. */
  partOf: (place: Place) => object;
  below: (limit: number) => number;
  kills: number;
  /** Whether something has to arrive while these take part. */
  goesOn: (taking: readonly Place[]) => boolean;
}

export class Cast {
  readonly faults: string[] = [];
  /** The numbers of those in each place, in order; they count from 1. */
  readonly incarnations: number[][];
  kills = 0;
  pauses = 0;
  stall = 0;
  readonly #options: CastOptions;
  readonly #inode: number;
  readonly #lives = new Set<Life>();
  #incarnation = 0;
  #killsLeft: number;
  /** Who takes part now, and since when something has to arrive. */
  readonly #taking = new Set<Place>();
  #pausing = 0;
  #wholeSince = Infinity;

  constructor(options: CastOptions) {
    this.#options = options;
    this.#killsLeft = options.kills;
    this.#inode = statSync(join('/dev/shm', options.name)).ino;
    this.incarnations = options.places.map(() => []);
  }

  /** Lets everybody come and be killed until there were enough kills: those who are left. */
  perform(): Promise<Life[]> {
    return Promise.all(this.#options.places.map((place, index) => this.#occupy(place, index)));
  }

  /** Notices when `progress` stands still for too long; the result ends that. */
  watch(progress: () => number, running: () => boolean): () => void {
    let seen = progress();
    let since = performance.now();
    const watchdog = setInterval(() => {
      const now = performance.now();
      const reached = progress();
      if (reached !== seen || !running()) since = now;
      seen = reached;
      const stall = now - Math.max(since, this.#wholeSince);
      this.stall = Math.max(this.stall, stall);
      if (stall <= DEADLOCK_MILLISECONDS) return;
      const info = listSegments().find(({ name }) => name === this.#options.name);
      this.fault(`Nothing arrives any more: ${JSON.stringify(info)}`);
      since = Infinity;
    }, 10);
    return () => {
      clearInterval(watchdog);
    };
  }

  fault(text: string): void {
    this.faults.push(text);
    // What went wrong first is of interest, not what it leads to.
    this.#killsLeft = 0;
  }

  /** Waits until these have ended, and ends them if that takes too long. */
  async gone(lives: Life[]): Promise<void> {
    const ends = Promise.all(lives.map(({ end }) => end));
    if (await this.limited(ends, 'an end')) return;
    for (const life of lives) life.kill();
    await ends;
  }

  /** What `promise` gives; undefined, and a fault, if that takes too long. */
  async limited<T>(promise: Promise<T>, what: string): Promise<T | undefined> {
    const end = new AbortController();
    const limit = sleep(2 * DEADLOCK_MILLISECONDS, 'late' as const, { signal: end.signal });
    const first = await Promise.race([promise.then((value) => ({ value })), limit]);
    end.abort();
    limit.catch(() => undefined);
    if (first !== 'late') return first.value;
    this.fault(`Waited for ${what} in vain`);
    return undefined;
  }

  /** Leaves nothing when the program ends in the middle. */
  abandon(): void {
    for (const life of this.#lives) life.kill();
    rmSync(join('/dev/shm', this.#options.name), { force: true });
  }

  /** Takes the segment away, and looks that nothing is left: of it here, and of others anywhere. */
  async clean(): Promise<void> {
    const inode = this.#inode;
    // By inode: an object that was created without a name goes on without it there.
    const of = (file: string, pattern: RegExp) => pattern.test(readFileSync(file, 'utf8'));
    if (of('/proc/locks', new RegExp(`:${inode} `))) this.faults.push('A lock is left');
    // Node lets go of a released segment's memory a little later.
    const mapped = () => of('/proc/self/maps', new RegExp(` ${inode} +/dev/shm/`));
    for (let i = 0; i < 100 && mapped(); i += 1) await sleep(10);
    if (mapped()) this.faults.push('A mapping is left');
    const openings = readdirSync('/proc/self/fd').filter((file) => {
      return statSync(join('/proc/self/fd', file), { throwIfNoEntry: false })?.ino === inode;
    });
    if (openings.length > 0) this.faults.push(`${openings.length} openings are left`);
    const name = this.#options.name.slice(1);
    unlinkSegment(this.#options.name);
    const files = readdirSync('/dev/shm').filter((file) => file.startsWith(name));
    if (files.length > 0) this.faults.push(`Left: ${files.join(', ')}`);
  }

  /** Kills whoever is in the place until there have been enough kills; resolves to who is left. */
  async #occupy(place: Place, index: number): Promise<Life> {
    const { below } = this.#options;
    for (;;) {
      const life = this.#start(place, index);
      const early = below(10) === 0 && this.incarnations[index]!.length > 1;
      if (!early) {
        await this.limited(life.ready, 'a start');
        this.#taking.add(place);
        this.#judgeWhole();
      }
      await sleep(below(place.stay));
      if (below(8) === 0 && this.#killsLeft > 0) await this.#pause(life);
      if (this.#killsLeft <= 0) return life;
      this.#killsLeft -= 1;
      this.kills += 1;
      this.#taking.delete(place);
      this.#judgeWhole();
      life.kill();
      await this.gone([life]);
    }
  }

  async #pause(life: Life): Promise<void> {
    this.pauses += 1;
    this.#pausing += 1;
    this.#judgeWhole();
    await life.pause(1 + this.#options.below(100));
    this.#pausing -= 1;
    this.#judgeWhole();
  }

  // Others have to wait for those who are stopped: then nothing has to arrive.
  #judgeWhole(): void {
    const whole = this.#pausing === 0 && this.#options.goesOn([...this.#taking]);
    if (!whole) this.#wholeSince = Infinity;
    else if (this.#wholeSince === Infinity) this.#wholeSince = performance.now();
  }

  #start(place: Place, index: number): Life {
    const { script, partOf, below } = this.#options;
    const incarnation = (this.#incarnation += 1);
    this.incarnations[index]!.push(incarnation);
    const life = start(place, script, { ...partOf(place), incarnation, seed: below(2 ** 31) });
    this.#lives.add(life);
    void life.end.then((wrong) => {
      this.#lives.delete(life);
      if (wrong !== undefined) this.fault(wrong);
    });
    return life;
  }
}
