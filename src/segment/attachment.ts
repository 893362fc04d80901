import { DisruptorError, naming, namingLater, released, transferred } from '../errors.js';
import type { SegmentLabel } from '../errors.js';
import { namingSteps } from '../steps.js';
import type { Steps } from '../steps.js';
import { emitAttach, emitDetach, emitStall } from './events.js';
import type { AttachmentMessage } from './events.js';
import type { OpenSegment } from './segment-handle.js';
import { labelOf } from './location.js';
import { RingHandle } from '../native/ring.js';
import type { Resolved } from '../compatible/options.js';
import { Slots } from './slots.js';
import { watchForRemoval } from '../waiting/removal.js';
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
export class Attachment implements OpenSegment {
  readonly ring: RingHandle;
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
  readonly #created: boolean;
  #released = false;

  /** Creates a segment, or opens one. */
  static *to(options: AttachmentOptions): Steps<Attachment> {
    const { name, path, kind, create, strategy } = options;
    const ring = create
      ? RingHandle.create(name, create, strategy)
      : RingHandle.open(name, strategy, kind);
    const label = labelOf(name, path);
    const steps = namingSteps(label, create ? 'create' : 'open', ring);
    return new Attachment(options, yield* steps, label);
  }

  private constructor(options: AttachmentOptions, ring: RingHandle, label: SegmentLabel) {
    this.name = options.path;
    this.spin = options.spin;
    this.ring = ring;
    this.#created = options.create !== undefined;
    this.#role = options.role;
    this.#label = label;
    const holder = { name: this.name, role: options.role };
    this.waiter = new Waiter(this.ring, options.strategy, holder, (word) => {
      emitStall(this.name, this.ring, word === Word.Space ? 'room' : 'commit');
    });
    try {
      checkGeometry(this.ring, options);
      this.slots = new Slots(this.ring.elements, this.ring.elementCount, this.ring.elementSize);
      emitAttach(holder);
      watchForRemoval(this.waiter);
    } catch (error) {
      this.#withdraw();
      this.ring.release();
      throw error;
    }
  }

  /**
   * Checks that the views still have the memory, before anything is claimed or consumed through them.
   *
   * @throws DisruptorError `ERR_RELEASED`
   */
  check(): void {
    if (this.slots.all.length > 0) return;
    // One that was released has no memory either, and says so.
    this.ring.status();
    throw transferred();
  }

  /** Releases what cannot be used after all: what was created here for it loses its name again. */
  abandon(): void {
    this.#withdraw();
    this.release();
  }

  #withdraw(): void {
    if (this.#created) this.ring.withdraw();
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
    emitDetach({ name: this.name, role: this.#role });
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

function checkGeometry(ring: RingHandle, options: AttachmentOptions): void {
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
