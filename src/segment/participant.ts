import type { Attachment } from './attachment.js';

/** What a participant is attached by. @internal */
export let attachmentOf: (participant: Participant) => Attachment;

/** Somebody who takes part in a ring, until he closes. */
export abstract class Participant {
  /** @internal */
  protected readonly attachment: Attachment;

  static {
    attachmentOf = (participant) => participant.attachment;
  }

  /** @internal */
  constructor(attachment: Attachment) {
    this.attachment = attachment;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.attachment.released;
  }

  /**
   * Names this creation of the segment, in 16 hexadecimal digits: the same for all who have it open,
   * and another after it was created anew, or on another machine. With a sequence it names an element
   * everywhere and for ever.
   */
  get generation(): string {
    return this.attachment.ring.generation.toString(16).padStart(16, '0');
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
