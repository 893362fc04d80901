import { Readable } from 'node:stream';
import type { ReadableOptions } from 'node:stream';

import type { ReceivedMessage, Subscription } from './subscription.js';
import { readableOptions } from '../validate.js';

/**
 * A Readable in object mode over a subscription: it gives each message with its sequence and with how
 * many were lost before it. While nobody reads, messages are lost and not piled up: by default it takes
 * one only when the one before was read. It never ends by itself; destroying it does not close the
 * subscription.
 */
export class SubscriptionReadStream<Out = Buffer> extends Readable {
  /** What is read. */
  readonly subscription: Subscription<Out>;
  readonly #controller = new AbortController();

  /**
   * Reads from a subscription.
   *
   * @param subscription - of which nobody else receives meanwhile
   * @param options - passed on to Readable
   */
  constructor(subscription: Subscription<Out>, options?: ReadableOptions) {
    super({ highWaterMark: 1, ...readableOptions(options), objectMode: true });
    this.subscription = subscription;
  }

  /** @internal */
  override _read(): void {
    this.subscription.receive({ signal: this.#controller.signal }).then(
      (received: ReceivedMessage<Out>) => {
        this.push(received);
      },
      (error: unknown) => {
        if (!this.destroyed) this.destroy(error as Error);
      },
    );
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#controller.abort();
    callback(error);
  }
}
