import { Broadcast } from '../broadcast/broadcast.js';
import { wrongType, wrongValue } from '../validate.js';
import { Undeliverable } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import type { BridgeMessage } from './bridge-message.js';
import { schemaOfBytes, writtenSchema } from './payload.js';
import { Seen } from './seen.js';

/**
 * Publishes through a broadcast what has not come before. It never waits, and remembers what has come
 * only for as long as it runs: a bridge that is started again may publish the last ones twice. The
 * broadcast is closed with the bridge.
 *
 * @throws TypeError
 */
export function broadcastTarget(broadcast: Broadcast<never, unknown>): BridgeTarget {
  return new BroadcastTarget(broadcast);
}

class BroadcastTarget implements BridgeTarget {
  readonly name: string;
  readonly #broadcast: Broadcast<never, unknown>;
  readonly #schema: string;
  readonly #seen = new Seen();
  #duplicates = 0;
  #late = 0;

  constructor(broadcast: unknown) {
    if (!(broadcast instanceof Broadcast)) throw wrongType('a Broadcast', 'broadcast', broadcast);
    this.#broadcast = broadcast as Broadcast<never, unknown>;
    this.name = `broadcast ${this.#broadcast.name}`;
    this.#schema = writtenSchema(this.#broadcast.holds.schema);
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  send(parcels: readonly BridgeMessage[]): Promise<number> {
    let sent = 0;
    try {
      for (const parcel of parcels) {
        if (this.#seen.has(parcel)) {
          this.#duplicates += 1;
        } else {
          this.#check(parcel);
          this.#broadcast.publishBytes(parcel.data);
          if (this.#seen.add(parcel) === 'late') this.#late += 1;
        }
        sent += 1;
      }
    } catch (error) {
      if (sent === 0) return Promise.reject(new Undeliverable(error));
    }
    return Promise.resolve(sent);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.#broadcast.close();
  }

  counts(): EndpointCounts {
    return { duplicates: this.#duplicates, late: this.#late };
  }

  #check(parcel: BridgeMessage): void {
    const { length } = parcel.data;
    const schema = schemaOfBytes(parcel);
    if (schema !== '' && this.#schema !== '' && schema !== this.#schema) {
      throw wrongValue(`a message of schema ${this.#schema}`, 'message', schema);
    }
    if (length <= this.#broadcast.elementSize) return;
    throw wrongValue(
      `a message of at most ${this.#broadcast.elementSize} bytes`,
      'message',
      length,
    );
  }
}
