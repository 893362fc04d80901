import type { RingHandle } from '../native/ring.js';
import { Queue } from '../queue/queue.js';
import { attachmentOf } from '../segment/ring-participant.js';
import { optionsObject, wrongType, wrongValue } from '../validate.js';
import { Delivered, DELIVERY } from './delivered.js';
import type { DeliveryOptions } from './delivered.js';
import { Undeliverable } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import type { BridgeMessage } from './bridge-message.js';
import { schemaOfBytes, writtenSchema } from './payload.js';

/**
 * Sends through a queue what has not come before. The queue is closed with the bridge.
 *
 * @throws TypeError
 */
export function queueTarget(
  queue: Queue<never, unknown>,
  options: DeliveryOptions = {},
): BridgeTarget {
  return new QueueTarget(queue, optionsObject<DeliveryOptions>(options, DELIVERY));
}

class QueueTarget implements BridgeTarget {
  readonly name: string;
  readonly #queue: Queue<never, unknown>;
  readonly #ring: RingHandle;
  readonly #schema: string;
  readonly #delivered: Delivered;

  constructor(queue: unknown, options: DeliveryOptions) {
    if (!(queue instanceof Queue)) throw wrongType('a Queue', 'queue', queue);
    this.#queue = queue as Queue<never, unknown>;
    this.name = `queue ${queue.name}`;
    this.#ring = attachmentOf(queue).ring;
    this.#schema = writtenSchema(this.#ring.schema);
    this.#delivered = new Delivered(queue, queue.name, options);
  }

  open(): Promise<void> {
    return this.#delivered.open();
  }

  async send(parcels: readonly BridgeMessage[], signal: AbortSignal): Promise<number> {
    let at = this.#delivered.nextNew(parcels, 0);
    while (at < parcels.length) {
      const parcel = parcels[at]!;
      try {
        this.#check(parcel);
      } catch (error) {
        if (at > 0) return at;
        throw new Undeliverable(error);
      }
      const { length } = parcel.data;
      const atOnce = this.#queue.tryClaim(length);
      // What has arrived is told before it waits.
      if (!atOnce && at > 0) return at;
      const space = atOnce ?? (await this.#queue.claim(length, { signal }));
      space.view.set(parcel.data);
      // Nobody else claims through this object.
      const { claimStart, claimEnd } = this.#ring;
      this.#delivered.add([parcel], [claimStart, claimEnd], () => space.commit());
      at = this.#delivered.nextNew(parcels, at + 1);
    }
    return at;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    // First what others then ask for.
    this.#queue.close();
    this.#delivered.end();
  }

  counts(): EndpointCounts {
    return this.#delivered.counts();
  }

  #check(parcel: BridgeMessage): void {
    const { length } = parcel.data;
    const schema = schemaOfBytes(parcel);
    if (schema !== '' && this.#schema !== '' && schema !== this.#schema) {
      throw wrongValue(`a message of schema ${this.#schema}`, 'message', schema);
    }
    if (length <= this.#queue.maxMessage) return;
    throw wrongValue(`a message of at most ${this.#queue.maxMessage} bytes`, 'message', length);
  }
}
