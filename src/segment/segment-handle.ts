import type { KeepAlive } from '../waiting/keep-alive.js';
import { noOptions, type NoOptions } from '../validate.js';

/** A hold on a segment. */
export interface OpenSegment {
  readonly released: boolean;
  readonly waiter: { readonly keepAlive: KeepAlive; unlinked(): boolean };
  release(): void;
  sync(): Promise<void>;
  syncSync(): void;
}

/** Somebody who holds a segment, until he closes. */
export abstract class SegmentHandle {
  readonly #hold: OpenSegment;

  /** @internal */
  constructor(hold: OpenSegment) {
    this.#hold = hold;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#hold.released;
  }

  /**
   * Whether the segment's file was removed, by `rm` or by `unlink`: nobody else can open it any more,
   * and what is created under its name has nothing to do with it. False for one that was replaced
   * (`ERR_SEGMENT_REPLACED`), and where another link to the file is left. One system call.
   *
   * @throws DisruptorError `ERR_RELEASED`
   */
  get unlinked(): boolean {
    return this.#hold.waiter.unlinked();
  }

  /**
   * Closes the segment and gives its memory back. Every Buffer that came from here is empty from then
   * on, or reads as zeros if the event loop has requests under way that may be using it. Pending waits
   * fail with `ERR_RELEASED`. Closing again does nothing.
   */
  close(): void {
    this.#hold.release();
  }

  /** `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `await using`: closes. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Lets pending waits keep the process alive, as they do at first. */
  ref(): this {
    this.#hold.waiter.keepAlive.wanted = true;
    return this;
  }

  /** Lets the process end although waits are pending. */
  unref(): this {
    this.#hold.waiter.keepAlive.wanted = false;
    return this;
  }

  /**
   * Has the segment written to its disk, on another thread: all that anybody stored there before this
   * call, and its name. Where it lies in memory alone, as in `/dev/shm`, there is nothing to do.
   *
   * @throws Error of the system: EIO, ENOSPC, EACCES, ...
   * @throws DisruptorError `ERR_RELEASED`
   */
  async sync(options?: NoOptions): Promise<void> {
    noOptions(options);
    await this.#hold.sync();
  }

  /** As {@link SegmentHandle.sync}; blocks the thread, which may take long. */
  syncSync(): void {
    this.#hold.syncSync();
  }
}
