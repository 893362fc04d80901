// One damaged queue, opened and used in every way that the public interface has.
import { setTimeout as sleep } from 'node:timers/promises';

import { Queue, QueueReadStream, QueueWriteStream, Ring, listSegments } from 'shm-disruptor';
import type { Message, Space, WaitStrategy } from 'shm-disruptor';

import { callbacks, promises, syncs } from '../queue-faces.js';
import type { Image } from './image.js';
import { attempt, attempted, requireThat, requireTyped } from './outcome.js';
import type { SegmentFile } from './segment-file.js';

const STRATEGIES: WaitStrategy[] = ['adaptive', 'block', 'sleep', 'yield', 'busy-spin'];
const FACES = [promises, callbacks, syncs];
const MAX_STEPS = 48;
const MAX_OPEN = 3;
/** How long a wait may take, in milliseconds, and a stream may live. */
const PATIENCE = 3;

/** Everything that is done with one image. */
export class QueueUse {
  readonly #file: SegmentFile;
  readonly #image: Image;
  readonly #queues: Queue[] = [];
  readonly #held: Message<Buffer>[] = [];
  readonly #spaces: Space[] = [];
  readonly #pending: Promise<unknown>[] = [];
  /** Where the dead letters of a few go. */
  readonly #letters: Queue;

  constructor(file: SegmentFile, image: Image) {
    this.#file = file;
    this.#image = image;
    this.#letters = Queue.create(`${file.name}-letters`, { capacity: 4096 });
  }

  async run(): Promise<void> {
    const { below } = this.#image;
    try {
      this.#open();
      for (let steps = below(MAX_STEPS); steps > 0 && this.#queues.length > 0; steps -= 1) {
        await this.#step(this.#some(this.#queues)!);
      }
      // Also ends waits that have no limit of their own.
      for (const queue of this.#queues) {
        attempt('close', () => {
          queue.close();
        });
      }
      await Promise.all(this.#pending);
    } finally {
      this.#letters.close();
      Queue.unlink(this.#letters.name);
    }
  }

  #some<T>(all: readonly T[]): T | undefined {
    return all[this.#image.below(all.length)];
  }

  #open(): void {
    const { below } = this.#image;
    const options = {
      wait: this.#some(STRATEGIES)!,
      pollingBudget: below(100),
      ...(below(3) === 0 && { maxDeliveries: 1 + below(3) }),
    };
    const queue = attempt('open', () => Queue.open(this.#file.name, options));
    if (!queue) return;
    if (below(2) === 0) queue.deadLetters = this.#letters;
    this.#queues.push(queue);
  }

  async #step(queue: Queue): Promise<void> {
    const { below } = this.#image;
    switch (below(16)) {
      case 0:
      case 1:
        attempt('try', () => {
          this.#try(queue);
        });
        break;
      case 2:
      case 3:
      case 4:
        await this.#wait(queue);
        break;
      case 5:
      case 6:
        attempt('shift', () => {
          const dropped = queue.enqueueShift(this.#bytes());
          requireThat(Number.isInteger(dropped) && dropped >= 0, `${dropped} were dropped`);
        });
        break;
      case 7:
      case 8:
        this.#end();
        break;
      case 9:
        this.#look(queue);
        break;
      case 10:
        await this.#streams(queue);
        break;
      case 11:
        this.#rare(queue);
        break;
      case 12:
        if (this.#queues.length < MAX_OPEN) this.#open();
        break;
      default:
        this.#file.write(this.#image.damage());
    }
  }

  #bytes(): Buffer {
    const { below } = this.#image;
    return Buffer.alloc(below(4) === 0 ? below(5000) : below(100), 1);
  }

  /** What came can be used, and is no longer than the queue. */
  #check(bytes: Buffer | undefined): void {
    if (!bytes) return;
    const { elements, elementSize } = this.#image.parameters;
    requireThat(bytes.length <= elements * elementSize, `a message of ${bytes.length} bytes`);
    bytes.toString('latin1');
  }

  /** What came together lies within the target. */
  #checkPacked(
    target: Uint8Array,
    lengths: Uint32Array,
    dequeue: (target: Uint8Array, lengths: Uint32Array) => number,
  ): void {
    const count = dequeue(target, lengths);
    requireThat(count >= 0 && count <= lengths.length, `${count} messages`);
    const bytes = lengths.subarray(0, count).reduce((sum, length) => sum + length, 0);
    requireThat(bytes <= target.length, `${bytes} bytes in a target of ${target.length}`);
  }

  #hold(message: Message<Buffer> | undefined): void {
    if (!message) return;
    this.#check(message.data);
    for (const number of [message.sequence, message.deliveries]) {
      requireThat(Number.isInteger(number), `${number} is no counter`);
    }
    this.#held.push(message);
  }

  #claimed(space: Space | undefined): void {
    if (!space) return;
    // Empty once the queue is closed, and then not even that can be filled.
    if (space.view.length > 0) space.view.fill(1);
    this.#spaces.push(space);
  }

  /** Some messages, one behind the other. */
  #packed(): [Uint8Array, Uint32Array] {
    const { below } = this.#image;
    const lengths = Uint32Array.from({ length: below(40) }, () => below(100));
    return [
      Buffer.alloc(
        lengths.reduce((sum, length) => sum + length, 0),
        1,
      ),
      lengths,
    ];
  }

  /** Where some messages fit. */
  #target(): [Uint8Array, Uint32Array] {
    const { below } = this.#image;
    return [Buffer.alloc(below(4) === 0 ? below(50) : 5000), new Uint32Array(1 + below(40))];
  }

  #try(queue: Queue): void {
    const { below } = this.#image;
    switch (below(7)) {
      case 0:
        queue.tryEnqueue(this.#bytes());
        break;
      case 1:
        this.#claimed(queue.tryClaim(below(200)));
        break;
      case 2:
        this.#check(queue.tryDequeue());
        break;
      case 3:
        queue.tryDequeue(Buffer.alloc(below(300)));
        break;
      case 4:
        queue.tryEnqueuePacked(...this.#packed());
        break;
      case 5:
        this.#checkPacked(...this.#target(), (target, lengths) =>
          queue.tryDequeuePacked(target, lengths),
        );
        break;
      default:
        this.#hold(queue.tryReceive());
    }
  }

  async #wait(queue: Queue): Promise<void> {
    const { below } = this.#image;
    const face = this.#some(FACES)!;
    const limited = face === syncs || below(2) === 0;
    // Without a limit closing ends it.
    const options = limited ? { timeout: below(PATIENCE) } : undefined;
    const outcome = attempted(face.name, async () => {
      switch (below(8)) {
        case 6:
          await face.enqueuePacked(queue, ...this.#packed(), options);
          break;
        case 7: {
          const [target, lengths] = this.#target();
          const count = await face.dequeuePacked(queue, target, lengths, options);
          this.#checkPacked(target, lengths, () => count);
          break;
        }
        case 0:
          await face.enqueue(queue, this.#bytes(), options);
          break;
        case 1:
          await face.enqueueMany(queue, [this.#bytes(), this.#bytes(), this.#bytes()], options);
          break;
        case 2:
          this.#claimed(await face.claim(queue, below(200), options));
          break;
        case 3:
          this.#check(await face.dequeue(queue, options));
          break;
        case 4:
          for (const each of await face.dequeueMany(queue, 5, options)) this.#check(each);
          break;
        default:
          this.#hold(await face.receive(queue, options));
      }
    });
    this.#pending.push(outcome);
    if (limited) await outcome;
  }

  /** What is in hand is done with, one way or the other. */
  #end(): void {
    const { below } = this.#image;
    const message = below(2) === 0 ? this.#held.pop() : this.#held.shift();
    attempt('end', () => (below(2) === 0 ? message?.ack() : message?.nack()));
    const space = this.#spaces.pop();
    attempt('end', () => (below(4) > 0 ? space?.commit() : space?.abort()));
  }

  #look(queue: Queue): void {
    attempt('stats', () => {
      const { capacity, unread, held, free } = queue.stats();
      for (const number of [capacity, unread, held, free]) {
        requireThat(Number.isInteger(number), `${number} is no counter`);
      }
    });
    attempt('list', () => listSegments());
  }

  #rare(queue: Queue): void {
    const { below } = this.#image;
    switch (below(6)) {
      case 0:
        attempt('unlink', () => {
          Queue.unlink(this.#file.name);
        });
        break;
      case 1:
        attempt('ring', () => {
          Ring.open(this.#file.name, {}).close();
        });
        break;
      case 2:
        attempt('replace', () => {
          const existing = below(2) === 0 ? 'replace' : 'replace-dead';
          this.#queues.push(Queue.create(this.#file.name, { capacity: 4096, existing }));
        });
        break;
      default:
        attempt('close', () => {
          queue.close();
        });
    }
  }

  /** A writer, a reader or both, which do what they can and are destroyed after a moment. */
  async #streams(queue: Queue): Promise<void> {
    const { below } = this.#image;
    const streams: (QueueReadStream | QueueWriteStream)[] = [];
    const role = below(3);
    if (role !== 0) streams.push(new QueueReadStream(queue).resume());
    if (role !== 1) {
      const writer = new QueueWriteStream(queue);
      streams.push(writer);
      writer.write(this.#bytes());
    }
    const closed = streams.map((stream) => {
      stream.on('error', (error) => {
        this.#pending.push(
          new Promise((resolve) => {
            requireTyped(error, 'stream');
            resolve(undefined);
          }),
        );
      });
      return new Promise((resolve) => stream.on('close', resolve));
    });
    await sleep(1 + below(PATIENCE));
    for (const stream of streams) stream.destroy();
    await Promise.all(closed);
  }
}
