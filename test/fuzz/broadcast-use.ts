// One broadcast whose numbers are damaged while it is used, in every way that the public interface has.
import { closeSync, openSync, writeSync } from 'node:fs';

import { Broadcast, SubscriptionReadStream } from 'shm-disruptor';
import type { BroadcastSlot, ReceivedMessage, Subscription } from 'shm-disruptor';

import type { Random } from './image.js';
import { attempt, attempted, requireThat, requireTyped } from './outcome.js';

// As in addon/core/layout.h.
const WORDS = { next: 256, cursor: 384, bell: 4096 } as const;
const PAGE = 4096;
const ENTRY = 128;
const SLOT_HEADER = 16;
const WRITER_BITS = 11n;
const DROPPED = 2047n;

const EDGES = [0n, 1n, 2n ** 32n, 2n ** 53n - 9n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 9n];
const MAX_STEPS = 48;
const LONGEST = 40;
/** How long a wait may take, in milliseconds. */
const PATIENCE = 3;

/** Everything that is done with one broadcast. */
export class BroadcastUse {
  readonly #below: Random;
  readonly #name: string;
  readonly #file: number;
  readonly #elements: number;
  readonly #stride: number;
  readonly #slots: number;
  readonly #longest: number;
  readonly #broadcasts: Broadcast[];
  readonly #subscriptions: Subscription[] = [];
  readonly #pending: Promise<unknown>[] = [];
  #slot: BroadcastSlot | undefined;

  constructor(name: string, below: Random) {
    this.#below = below;
    this.#name = name;
    this.#elements = 1 + below(9);
    this.#longest = 1 + below(LONGEST);
    this.#stride = Math.ceil((SLOT_HEADER + this.#longest) / SLOT_HEADER) * SLOT_HEADER;
    const single = below(2) === 0;
    const places = single ? 1 : 1 + below(3);
    this.#slots = Math.ceil((2 * PAGE + places * ENTRY) / PAGE) * PAGE;
    const options = { elements: this.#elements, elementSize: this.#longest };
    const created = Broadcast.create(
      name,
      single ? options : { ...options, producers: 'multi', maxProducers: places },
    );
    this.#broadcasts = [created, Broadcast.open(name)];
    this.#file = openSync(`/dev/shm${name}`, 'r+');
    this.#subscriptions.push(created.subscribe());
  }

  async run(): Promise<void> {
    try {
      for (let steps = this.#below(MAX_STEPS); steps > 0; steps -= 1) await this.#step();
      // Also ends waits that have no limit of their own.
      for (const each of [...this.#subscriptions, ...this.#broadcasts]) each.close();
      await Promise.all(this.#pending);
    } finally {
      closeSync(this.#file);
      Broadcast.unlink(this.#name);
    }
  }

  #some<T>(all: readonly T[]): T | undefined {
    return all[this.#below(all.length)];
  }

  async #step(): Promise<void> {
    const below = this.#below;
    const broadcast = this.#some(this.#broadcasts)!;
    const subscription = this.#some(this.#subscriptions)!;
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        this.#damage();
        break;
      case 3:
      case 4:
        attempt('publish', () => broadcast.publish(Buffer.alloc(below(this.#longest + 1), 1)));
        break;
      case 5:
        attempt('claim', () => {
          this.#slot = broadcast.claim();
          requireThat(this.#slot.view.length === this.#longest, 'a view is as long as a message');
          this.#slot.view.fill(2);
        });
        break;
      case 6:
        attempt('commit', () => this.#slot?.commit(below(this.#longest + 1)));
        if (below(4) === 0) attempt('abort', () => this.#slot?.abort());
        break;
      case 7:
        this.#look(broadcast, subscription);
        break;
      case 8:
        attempt('subscribe', () => {
          const from = this.#some(['latest', 'oldest', below(20)] as const)!;
          if (below(2) === 0) subscription.seek(from);
          else this.#subscriptions.push(broadcast.subscribe({ from }));
        });
        break;
      default:
        await this.#receive(subscription);
    }
  }

  #check(received: ReceivedMessage<Buffer> | undefined): void {
    if (!received) return;
    const { data, sequence, lost } = received;
    requireThat(data.length <= this.#longest, 'no message is longer than the longest');
    requireThat(Number.isSafeInteger(sequence) && sequence >= 0, 'sequences are numbers');
    requireThat(Number.isSafeInteger(lost) && lost >= 0, 'losses are numbers');
  }

  #look(broadcast: Broadcast, subscription: Subscription): void {
    attempt('latest', () => {
      this.#check(broadcast.latest());
      this.#check(subscription.latest());
    });
    attempt('stats', () => [broadcast.stats(), subscription.position, subscription.lag]);
  }

  async #receive(subscription: Subscription): Promise<void> {
    const timeout = this.#below(PATIENCE);
    switch (this.#below(7)) {
      case 0:
        this.#check(attempt('receiveSync', () => subscription.receiveSync({ timeout })));
        break;
      case 1:
        this.#check(await attempted('receive', () => subscription.receive({ timeout })));
        break;
      case 2: {
        const many = await attempted('many', () => subscription.receiveMany(5, { timeout }));
        many?.forEach((each) => {
          this.#check(each);
        });
        break;
      }
      case 3: {
        const target = new Uint8Array(this.#below(this.#longest + 1));
        const landed = attempt('target', () => subscription.tryReceive(target));
        requireThat(!landed || landed.length <= target.length, 'a target has room');
        break;
      }
      case 4:
        this.#pending.push(attempted('receive', () => subscription.receive()));
        break;
      case 5: {
        const stream = new SubscriptionReadStream(subscription);
        stream.on('error', (error) => {
          requireTyped(error, 'stream');
        });
        stream.read();
        await new Promise(setImmediate);
        stream.destroy();
        break;
      }
      default:
        this.#check(attempt('tryReceive', () => subscription.tryReceive()));
    }
  }

  /** A number that is nearly right, or not at all. */
  #number(): bigint {
    const below = this.#below;
    const near = BigInt(below(4 * this.#elements));
    return below(3) === 0 ? this.#some(EDGES)! + near : near;
  }

  #damage(): void {
    const below = this.#below;
    const slot = this.#slots + below(this.#elements) * this.#stride;
    switch (below(6)) {
      case 0:
        this.#write(this.#some(Object.values(WORDS))!, this.#number());
        break;
      case 1:
        this.#write(WORDS.next, this.#number());
        break;
      case 2:
        this.#write(slot + 8, below(2) === 0 ? BigInt(below(2 * LONGEST)) : 2n ** 32n - 1n);
        break;
      case 3:
        this.#write(this.#slots - PAGE + 8 * below(PAGE / 8), this.#number());
        break;
      default: {
        const writer = this.#some([0n, 0n, 1n, 2n, 2000n, DROPPED])!;
        this.#write(slot, (this.#number() << WRITER_BITS) | writer);
      }
    }
  }

  #write(offset: number, value: bigint): void {
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(BigInt.asUintN(64, value));
    writeSync(this.#file, word, 0, 8, offset);
  }
}
