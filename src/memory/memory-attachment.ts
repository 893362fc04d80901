import { DisruptorError, naming, namingLater } from '../errors.js';
import type { SegmentLabel } from '../errors.js';
import { emitAttach, emitDetach } from '../segment/events.js';
import type { OpenSegment } from '../segment/segment-handle.js';
import type { MemoryHandle } from '../native/memory.js';
import { watchForRemoval } from '../waiting/removal.js';
import { Waiter } from '../waiting/waiter.js';
import type { Strategy } from '../waiting/strategy.js';

/** What a hold on plain memory is made of. */
export interface MemoryAttachmentOptions {
  readonly memory: MemoryHandle;
  /** What the user calls it. */
  readonly name: string;
  /** What errors call it. */
  readonly label: SegmentLabel;
  readonly strategy: Strategy;
}

/** One hold on plain memory. */
export class MemoryAttachment implements OpenSegment {
  readonly memory: MemoryHandle;
  readonly waiter: Waiter;
  /** What errors call it. */
  readonly label: SegmentLabel;
  readonly #name: string;
  #released = false;

  constructor({ memory, name, label, strategy }: MemoryAttachmentOptions) {
    this.memory = memory;
    this.label = label;
    this.#name = name;
    // Nobody holds up those who wait for a word but those who do not change it.
    this.waiter = new Waiter(memory, strategy, { name, role: 'memory' }, () => undefined);
    emitAttach({ name, role: 'memory' });
    watchForRemoval(this.waiter);
  }

  /** The bytes from `start` to before `end`. @throws DisruptorError `ERR_READ_ONLY` */
  view(start: number, end: number): ArrayBuffer {
    if (this.memory.readOnly) {
      throw new DisruptorError('ERR_READ_ONLY', 'The memory was opened for reading alone');
    }
    return this.memory.view(start, end);
  }

  get released(): boolean {
    return this.#released;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.waiter.end(() => {
      this.memory.release();
    });
    emitDetach({ name: this.#name, role: 'memory' });
  }

  sync(): Promise<void> {
    return namingLater(this.label, 'sync', () => this.memory.sync());
  }

  syncSync(): void {
    naming(this.label, 'sync', () => {
      this.memory.syncNow();
    });
  }
}
