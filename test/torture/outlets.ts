// Where each message goes to one of the consumers: a queue, used in any of three manners, and a ring
// whose consumers are a group. Behind one shape, and each with all the faces that it has.
import { setTimeout as sleep } from 'node:timers/promises';

import { Queue, Ring } from 'shm-disruptor';
import type { Message, WaitStrategy } from 'shm-disruptor';

import { lengthOf, LONGEST, MAX_BYTES } from './parcel.js';

/** How messages are taken, and made room for. */
export const manners = ['acknowledged', 'plain', 'cyclic', 'group'] as const;
export type Manner = (typeof manners)[number];

type Random = (limit: number) => number;

/** Writes the next message, all of it. */
export type Writer = (into: Buffer) => Buffer;

/** A message in a consumer's hands. */
export interface Taken {
  data: Buffer;
  redelivered: boolean;
  /** Has done with it, or gives it to somebody else. */
  end: () => void;
}

/** What a participant does with it. */
export interface Outlet {
  /** Sends some messages in their order, and says how many, and how many others it has dropped. */
  send(write: Writer): Promise<{ sent: number; dropped: number }>;
  /** Some messages; none when none came for a while. */
  take(): Promise<Taken[]>;
  close(): void;
}

/** What the one who watches does with it. */
export interface Watched {
  /** Whether everything was taken, and nobody has any of it. */
  readonly empty: boolean;
  /** Elements that were lost with those who sent them, and in how many gaps. */
  readonly gaps: { count: number; elements: number };
  close(): void;
}

/** Nobody waits for longer, in milliseconds, so that none is left when the one who kills dies. */
const PATIENCE = { timeout: 20_000 };
const WAITS: readonly WaitStrategy[] = ['adaptive', 'block', 'sleep', 'yield'];
/** How many messages a consumer has in hand, and how many are sent at once. */
export const MAX_TAKEN = 3;
const MAX_SENT = 6;
const GROUP = 'group';

const waiting = (below: Random) => ({
  wait: WAITS[below(WAITS.length)]!,
  pollingBudget: below(200),
});

const done = () => undefined;

function given(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_TIMEOUT') throw error;
}

/** What `call` gives; undefined when there was nothing in time. */
function intime<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    given(error);
    return undefined;
  }
}

class QueueOutlet implements Outlet {
  readonly #queue: Queue;
  readonly #manner: Manner;
  readonly #below: Random;
  readonly #target = Buffer.alloc(MAX_TAKEN * LONGEST);
  readonly #lengths = new Uint32Array(MAX_TAKEN);

  constructor(name: string, manner: Manner, below: Random) {
    this.#queue = Queue.open(name, waiting(below));
    this.#manner = manner;
    this.#below = below;
  }

  // Sometimes long ones, mostly short ones.
  #length(): number {
    return lengthOf(this.#below(this.#below(4) === 0 ? MAX_BYTES + 1 : 200));
  }

  #next(write: Writer): Buffer {
    return write(Buffer.allocUnsafe(this.#length()));
  }

  async send(write: Writer): Promise<{ sent: number; dropped: number }> {
    const below = this.#below;
    if (this.#manner === 'cyclic' && below(8) > 0) return this.#shift(write);
    switch (below(6)) {
      case 0:
        await this.#queue.enqueue(this.#next(write), PATIENCE);
        break;
      case 1: {
        const some = Array.from({ length: 1 + below(MAX_SENT) }, () => this.#next(write));
        const packed = [
          Buffer.concat(some),
          Uint32Array.from(some, ({ length }) => length),
        ] as const;
        const ways = [
          () => this.#queue.enqueueMany(some, PATIENCE),
          () => this.#queue.enqueueManySync(some, PATIENCE),
          () => this.#queue.enqueuePacked(...packed, PATIENCE),
          () => this.#queue.enqueuePackedSync(...packed, PATIENCE),
        ];
        await ways[below(ways.length)]!();
        return { sent: some.length, dropped: 0 };
      }
      case 2:
        await this.#inPlace(write);
        break;
      case 3: {
        const bytes = this.#next(write);
        while (!this.#queue.tryEnqueue(bytes)) await sleep(1);
        break;
      }
      default:
        this.#queue.enqueueSync(this.#next(write), PATIENCE);
    }
    return { sent: 1, dropped: 0 };
  }

  async #shift(write: Writer): Promise<{ sent: number; dropped: number }> {
    const bytes = this.#next(write);
    for (;;) {
      try {
        return { sent: 1, dropped: this.#queue.enqueueShift(bytes) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_QUEUE_FULL') throw error;
        await sleep(1);
      }
    }
  }

  // Whoever dies in between leaves a gap.
  async #inPlace(write: Writer): Promise<void> {
    const below = this.#below;
    if (below(4) === 0) this.#queue.claimSync(this.#length(), PATIENCE).abort();
    const space = await this.#queue.claim(this.#length(), PATIENCE);
    if (below(8) === 0) await sleep(1);
    write(space.view);
    if (below(8) === 0) await sleep(below(5));
    if (!space.commit()) throw new Error('A commit of one who lives was refused');
  }

  async take(): Promise<Taken[]> {
    return this.#manner === 'acknowledged' ? this.#receive() : this.#dequeue();
  }

  async #dequeue(): Promise<Taken[]> {
    const below = this.#below;
    const wait = { timeout: below(20) };
    const some: Buffer[] = [];
    const add = (data: Buffer | undefined) => {
      if (data) some.push(data);
    };
    const packed = [this.#target, this.#lengths] as const;
    const addPacked = (count = 0) => {
      let end = 0;
      for (const length of this.#lengths.subarray(0, count)) {
        add(this.#target.subarray(end, end + length));
        end += length;
      }
    };
    switch (below(8)) {
      case 5:
        addPacked(await this.#queue.dequeuePacked(...packed, wait).catch(given));
        break;
      case 6:
        addPacked(intime(() => this.#queue.dequeuePackedSync(...packed, wait)));
        break;
      case 7:
        addPacked(this.#queue.tryDequeuePacked(...packed));
        break;
      case 0:
        add(await this.#queue.dequeue(wait).catch(given));
        break;
      case 1:
        add(intime(() => this.#queue.dequeueSync(wait)));
        break;
      case 2:
        some.push(...((await this.#queue.dequeueMany(MAX_TAKEN, wait).catch(given)) ?? []));
        break;
      case 3:
        add(this.#queue.tryDequeue());
        break;
      default: {
        const length = this.#queue.tryDequeue(this.#target);
        if (length !== undefined) add(this.#target.subarray(0, length));
      }
    }
    return some.map((data) => ({ data, redelivered: false, end: done }));
  }

  async #receive(): Promise<Taken[]> {
    const below = this.#below;
    const wait = { timeout: below(20) };
    const way = below(3);
    const held: (Message<Buffer> | undefined)[] = [
      way === 0
        ? await this.#queue.receive(wait).catch(given)
        : way === 1
          ? intime(() => this.#queue.receiveSync(wait))
          : this.#queue.tryReceive(),
    ];
    while (held.at(-1) && held.length < 1 + below(MAX_TAKEN)) held.push(this.#queue.tryReceive());
    return held
      .filter((message) => message !== undefined)
      .map((message) => ({
        data: message.data,
        redelivered: message.redelivered,
        end: () => {
          const ended = below(20) === 0 ? message.nack() : message.ack();
          if (!ended) throw new Error('Somebody else has ended a message of one who lives');
        },
      }));
  }

  close(): void {
    this.#queue.close();
  }
}

class GroupOutlet implements Outlet {
  readonly #below: Random;
  readonly #ring;
  #producer: ReturnType<GroupOutlet['open']['producer']> | undefined;
  #consumer: ReturnType<GroupOutlet['open']['consumer']> | undefined;

  constructor(name: string, below: Random) {
    this.#below = below;
    this.#ring = Ring.open(name, { encoding: 'buffer', ...waiting(below) });
  }

  /** The ring: of Buffers. */
  get open() {
    return this.#ring;
  }

  #next(write: Writer): Buffer {
    return write(Buffer.allocUnsafe(lengthOf(this.#below(MAX_BYTES + 1))));
  }

  async send(write: Writer): Promise<{ sent: number; dropped: number }> {
    const below = this.#below;
    const producer = (this.#producer ??= this.#ring.producer());
    switch (below(3)) {
      case 0:
        await producer.publish(this.#next(write), PATIENCE);
        return { sent: 1, dropped: 0 };
      case 1:
        producer.publishSync(this.#next(write), PATIENCE);
        return { sent: 1, dropped: 0 };
      default: {
        const some = Array.from({ length: 1 + below(MAX_SENT) }, () => this.#next(write));
        await producer.publishMany(some, PATIENCE);
        return { sent: some.length, dropped: 0 };
      }
    }
  }

  async take(): Promise<Taken[]> {
    const below = this.#below;
    const wait = { timeout: below(20) };
    const maxBatch = 1 + below(MAX_TAKEN);
    const consumer = (this.#consumer ??= this.#ring.consumer(GROUP, { group: true, maxBatch }));
    const way = below(3);
    const batch =
      way === 0
        ? await consumer.next(wait).catch(given)
        : way === 1
          ? intime(() => consumer.nextSync(wait))
          : consumer.tryNext();
    if (!batch) return [];
    const { redelivered } = batch;
    // All are done with at once.
    return [...batch].map((data, i) => ({
      data,
      redelivered,
      end: () => {
        if (i === 0 && !consumer.commit()) throw new Error('A commit of one who lives was refused');
      },
    }));
  }

  close(): void {
    this.#producer?.close();
    this.#consumer?.close();
    this.#ring.close();
  }
}

/** Opens what `create` has made. */
export function open(name: string, manner: Manner, below: Random): Outlet {
  return manner === 'group' ? new GroupOutlet(name, below) : new QueueOutlet(name, manner, below);
}

/** Makes one, rather small, so that it is full at times. */
export function create(name: string, manner: Manner, below: Random): Watched {
  const maxProducers = 16;
  if (manner === 'group') {
    const ring = Ring.create(name, {
      elements: 8 + below(60),
      elementSize: LONGEST,
      encoding: 'buffer',
      consumers: { [GROUP]: { group: true } },
      maxProducers,
    });
    return {
      get empty() {
        const { next, cursor, gating } = ring.stats();
        return next === cursor && gating === next;
      },
      get gaps() {
        return ring.stats().gaps;
      },
      close() {
        ring.close();
      },
    };
  }
  const capacity = 4096 * (2 + below(14));
  const queue = Queue.create(name, { capacity, maxMessage: LONGEST, maxHeld: 64, maxProducers });
  return {
    get empty() {
      const { free, capacity: all } = queue.stats();
      return free === all;
    },
    get gaps() {
      return queue.stats().gaps;
    },
    close() {
      queue.close();
    },
  };
}
