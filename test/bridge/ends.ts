// Ends of a bridge that do as a test says, to try the bridge itself.
import { setTimeout as delay } from 'node:timers/promises';

import { Disconnected } from 'shm-disruptor/bridge';
import type { BridgeSource, BridgeTarget, BridgeMessage } from 'shm-disruptor/bridge';

/** A parcel of origin `there`. */
export function parcel(sequence: number, more: Partial<BridgeMessage> = {}): BridgeMessage {
  const facts = { origin: 'there', encoding: 'raw', schema: '', time: 0 };
  const data = Buffer.from(String(sequence));
  return { ...facts, data, sequence, from: sequence, next: sequence + 1, ...more };
}

/** Gives what it is given, `most` at a time, and remembers what was acknowledged. */
export class ListSource implements BridgeSource {
  readonly name = 'list';
  readonly acknowledged: BridgeMessage[] = [];
  opened = 0;
  ended = false;
  readonly #parcels: BridgeMessage[];
  #taken = 0;

  constructor(parcels: readonly BridgeMessage[]) {
    this.#parcels = [...parcels];
  }

  open(): Promise<void> {
    this.opened += 1;
    return Promise.resolve();
  }

  async take(most: number, signal: AbortSignal): Promise<readonly BridgeMessage[]> {
    const taken = this.#parcels.slice(this.#taken, this.#taken + most);
    if (taken.length === 0) await delay(2 ** 31 - 1, undefined, { signal });
    this.#taken += taken.length;
    return taken;
  }

  acknowledge(count: number): void {
    this.acknowledged.push(...this.#parcels.splice(0, count));
    this.#taken -= count;
  }

  giveBack(): void {
    this.#taken = 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.ended = true;
  }

  counts() {
    return { lag: this.#parcels.length };
  }
}

/** Does with what is sent what `answer` says: how many arrive. */
export class ScriptTarget implements BridgeTarget {
  readonly name = 'script';
  readonly arrived: BridgeMessage[] = [];
  opened = 0;
  ended = false;
  readonly #answer: (parcels: readonly BridgeMessage[]) => number | Promise<number>;

  constructor(answer: (parcels: readonly BridgeMessage[]) => number | Promise<number>) {
    this.#answer = answer;
  }

  open(): Promise<void> {
    this.opened += 1;
    return Promise.resolve();
  }

  async send(parcels: readonly BridgeMessage[]): Promise<number> {
    const count = await this.#answer(parcels);
    for (const each of parcels.slice(0, count)) {
      this.arrived.push({ ...each, data: Buffer.from(each.data) });
    }
    return count;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.ended = true;
  }

  counts() {
    return { duplicates: 0 };
  }
}

/** What an engine throws that does not answer. */
export const gone = () => new Disconnected('engine', new Error('no answer'));

/** Until `condition`: the test's timeout is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}
