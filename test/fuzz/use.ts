// One damaged ring, attached to and used in every way that the public interface has.
import { setTimeout as sleep } from 'node:timers/promises';

import {
  Disruptor,
  DisruptorReadStream,
  DisruptorWriteStream,
  Ring,
  listSegments,
} from 'shm-disruptor';
import type {
  Batch,
  RingConsumer,
  DisruptorOptions,
  RingProducer,
  JoinOptions,
  WaitStrategy,
} from 'shm-disruptor';

import { promiseFace, callbackFace } from '../faces.js';
import { Image } from './image.js';
import { attempt, attempted, requireThat, requireTyped } from './outcome.js';
import type { SegmentFile } from './segment-file.js';

const STRATEGIES: WaitStrategy[] = ['adaptive', 'block', 'sleep', 'yield', 'busy-spin'];
const MAX_STEPS = 32;
/** How long a wait may take, in milliseconds, and a stream may live. */
const PATIENCE = 3;

interface Claim {
  bufs: Buffer[];
  claimStart: number;
  claimEnd: number;
}

/** Everything that is done with one image. */
export class Use {
  readonly #name: string;
  readonly #image: Image;
  readonly #file: SegmentFile;
  readonly #rings: Disruptor[] = [];
  readonly #open: Ring<ArrayBufferView | string, Buffer>[] = [];
  readonly #consumers: RingConsumer<Buffer>[] = [];
  readonly #producers: RingProducer<ArrayBufferView | string>[] = [];
  readonly #pending: Promise<void>[] = [];

  constructor(file: SegmentFile, image: Image) {
    this.#name = file.name;
    this.#file = file;
    this.#image = image;
  }

  async run(): Promise<void> {
    const { below } = this.#image;
    this.#attach();
    this.#attach();
    for (let steps = below(MAX_STEPS); steps > 0 && this.#rings.length > 0; steps -= 1) {
      if (below(3) > 0 && this.#image.parameters.joinable) await this.#participate();
      else await this.#step(this.#rings[below(this.#rings.length)]!);
    }
    for (const one of [...this.#consumers, ...this.#producers, ...this.#open]) {
      attempt('close', () => {
        one.close();
      });
    }
    // Also ends waits that have no limit of their own.
    for (const ring of this.#rings) {
      attempt('release', () => {
        ring.release(below(8) === 0);
      });
      ring.release();
    }
    await Promise.all(this.#pending);
  }

  #attach(): void {
    const { below, parameters } = this.#image;
    const { elements, elementSize, consumers } = parameters;
    const consumer = below(consumers);
    const spin = below(3) === 0;
    const ring = attempt('attach', () => {
      if (below(4) === 0) {
        return new Disruptor(this.#name, elements, elementSize, consumers, consumer, false, spin);
      }
      const options: DisruptorOptions = {
        name: this.#name,
        spin,
        wait: STRATEGIES[below(STRATEGIES.length)]!,
        pollingBudget: below(100),
      };
      if (below(8) > 0) Object.assign(options, { consumer, shared: below(4) > 0 });
      if (below(64) === 0) {
        Object.assign(options, { elements, elementSize, consumers });
        options.init = below(2) === 0 ? true : 'new';
      }
      return new Disruptor(options);
    });
    if (ring) this.#rings.push(ring);
  }

  /** What a claim or a consumption gave lies within the ring, and can be used. */
  #checked(ring: Disruptor, bufs: Buffer[], count: number | undefined, writes: boolean): void {
    const bytes = bufs.reduce((sum, buf) => sum + buf.length, 0);
    const all = ring.elements;
    requireThat(bytes <= all.length, `${bytes} bytes of a ring of ${all.length}`);
    if (count !== undefined) {
      requireThat(bytes === count * ring.elementSize, `${bytes} bytes for ${count} elements`);
    }
    for (const buf of bufs) {
      const first = buf.byteOffset - all.byteOffset;
      requireThat(first >= 0 && first + buf.length <= all.length, 'a buffer outside the ring');
      if (writes) buf.fill(1);
      else buf.toString('latin1');
    }
  }

  #checkedClaim(ring: Disruptor, claim: Claim | undefined): void {
    if (!claim || claim.bufs.length === 0) return;
    this.#checked(ring, claim.bufs, claim.claimEnd - claim.claimStart + 1, true);
  }

  async #step(ring: Disruptor): Promise<void> {
    const { below } = this.#image;
    switch (below(12)) {
      case 0:
      case 1:
        this.#sync(ring);
        break;
      case 2:
        await this.#faces(ring);
        break;
      case 3:
      case 4:
      case 5:
        await this.#promises(ring);
        break;
      case 6:
        this.#look(ring);
        break;
      case 7:
        if (ring.elementSize === 1 && !ring.spin) await this.#streams(ring);
        else await this.#batches(ring);
        break;
      case 8:
        this.#rare(ring);
        break;
      default:
        // A ring of another geometry may have taken the name, but not the file.
        this.#file.write(this.#image.damage());
    }
  }

  /** Blocks the thread, for a moment. */
  #sync(ring: Disruptor): void {
    const { below, parameters } = this.#image;
    const options = ring.spin || below(2) === 0 ? { timeout: below(2) } : undefined;
    const count = below(parameters.elements + 2);
    const claimed = (bufs: Buffer[]) => {
      if (bufs.length === 0) return;
      this.#checked(ring, bufs, ring.prevClaimEnd - ring.prevClaimStart + 1, true);
    };
    attempt('sync', () => {
      switch (below(7)) {
        case 0: {
          const buf = ring.produceClaimSync(options);
          if (buf.length > 0) claimed([buf]);
          break;
        }
        case 1:
          claimed(ring.produceClaimManySync(count, options));
          break;
        case 2:
          claimed(ring.produceClaimAvailSync(count, options));
          break;
        case 3:
          ring.produceCommitSync(options);
          break;
        case 4: {
          const start = this.#image.sequence();
          ring.produceCommitSync(start, start + count, options);
          break;
        }
        default: {
          const bufs = ring.consumeNewSync(options);
          if (bufs.length > 0) {
            this.#checked(ring, bufs, ring.prevConsumeNext - ring.prevConsumeStart, false);
          }
        }
      }
    });
    if (below(2) === 0) attempt('consumeCommit', () => ring.consumeCommit());
  }

  /** With options: a limit, a signal, or neither, and then `release` ends the wait. */
  async #promises(ring: Disruptor): Promise<void> {
    const { below, parameters } = this.#image;
    const options = [
      { timeout: below(PATIENCE) },
      { signal: AbortSignal.timeout(1 + below(PATIENCE)) },
      {},
    ][below(3)]!;
    const count = below(parameters.elements + 2);
    const outcome = attempted('promise', async () => {
      switch (below(6)) {
        case 0: {
          const { buf, claimStart, claimEnd } = await ring.produceClaim(options);
          if (buf.length > 0) this.#checkedClaim(ring, { bufs: [buf], claimStart, claimEnd });
          break;
        }
        case 1:
          this.#checkedClaim(ring, await ring.produceClaimMany(count, options));
          break;
        case 2:
          this.#checkedClaim(ring, await ring.produceClaimAvail(count, options));
          break;
        case 3: {
          const start = below(2) === 0 ? ring.prevClaimStart : this.#image.sequence();
          await ring.produceCommit(start, start + count, options);
          break;
        }
        default: {
          const { bufs, gaps } = await ring.consumeNew(options);
          this.#checked(ring, bufs, undefined, false);
          for (const gap of gaps ?? []) requireThat(gap.start <= gap.end, 'an empty gap');
        }
      }
    });
    const later = outcome.then(() => undefined);
    this.#pending.push(later);
    if (Object.keys(options).length > 0 && below(2) === 0) await later;
  }

  /** Without options. What waits is ended by `release`. */
  async #faces(ring: Disruptor): Promise<void> {
    const { below, parameters } = this.#image;
    const face = below(2) === 0 ? promiseFace : callbackFace;
    const count = below(parameters.elements + 2);
    const outcome = attempted(face.name, async () => {
      switch (below(5)) {
        case 0:
          this.#checkedClaim(ring, await face.claimAvail(ring, count));
          break;
        case 1:
          this.#checkedClaim(ring, await face.claimMany(ring, count));
          break;
        case 2:
          await face.commit(ring);
          break;
        case 3:
          await face.commitRange(ring, ring.prevClaimStart, ring.prevClaimEnd);
          break;
        default:
          this.#checked(ring, (await face.consume(ring)).bufs, undefined, false);
      }
    });
    this.#pending.push(outcome.then(() => undefined));
    if (!ring.spin) await outcome;
  }

  #look(ring: Disruptor): void {
    attempt('look', () => {
      const { cursor, next, status, gaps, prevConsumeGaps, allConsumersIgnoring } = ring;
      for (const number of [cursor, next, status, gaps.count, gaps.elements]) {
        requireThat(Number.isInteger(number), `${number} is no counter`);
      }
      requireThat(Array.isArray(prevConsumeGaps), 'gaps are a list');
      requireThat(typeof allConsumersIgnoring === 'boolean', 'a flag');
      requireThat(ring.consumers.length === 8 * this.#image.parameters.consumers, 'consumers');
    });
    attempt('consumer', () => ring.consumer);
    attempt('recover', () => ring.recover());
    const start = this.#image.sequence();
    const count = this.#image.below(this.#image.parameters.elements + 2);
    const bufs = attempt('produceRecover', () => ring.produceRecover(start, start + count));
    if (bufs && bufs.length > 0) this.#checked(ring, bufs, count + 1, true);
  }

  #rare(ring: Disruptor): void {
    const { below } = this.#image;
    switch (below(16)) {
      case 0:
        attempt('list', () => listSegments());
        break;
      case 1:
        attempt('unlink', () => {
          Ring.unlink(this.#name);
        });
        break;
      case 2:
        attempt('release', () => {
          ring.release(below(2) === 0);
        });
        break;
      case 3:
        this.#attach();
        break;
      default:
        attempt('status', () => {
          ring.status = below(4);
        });
    }
  }

  /** A ring's participants: made, used and closed. */
  async #participate(): Promise<void> {
    const { below } = this.#image;
    const some = <T>(all: T[]): T | undefined => all[below(all.length)];
    const ring = this.#open.length < 2 ? this.#openRing() : some(this.#open);
    if (!ring) return;
    switch (below(12)) {
      case 0:
      case 1:
        this.#join(ring);
        break;
      case 2: {
        const producer = attempt('producer', () => ring.producer());
        if (producer) this.#producers.push(producer);
        break;
      }
      case 3: {
        const stats = attempt('stats', () => ring.stats());
        if (!stats) break;
        const { consumers } = this.#image.parameters;
        requireThat(stats.consumers.length <= consumers, 'more consumers than there is room for');
        break;
      }
      case 4: {
        const consumer = some(this.#consumers);
        if (consumer) this.#end(consumer);
        break;
      }
      case 5:
      case 6: {
        const producer = some(this.#producers);
        if (producer) await this.#publish(producer);
        break;
      }
      default: {
        if (this.#consumers.length === 0) this.#join(ring);
        // Several times: what one call leaves is what the next begins with.
        for (let times = below(6); times > 0; times -= 1) {
          const consumer = some(this.#consumers);
          if (consumer) await this.#take(consumer, ring);
        }
      }
    }
  }

  #openRing(): Ring<ArrayBufferView | string, Buffer> | undefined {
    const ring = attempt('open', () => Ring.open(this.#name, {}));
    if (ring) this.#open.push(ring);
    return ring;
  }

  #join(ring: Ring<ArrayBufferView | string, Buffer>): void {
    const { below } = this.#image;
    const options: JoinOptions = {};
    if (below(2) === 0) options.group = true;
    if (below(4) === 0) options.from = below(2) === 0 ? 'oldest' : this.#image.sequence();
    if (below(8) === 0) options.after = [this.#image.consumerName(), this.#image.consumerName()];
    if (below(2) === 0) options.maxBatch = 1 + below(4);
    const consumer = attempt('join', () =>
      options.group !== true && below(3) === 0
        ? ring.consumer(options)
        : ring.consumer(this.#image.consumerName(), options),
    );
    if (consumer) this.#consumers.push(consumer);
  }

  #end(consumer: RingConsumer<Buffer>): void {
    const { below } = this.#image;
    attempt('end', () => {
      if (below(2) === 0) consumer.leave();
      else consumer.close();
    });
    this.#consumers.splice(this.#consumers.indexOf(consumer), 1);
  }

  async #publish(producer: RingProducer<ArrayBufferView | string>): Promise<void> {
    const { below, parameters } = this.#image;
    const { elements } = parameters;
    const timeout = below(PATIENCE);
    await attempted('publish', async () => {
      switch (below(5)) {
        case 0:
          producer.tryPublish('x');
          break;
        case 1: {
          const claim = producer.tryClaim(1 + below(elements));
          for (const buf of claim?.bufs ?? []) buf.fill(1);
          if (below(4) > 0) claim?.commit();
          break;
        }
        case 2:
          producer.tryPublishMany(Array.from({ length: below(elements + 2) }, () => 'y'));
          break;
        case 3:
          await producer.publish('z', { timeout });
          break;
        default: {
          const { next } = producer;
          requireThat(Number.isInteger(next), `${next} is no counter`);
        }
      }
    });
  }

  async #take(consumer: RingConsumer<Buffer>, ring: Ring<ArrayBufferView | string, Buffer>) {
    const { below } = this.#image;
    const check = (batch: Batch<Buffer> | undefined) => {
      if (!batch) return;
      requireThat(batch.length <= this.#image.parameters.elements, 'more than the ring has');
      const bytes = batch.bufs.reduce((sum, buf) => sum + buf.length, 0);
      requireThat(bytes === batch.length * ring.elementSize, `${bytes} for ${batch.length}`);
      for (const value of batch) value.toString('latin1');
    };
    await attempted('take', async () => {
      switch (below(6)) {
        case 0:
        case 1:
          check(consumer.tryNext());
          break;
        case 2:
          check(await consumer.next({ timeout: below(PATIENCE) }));
          break;
        case 3:
          consumer.commit();
          break;
        case 4:
          consumer.rewind();
          break;
        default:
          for (const number of [consumer.sequence, consumer.lag]) {
            requireThat(typeof number === 'number', 'no counter');
          }
      }
    });
  }

  async #batches(ring: Disruptor): Promise<void> {
    let left = 3;
    await attempted('batches', async () => {
      for await (const { bufs } of ring.batches({ timeout: PATIENCE })) {
        this.#checked(ring, bufs, undefined, false);
        left -= 1;
        if (left === 0) break;
      }
    });
  }

  /** A writer, a reader or both, which do what they can and are destroyed after a moment. */
  async #streams(ring: Disruptor): Promise<void> {
    const { below } = this.#image;
    const streams: (DisruptorReadStream | DisruptorWriteStream)[] = [];
    const role = below(3);
    attempt('stream', () => {
      if (role !== 0) streams.push(new DisruptorReadStream(ring).resume());
      if (role === 1) return;
      const writer = new DisruptorWriteStream(ring);
      streams.push(writer);
      writer.write(Buffer.alloc(1 + below(40)), (error) => {
        if (error) this.#failed(error);
      });
      if (below(2) === 0) writer.end();
    });
    const closed = streams.map((stream) => {
      stream.on('error', (error) => {
        this.#failed(error);
      });
      return new Promise((resolve) => stream.on('close', resolve));
    });
    await sleep(1 + below(PATIENCE));
    for (const stream of streams) stream.destroy();
    await Promise.all(closed);
  }

  #failed(error: Error): void {
    this.#pending.push(
      new Promise((resolve) => {
        requireTyped(error, 'stream');
        resolve();
      }),
    );
  }
}
