// Elements of rings of roles that hold a number of 4 bytes each.
import type { Batch, RingConsumer, RingProducer } from 'shm-disruptor';

import { valuesOf } from './compat/values.js';

export type WordProducer = RingProducer<ArrayBufferView | string>;
export type WordConsumer = RingConsumer<Buffer>;

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** `first`, `first` + 1, ... */
export function words(first: number, count: number): Buffer[] {
  return numbers(first, count).map(word);
}

export function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** The numbers in a batch; none in none. */
export function wordsOf(batch: Batch<Buffer> | undefined): number[] {
  return batch ? valuesOf(batch.bufs) : [];
}

/** The numbers that there are now. They are committed. */
export function drain(consumer: WordConsumer): number[] {
  const values = [];
  for (let batch = consumer.tryNext(); batch; batch = consumer.tryNext()) {
    values.push(...wordsOf(batch));
  }
  return values;
}
