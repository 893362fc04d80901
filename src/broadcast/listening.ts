import { naming } from '../errors.js';
import { Subscriber } from '../native.js';
import { tellOfAttachment, tellOfDetachment } from '../segment/events.js';
import type { AttachmentMessage } from '../segment/events.js';
import type { Hold } from '../segment/participant.js';
import { segmentName } from '../validate.js';
import type { Strategy } from '../waiting/strategy.js';
import { Waiter } from '../waiting/waiter.js';

/** A hold on a broadcast that only reads. */
export class Listening implements Hold {
  readonly subscriber: Subscriber;
  readonly waiter: Waiter;
  readonly #message: AttachmentMessage;
  #released = false;

  /** @throws as opening a broadcast */
  constructor(path: string, strategy: Strategy, role: AttachmentMessage['role']) {
    this.subscriber = naming(path, () => Subscriber.open(segmentName(path), strategy));
    this.waiter = new Waiter(this.subscriber, strategy, () => {
      // Nobody is in the way of a message that was not published.
    });
    this.#message = { name: path, role };
    tellOfAttachment(this.#message);
  }

  get released(): boolean {
    return this.#released;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.waiter.end(() => {
      this.subscriber.release();
    });
    tellOfDetachment(this.#message);
  }
}
