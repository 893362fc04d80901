// Messages that each go to one consumer, and everybody killed again and again: then what was promised.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { random } from '../compat/random.js';
import { Cast } from './cast.js';
import type { RoundResult } from './cast.js';
import { Deliveries } from './deliveries.js';
import type { Delivery } from './deliveries.js';
import { Entry, Ledger } from './ledger.js';
import { create, MAX_TAKEN } from './outlets.js';
import type { Manner, Watched } from './outlets.js';
import { LONGEST } from './parcel.js';
import { Phase } from './phase.js';
import type { RoundOptions } from './round.js';
import type { Place } from './slot.js';

const PLACES: Place[] = [
  { kind: 'process', stay: 80 },
  { kind: 'process', stay: 80 },
  { kind: 'worker', stay: 80 },
  { kind: 'process', stay: 80, consumer: 0 },
  { kind: 'process', stay: 80, consumer: 1 },
  { kind: 'worker', stay: 80, consumer: 2 },
  { kind: 'worker', stay: 80, consumer: 3 },
];

const consumes = ({ consumer }: Place) => consumer !== undefined;

/** More than a message drops: as many as have room in its place. */
const MAX_DROPPED = Math.ceil(LONGEST / 32) + 2;

let rounds = 0;

/** What arrived of what one has sent. */
class Arrivals {
  /** How often each number was seen, marked as redelivered or not, from 1 on. */
  readonly #times: number[] = [];
  readonly #unmarked: number[] = [];

  note({ number, redelivered }: Delivery): void {
    this.#times[number] = (this.#times[number] ?? 0) + 1;
    if (!redelivered) this.#unmarked[number] = (this.#unmarked[number] ?? 0) + 1;
  }

  /** Which came more than once without a mark. */
  get twice(): number[] {
    return this.#unmarked.flatMap((times, number) => (times > 1 ? [number] : []));
  }

  /** Which are missing of those up to `committed`. */
  missing(committed: number): number[] {
    const numbers = Array.from({ length: committed }, (_, i) => i + 1);
    return numbers.filter((number) => this.#times[number] === undefined);
  }
}

export class SharingRound {
  readonly #manner: Manner;
  readonly #ledgerPath: string;
  readonly #deliveriesPath: string;
  readonly #ledger: Ledger;
  readonly #deliveries: Deliveries;
  readonly #watched: Watched;
  readonly #cast: Cast;

  constructor(manner: Manner, { kills, seed, folder }: RoundOptions) {
    rounds += 1;
    this.#manner = manner;
    const below = random(seed);
    const name = `/shm-disruptor-torture-${process.pid}-${manner}-${rounds}`;
    this.#ledgerPath = join(folder, `ledger-${manner}-${rounds}`);
    this.#deliveriesPath = join(folder, `deliveries-${manner}-${rounds}`);
    writeFileSync(this.#ledgerPath, '');
    this.#ledger = new Ledger(this.#ledgerPath);
    this.#deliveries = new Deliveries(this.#deliveriesPath);
    this.#watched = create(name, manner, below);
    this.#enter(Phase.Run);
    const files = { ledger: this.#ledgerPath, deliveries: this.#deliveriesPath };
    this.#cast = new Cast({
      name,
      places: PLACES,
      script: new URL('./sharer.js', import.meta.url),
      partOf: (place) => ({ name, manner, ...files, consumes: consumes(place) }),
      below,
      kills,
      // Nobody waits for a consumer that is not there.
      goesOn: (taking) => taking.some(consumes) && !taking.every(consumes),
    });
  }

  async run(): Promise<RoundResult> {
    const cast = this.#cast;
    const state = { runs: true };
    const stop = cast.watch(
      () => this.#deliveries.count,
      () => state.runs,
    );
    const survivors = await cast.perform();
    state.runs = false;
    this.#enter(Phase.Stop);
    await cast.gone(survivors.filter((_, index) => !consumes(PLACES[index]!)));
    // Those who are left get what the dead have left before they are told to end.
    await cast.limited(this.#emptied(), 'the last messages');
    state.runs = false;
    this.#enter(Phase.Drain);
    await cast.gone(survivors);
    stop();
    const messages = this.#judge();
    const { count, elements } = this.#watched.gaps;
    this.#watched.close();
    this.#ledger.close();
    this.#deliveries.close();
    await cast.clean();
    rmSync(this.#ledgerPath);
    rmSync(this.#deliveriesPath);
    const { kills, pauses, stall, faults } = cast;
    const title = `${kills} kills, ${messages} messages, ${this.#title}`;
    return { title, kills, messages, gaps: count, lost: elements, pauses, stall, faults };
  }

  get #title(): string {
    return this.#manner === 'group' ? 'to a group' : `${this.#manner} queue`;
  }

  /** Leaves nothing when the program ends in the middle. */
  abandon(): void {
    this.#cast.abandon();
  }

  #enter(phase: Phase): void {
    this.#ledger.write(0, Entry.Phase, phase);
  }

  async #emptied(): Promise<void> {
    while (!this.#watched.empty && this.#cast.faults.length === 0) await sleep(10);
  }

  /** Compares what came with what was written down by those who sent it. Says how many came. */
  #judge(): number {
    const { faults } = this.#cast;
    const arrivals = new Map<number, Arrivals>();
    const last = new Map<string, number>();
    let count = 0;
    let displaced = 0;
    for (const delivery of this.#deliveries) {
      const { incarnation, sender, number, redelivered } = delivery;
      count += 1;
      const of = arrivals.get(sender) ?? new Arrivals();
      arrivals.set(sender, of);
      of.note(delivery);
      if (redelivered) continue;
      const pair = `${incarnation} ${sender}`;
      if (number <= (last.get(pair) ?? 0)) displaced += 1;
      else last.set(pair, number);
    }
    const known = this.#incarnationsOf((place) => !consumes(place));
    for (const [sender, { twice }] of arrivals) {
      if (!known.includes(sender)) faults.push(`Nobody is ${sender}, who sent something`);
      if (twice.length > 0) faults.push(`${twice.join(', ')} of ${sender} came again unmarked`);
    }
    this.#judgeDisplaced(displaced);
    this.#judgeMissing(known, arrivals);
    return count;
  }

  #incarnationsOf(matches: (place: Place) => boolean): number[] {
    return this.#cast.incarnations.filter((_, index) => matches(PLACES[index]!)).flat();
  }

  /** Taken without acknowledgement, what a dead consumer had in its hands comes later, unmarked. */
  get #marks(): boolean {
    return this.#manner === 'acknowledged' || this.#manner === 'group';
  }

  #judgeDisplaced(displaced: number): void {
    const { faults, kills } = this.#cast;
    if (displaced > (this.#marks ? 0 : kills)) faults.push(`${displaced} came too late`);
  }

  #judgeMissing(senders: number[], arrivals: Map<number, Arrivals>): void {
    const { faults } = this.#cast;
    const dead = this.#incarnationsOf(consumes).length;
    let dropped = 0;
    let missing = 0;
    for (const sender of senders) {
      const committed = this.#ledger.read(sender, Entry.Committed);
      const lost = arrivals.get(sender)?.missing(committed) ?? new Arrivals().missing(committed);
      dropped += this.#ledger.read(sender, Entry.Dropped);
      missing += lost.length;
      if (this.#marks && lost.length > 0) faults.push(`${lost.join(', ')} of ${sender} are lost`);
    }
    // Whoever dies with what it has dequeued takes that along, and who drops what it would have said.
    let most = dropped + dead * MAX_TAKEN;
    if (this.#manner === 'cyclic') most += senders.length * MAX_DROPPED;
    if (missing > most) faults.push(`${missing} are lost, and at most ${most} may be`);
  }
}
