// The faces of a ring's roles behind one shape, so that one suite runs over all of them.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Batch, Claim, RingConsumer, RingProducer, WaitOptions } from 'shm-disruptor';

import { WATCHDOG_MILLISECONDS } from './fixture.js';
import { given, settled } from './settling.js';

/** The methods that come as promise, with a callback and as `*Sync`. */
export interface RingFace {
  readonly name: string;
  claim<In>(producer: RingProducer<In>, count: number, options?: WaitOptions): Promise<Claim>;
  publish<In>(producer: RingProducer<In>, value: In, options?: WaitOptions): Promise<number>;
  publishMany<In>(
    producer: RingProducer<In>,
    values: Iterable<In>,
    options?: WaitOptions,
  ): Promise<number>;
  next<Out>(consumer: RingConsumer<Out>, options?: WaitOptions): Promise<Batch<Out>>;
}

export const promises: RingFace = {
  name: 'promise',
  claim: (producer, count, options) => producer.claim(count, options),
  publish: (producer, value, options) => producer.publish(value, options),
  publishMany: (producer, values, options) => producer.publishMany(values, options),
  next: (consumer, options) => consumer.next(options),
};

export const callbacks: RingFace = {
  name: 'callback',
  claim: (producer, count, options) =>
    given((done) => {
      if (options) producer.claim(count, options, done);
      else producer.claim(count, done);
    }),
  publish: (producer, value, options) =>
    given((done) => {
      if (options) producer.publish(value, options, done);
      else producer.publish(value, done);
    }),
  publishMany: (producer, values, options) =>
    given((done) => {
      if (options) producer.publishMany(values, options, done);
      else producer.publishMany(values, done);
    }),
  next: (consumer, options) =>
    given((done) => {
      if (options) consumer.next(options, done);
      else consumer.next(done);
    }),
};

/** Blocks the thread, so that every wait has an end. */
const bounded = (options?: WaitOptions) => ({ timeout: WATCHDOG_MILLISECONDS, ...options });

export const syncs: RingFace = {
  name: 'sync',
  claim: (producer, count, options) => settled(() => producer.claimSync(count, bounded(options))),
  publish: (producer, value, options) =>
    settled(() => producer.publishSync(value, bounded(options))),
  publishMany: (producer, values, options) =>
    settled(() => producer.publishManySync(values, bounded(options))),
  next: (consumer, options) => settled(() => consumer.nextSync(bounded(options))),
};

/** The faces that wait without blocking the thread. */
export const patient: readonly RingFace[] = [promises, callbacks];
export const ringFaces: readonly RingFace[] = [...patient, syncs];

export const KINDS = ['multi', 'single'] as const;
export type Kind = (typeof KINDS)[number];

/** One test for each face. */
export function overRingFaces(
  title: string,
  body: (t: ExecutionContext, face: RingFace) => Promise<void>,
  over = ringFaces,
): void {
  for (const face of over) {
    test(`${title} (${face.name})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      await body(t, face);
    });
  }
}

/** One test for each face, with many producers and with one. */
export function overFacesAndKinds(
  title: string,
  body: (t: ExecutionContext, face: RingFace, producers: Kind) => Promise<void>,
  over = ringFaces,
): void {
  for (const producers of KINDS) {
    overRingFaces(`${title}, ${producers}`, (t, face) => body(t, face, producers), over);
  }
}
