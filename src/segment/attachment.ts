import { markAsUntransferable } from 'node:worker_threads';

import { DisruptorError, naming, namingLater, released } from '../errors.js';
import type { SegmentLabel } from '../errors.js';
import { tellOfAttachment, tellOfDetachment, tellOfStall } from './events.js';
import type { AttachmentMessage } from './events.js';
import type { Hold } from './holder.js';
import { labelOf } from './location.js';
import { Ring } from '../native/ring.js';
import type { Resolved } from '../compatible/options.js';
import { Slots } from './slots.js';
import { Waiter, Word } from '../waiting/waiter.js';

/** What an attachment needs to know. */
export type AttachmentOptions = Pick<
  Resolved,
  'name' | 'path' | 'create' | 'expected' | 'spin' | 'strategy'
> &
  Pick<AttachmentMessage, 'role'> & {
    /** What is to be opened. Default: a ring. */
    readonly kind?: number;
  };

/** One participant's hold on a ring: what producing and consuming share. */
export class Attachment implements Hold {
  readonly ring: Ring;
  /** What the user calls it. */
  readonly name: string;
  readonly slots: Slots;
  /** Whether operations wait until they can succeed. */
  readonly spin: boolean;
  /** How it waits without blocking the event loop. */
  readonly waiter: Waiter;
  readonly #role: AttachmentMessage['role'];
  /** What errors call it. */
  readonly #label: SegmentLabel;
  #released = false;

  constructor(options: AttachmentOptions) {
    this.name = options.path;
    this.spin = options.spin;
    this.ring = attach(options);
    this.#role = options.role;
    this.#label = labelOf(options.name, options.path);
    this.waiter = new Waiter(this.ring, options.strategy, (word) => {
      tellOfStall(this.name, this.ring, word === Word.Space ? 'room' : 'commit');
    });
    try {
      checkGeometry(this.ring, options);
      // It would leave its views here empty, and outlive the memory when this thread ends first.
      markAsUntransferable(this.ring.elements);
      this.slots = new Slots(this.ring.elements, this.ring.elementCount, this.ring.elementSize);
      tellOfAttachment({ name: this.name, role: this.#role });
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
    if (this.#released) return;
    this.#released = true;
    this.waiter.end(() => {
      this.ring.release();
    });
    tellOfDetachment({ name: this.name, role: this.#role });
  }

  sync(): Promise<void> {
    return namingLater(this.#label, 'sync', () => this.ring.sync());
  }

  syncSync(): void {
    naming(this.#label, 'sync', () => {
      this.ring.syncNow();
    });
  }
}

function attach(options: AttachmentOptions): Ring {
  const { name, path, kind, create, strategy } = options;
  return naming(labelOf(name, path), create ? 'create' : 'open', () =>
    create ? Ring.create(name, create, strategy) : Ring.open(name, strategy, kind),
  );
}

function checkGeometry(ring: Ring, options: AttachmentOptions): void {
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
