import { constants } from 'node:buffer';
import { markAsUntransferable } from 'node:worker_threads';

import { DisruptorError, released, systemError } from './errors.js';
import { addon, Handle, newExchange } from './native.js';
import type { NativeRing } from './native.js';
import type { Resolved } from './options.js';
import { Slots } from './slots.js';
import { Waiter } from './waiting.js';

const { MAX_LENGTH } = constants;

/** One participant's hold on a ring: what producing and consuming share. */
export class Attachment {
  readonly ring: NativeRing;
  readonly exchange = newExchange();
  readonly slots: Slots;
  /** Whether operations wait until they can succeed. */
  readonly spin: boolean;
  /** How it waits without blocking the event loop. */
  readonly waiter: Waiter;
  #released = false;

  constructor(options: Resolved) {
    this.spin = options.spin;
    this.ring = new Handle(attach(options, this.exchange));
    this.waiter = new Waiter(this.ring, options.strategy);
    try {
      checkGeometry(this.ring, options);
      // It would leave its views here empty, and outlive the memory when this thread ends first.
      markAsUntransferable(this.ring.elements);
      this.slots = new Slots(this.ring.elements, this.ring.elementCount, this.ring.elementSize);
    } catch (error) {
      this.ring.release();
      throw error;
    }
  }

  get released(): boolean {
    return this.#released;
  }

  /** All elements. @throws DisruptorError `ERR_RELEASED` */
  get elements(): Buffer {
    if (this.#released) throw released();
    return this.slots.all;
  }

  release(): void {
    this.#released = true;
    this.waiter.end(() => {
      this.ring.release();
    });
  }
}

function attach(options: Resolved, exchange: Float64Array): NativeRing {
  const { name, path, create, mode, strategy } = options;
  const { core, budget } = strategy;
  try {
    if (!create) return addon.openRing(name, MAX_LENGTH, core, budget, exchange);
    const { elements, elementSize, consumers } = create;
    return addon.createRing(
      name,
      elements,
      elementSize,
      consumers,
      mode,
      true,
      MAX_LENGTH,
      core,
      budget,
      exchange,
    );
  } catch (error) {
    // The core does not know what the user called the object.
    const { errno, syscall } = error as NodeJS.ErrnoException;
    if (errno !== undefined && syscall !== undefined) throw systemError(-errno, syscall, path);
    throw error;
  }
}

function checkGeometry(ring: NativeRing, options: Resolved): void {
  const actual = {
    elements: ring.elementCount,
    elementSize: ring.elementSize,
    consumers: ring.consumerCount,
  };
  for (const name of ['elements', 'elementSize', 'consumers'] as const) {
    const expected = options.expected[name];
    if (expected === undefined || expected === actual[name]) continue;
    throw new DisruptorError(
      'ERR_SEGMENT_GEOMETRY',
      `Expected ${expected} for ${name} but the segment was created with ${actual[name]}`,
    );
  }
}
