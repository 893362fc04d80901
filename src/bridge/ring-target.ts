import { RingProducer } from '../ring/ring-producer.js';
import type { Claim } from '../ring/ring-producer.js';
import { attachmentOf } from '../segment/ring-participant.js';
import { optionsObject, wrongType, wrongValue } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { Shape } from '../values/format.js';
import { RecordType } from '../values/record.js';
import type { RecordSchema } from '../values/record.js';
import { Delivered, DELIVERY } from './delivered.js';
import type { DeliveryOptions } from './delivered.js';
import { Undeliverable } from './endpoint.js';
import type { BridgeTarget, EndpointCounts } from './endpoint.js';
import type { BridgeMessage } from './bridge-message.js';
import { recordFromJson, schemaOfBytes, writtenSchema } from './payload.js';

/** How a ring is written into. */
export interface RingTargetOptions extends DeliveryOptions {
  /** The record of the ring's elements: for messages that come as JSON. */
  record?: RecordType<RecordSchema>;
}

const OPTIONS: OptionNames<RingTargetOptions> = { ...DELIVERY, record: true };

/** Bytes in front of a value that keeps its length. */
const LENGTH_BYTES = 4;

/**
 * Publishes into a ring what has not come before. The producer is closed with the bridge.
 *
 * @param producer - what `ring.producer()` gave
 * @throws TypeError
 */
export function ringTarget(
  producer: RingProducer<never>,
  options: RingTargetOptions = {},
): BridgeTarget {
  return new RingTarget(producer, optionsObject<RingTargetOptions>(options, OPTIONS));
}

class RingTarget implements BridgeTarget {
  readonly name: string;
  readonly #producer: RingProducer<unknown>;
  readonly #record: RecordType<RecordSchema> | undefined;
  readonly #delivered: Delivered;
  readonly #elements: number;
  readonly #shape: number;
  readonly #schema: string;
  readonly #size: number;
  /** The most bytes that a message can have. */
  readonly #room: number;

  constructor(producer: unknown, options: RingTargetOptions) {
    if (!(producer instanceof RingProducer)) {
      throw wrongType('a RingProducer', 'producer', producer);
    }
    const { record } = options;
    if (record !== undefined && !(record instanceof RecordType)) {
      throw wrongType('a RecordType', 'record', record);
    }
    this.#producer = producer as RingProducer<unknown>;
    this.#record = record;
    const { ring, name } = attachmentOf(producer);
    if (record && (ring.shape !== Shape.Record || record.fingerprint !== ring.schema)) {
      throw wrongValue('the record of the ring', 'record', record);
    }
    this.name = `ring ${name}`;
    this.#elements = ring.elementCount;
    this.#shape = ring.shape;
    this.#schema = writtenSchema(ring.schema);
    this.#size = ring.elementSize;
    this.#room = ring.elementSize - (ring.shape === Shape.Sized ? LENGTH_BYTES : 0);
    this.#delivered = new Delivered(this.#producer, name, options);
  }

  open(): Promise<void> {
    return this.#delivered.open();
  }

  async send(parcels: readonly BridgeMessage[], signal: AbortSignal): Promise<number> {
    const first = this.#delivered.nextNew(parcels, 0);
    if (first === parcels.length) return first;
    const run = this.#delivered.runFrom(parcels, first);
    const contents: Uint8Array[] = [];
    for (const parcel of run) {
      try {
        contents.push(this.#content(parcel));
      } catch (error) {
        if (contents.length > 0) break;
        if (first > 0) return first;
        throw new Undeliverable(error);
      }
    }
    const claim = await this.#claim(contents.length, signal);
    const count = claim.end - claim.start + 1;
    this.#fill(claim, contents);
    this.#delivered.add(run.slice(0, count), [claim.start, claim.end], () => claim.commit());
    return first + count;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    // First what others then ask for.
    this.#producer.close();
    this.#delivered.end();
  }

  counts(): EndpointCounts {
    return this.#delivered.counts();
  }

  // Some elements, at most so many, as soon as there is one.
  async #claim(most: number, signal: AbortSignal): Promise<Claim> {
    for (let count = Math.min(most, this.#elements); count >= 1; count = Math.floor(count / 2)) {
      const claim = this.#producer.tryClaim(count);
      if (claim) return claim;
    }
    return this.#producer.claim(1, { signal });
  }

  #content(parcel: BridgeMessage): Uint8Array {
    const { data, encoding } = parcel;
    if (this.#shape === Shape.Record && encoding === 'json') {
      if (this.#record) return recordFromJson(this.#record, data);
      throw wrongType('the option record', 'options', undefined);
    }
    const schema = schemaOfBytes(parcel);
    if (schema !== '' && this.#schema !== '' && schema !== this.#schema) {
      throw wrongValue(`a message of schema ${this.#schema}`, 'message', schema);
    }
    const whole = this.#shape !== Shape.Record || data.length === this.#size;
    if (whole && data.length <= this.#room) return data;
    throw wrongValue(`a message of at most ${this.#room} bytes`, 'message', data.length);
  }

  #fill({ start, end, bufs }: Claim, contents: readonly Uint8Array[]): void {
    let buf = bufs[0]!;
    let at = 0;
    for (let i = 0; i <= end - start; i += 1, at += this.#size) {
      if (at === buf.length) [buf, at] = [bufs[1]!, 0];
      const slot = buf.subarray(at, at + this.#size);
      const content = contents[i]!;
      const begin = this.#size - this.#room;
      if (begin > 0) slot.writeUInt32LE(content.length);
      slot.set(content, begin);
      slot.fill(0, begin + content.length);
    }
  }
}
