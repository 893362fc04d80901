import type { Waiter } from '../waiting/waiter.js';

/** What is let go of in the end. @internal */
export interface Hold {
  readonly released: boolean;
  readonly waiter: Pick<Waiter, 'keepAlive'>;
  release(): void;
}

/** Somebody who takes part in a ring, until he closes. */
export abstract class Participant {
  /** @internal */
  protected readonly attachment: Hold;

  /** @internal */
  constructor(attachment: Hold) {
    this.attachment = attachment;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.attachment.released;
  }

  /**
   * Lets go of the ring. Every Buffer that came from here is empty from then on, and whatever still
   * waits fails with `ERR_RELEASED`. Closing again does nothing.
   */
  close(): void {
    this.attachment.release();
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
    this.attachment.waiter.keepAlive.wanted = true;
    return this;
  }

  /** Lets the process end although waits are pending. */
  unref(): this {
    this.attachment.waiter.keepAlive.wanted = false;
    return this;
  }
}
