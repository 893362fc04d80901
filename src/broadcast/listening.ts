import { naming, namingLater } from '../errors.js';
import type { SegmentLabel } from '../errors.js';
import { SubscriberHandle } from '../native/broadcast.js';
import { emitAttach, emitDetach } from '../segment/events.js';
import type { AttachmentMessage } from '../segment/events.js';
import type { OpenSegment } from '../segment/segment-handle.js';
import { labelOf, located } from '../segment/location.js';
import type { Strategy } from '../waiting/strategy.js';
import { watchForRemoval } from '../waiting/removal.js';
import { namingSteps } from '../steps.js';
import type { Steps } from '../steps.js';
import { Waiter } from '../waiting/waiter.js';

/** Where a broadcast is, as it was named. */
export interface Place {
  readonly name: string;
  /** Undefined for the system's own place. */
  readonly directory: string | undefined;
}

/** A hold on a broadcast that only reads. */
export class Listening implements OpenSegment {
  readonly subscriber: SubscriberHandle;
  readonly waiter: Waiter;
  readonly #message: AttachmentMessage;
  readonly #label: SegmentLabel;
  #released = false;

  /** Opens a broadcast. */
  static *to(place: Place, strategy: Strategy, role: AttachmentMessage['role']): Steps<Listening> {
    const location = located(place.name, place.directory);
    const label = labelOf(location, place.name);
    const subscriber = yield* namingSteps(label, 'open', SubscriberHandle.open(location, strategy));
    return new Listening(subscriber, label, strategy, { name: place.name, role });
  }

  private constructor(
    subscriber: SubscriberHandle,
    label: SegmentLabel,
    strategy: Strategy,
    message: AttachmentMessage,
  ) {
    this.subscriber = subscriber;
    this.#label = label;
    this.#message = message;
    this.waiter = new Waiter(this.subscriber, strategy, message, () => {
      // Nobody is in the way of a message that was not published.
    });
    emitAttach(this.#message);
    watchForRemoval(this.waiter);
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
    emitDetach(this.#message);
  }

  sync(): Promise<void> {
    return namingLater(this.#label, 'sync', () => this.subscriber.sync());
  }

  syncSync(): void {
    naming(this.#label, 'sync', () => {
      this.subscriber.syncNow();
    });
  }
}
