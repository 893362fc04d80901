import { Broadcast } from '../broadcast/broadcast.js';
import type { StartPosition, ReceivedMessage, Subscription } from '../broadcast/subscription.js';
import { oneOf, optionsObject, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { Shape } from '../values/format.js';
import type { BridgeSource, EndpointCounts } from './endpoint.js';
import { segmentParcel } from './bridge-message.js';
import type { BridgeMessage, SegmentFacts } from './bridge-message.js';
import { encodingNamed, writtenSchema } from './payload.js';
import { jsonParcel, readable } from './reading.js';
import { SOURCE } from './ring-source.js';
import type { SegmentSourceOptions } from './ring-source.js';

/** How a broadcast's messages are forwarded. */
export interface BroadcastSourceOptions extends SegmentSourceOptions {
  /** Where the bridge begins, as for {@link Broadcast.subscribe}. Default: `'latest'`. */
  from?: StartPosition;
}

const OPTIONS: OptionNames<BroadcastSourceOptions> = { ...SOURCE, from: true };

/**
 * The messages of a broadcast. Publishers do not wait for the bridge: what it does not take in time is
 * lost, and counted (`overrun`); so is what a bridge that was killed had not forwarded. The broadcast
 * is closed with the bridge.
 *
 * @param broadcast - opened with its encoding or record
 * @throws TypeError
 */
export function broadcastSource(
  broadcast: Broadcast<never, unknown>,
  options: BroadcastSourceOptions = {},
): BridgeSource {
  return new BroadcastSource(broadcast, optionsObject<BroadcastSourceOptions>(options, OPTIONS));
}

class BroadcastSource implements BridgeSource {
  readonly name: string;
  readonly #broadcast: Broadcast<never, unknown>;
  readonly #subscription: Subscription;
  readonly #json: boolean;
  readonly #facts: SegmentFacts;
  /** As they lie there. Taken and not acknowledged; those before `#next` are under way. */
  readonly #held: BridgeMessage[] = [];
  #next = 0;
  #overrun = 0;

  constructor(broadcast: unknown, { as, from = 'latest' }: BroadcastSourceOptions) {
    if (!(broadcast instanceof Broadcast)) throw wrongType('a Broadcast', 'broadcast', broadcast);
    this.#broadcast = broadcast as Broadcast<never, unknown>;
    this.#json = oneOf(['bytes', 'json'] as const, as ?? 'bytes', 'as') === 'json';
    this.#subscription = this.#broadcast.subscribeToBytes({ from });
    const { shape, schema } = this.#broadcast.holds;
    const names: Partial<Record<number, string>> = {
      [Shape.Raw]: 'raw',
      [Shape.Record]: 'record',
    };
    this.name = `broadcast ${this.#broadcast.name}`;
    this.#facts = {
      origin: this.#broadcast.generation,
      encoding: names[shape] ?? encodingNamed(schema),
      schema: writtenSchema(schema),
    };
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async take(most: number, signal: AbortSignal): Promise<readonly BridgeMessage[]> {
    const waiting = this.#held.length - this.#next;
    if (waiting === 0) this.#hold(await this.#subscription.receive({ signal }));
    while (this.#held.length - this.#next < most) {
      const received = this.#subscription.tryReceive();
      if (!received) break;
      this.#hold(received);
    }
    const taken = this.#held.slice(this.#next, this.#next + most);
    // One that cannot be read counts as taken.
    this.#next += 1;
    const parcels = this.#json ? readable(this.name, taken, (each) => this.#asJson(each)) : taken;
    this.#next += parcels.length - 1;
    return parcels;
  }

  acknowledge(count: number): void {
    this.#held.splice(0, count);
    this.#next -= count;
  }

  giveBack(): void {
    this.#next = 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.#subscription.close();
    this.#broadcast.close();
  }

  counts(): EndpointCounts {
    const lag = this.#subscription.closed ? {} : { lag: this.#subscription.lag };
    return { overrun: this.#overrun, ...lag };
  }

  #asJson(parcel: BridgeMessage): BridgeMessage {
    const { data, sequence } = parcel;
    return jsonParcel(parcel, this.#broadcast.decodeBytes(data as Buffer, sequence));
  }

  #hold({ data, sequence, lost }: ReceivedMessage<Buffer>): void {
    this.#overrun += lost;
    this.#held.push(
      segmentParcel(this.#facts, {
        data,
        sequence,
        // What was lost does not come later either.
        from: sequence - lost,
        next: sequence + 1,
        time: Date.now(),
      }),
    );
  }
}
