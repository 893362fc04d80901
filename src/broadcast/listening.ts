import { naming, namingLater } from '../errors.js';
import { Subscriber } from '../native/broadcast.js';
import { tellOfAttachment, tellOfDetachment } from '../segment/events.js';
import type { AttachmentMessage } from '../segment/events.js';
import type { Hold } from '../segment/holder.js';
import { located, shownName } from '../segment/location.js';
import type { Strategy } from '../waiting/strategy.js';
import { Waiter } from '../waiting/waiter.js';

/** Where a broadcast is, as it was named. */
export interface Place {
  readonly name: string;
  /** Undefined for the system's own place. */
  readonly directory: string | undefined;
}

/** A hold on a broadcast that only reads. */
export class Listening implements Hold {
  readonly subscriber: Subscriber;
  readonly waiter: Waiter;
  readonly #message: AttachmentMessage;
  readonly #shown: string;
  #released = false;

  /** @throws as opening a broadcast */
  constructor(place: Place, strategy: Strategy, role: AttachmentMessage['role']) {
    const location = located(place.name, place.directory);
    this.#shown = shownName(location, place.name);
    this.subscriber = naming(this.#shown, () => Subscriber.open(location, strategy));
    this.waiter = new Waiter(this.subscriber, strategy, () => {
      // Nobody is in the way of a message that was not published.
    });
    this.#message = { name: place.name, role };
    tellOfAttachment(this.#message);
  }

  /** What the caller named the broadcast. */
  get name(): string {
    return this.#message.name;
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

  sync(): Promise<void> {
    return namingLater(this.#shown, () => this.subscriber.sync());
  }

  syncSync(): void {
    naming(this.#shown, () => {
      this.subscriber.syncNow();
    });
  }
}
