import { oneOf, optionsObject, wrongType, wrongValue } from '../validate.js';
import type { OptionNames } from '../validate.js';
import type { Batch } from '../ring/batch.js';
import { RingConsumer } from '../ring/ring-consumer.js';
import { attachmentOf } from '../segment/ring-participant.js';
import { Shape } from '../values/format.js';
import type { BridgeSource, EndpointCounts } from './endpoint.js';
import { segmentParcel } from './bridge-message.js';
import type { BridgeMessage, SegmentFacts } from './bridge-message.js';
import { encodingNamed, writtenSchema } from './payload.js';
import type { PayloadForm } from './payload.js';
import { jsonParcel, readable } from './reading.js';

/** How a segment's messages are forwarded. */
export interface SegmentSourceOptions {
  /** See {@link PayloadForm}. Default: `'bytes'`. */
  as?: PayloadForm;
}

/** The names of such options. */
export const SOURCE: OptionNames<SegmentSourceOptions> = { as: true };

/** Bytes in front of a value that keeps its length. */
const LENGTH_BYTES = 4;
/** In the place of a sequence. */
const NONE = -1;

/**
 * The elements of a ring, taken by one of its consumers. The consumer commits what has arrived at the
 * other end, so that producers wait when that is away. It is closed with the bridge; one with a name
 * can be resumed by the next.
 *
 * @param consumer - what `ring.consumer(name)` gave; not a member of a group, whose order nobody keeps
 * @throws TypeError
 */
export function ringSource(
  consumer: RingConsumer<unknown>,
  options: SegmentSourceOptions = {},
): BridgeSource {
  return new RingSource(consumer, optionsObject<SegmentSourceOptions>(options, SOURCE));
}

class RingSource implements BridgeSource {
  readonly name: string;
  readonly #consumer: RingConsumer<unknown>;
  readonly #json: boolean;
  readonly #sized: boolean;
  readonly #facts: SegmentFacts;
  #batch: Batch<unknown> | undefined;
  #bufs: Buffer[] = [];
  /** Of the batch: the first sequence not acknowledged, and the first not taken. */
  #acknowledged = 0;
  #next = 0;
  #gaps = 0;
  /** Of what is being taken, the first sequence whose length leads out of its slot. */
  #damaged = NONE;

  constructor(consumer: unknown, { as }: SegmentSourceOptions) {
    if (!(consumer instanceof RingConsumer)) {
      throw wrongType('a RingConsumer', 'consumer', consumer);
    }
    if (consumer.group) throw wrongValue('a consumer that is in no group', 'consumer', consumer);
    this.#consumer = consumer as RingConsumer<unknown>;
    const { ring, name } = attachmentOf(consumer);
    this.#json = oneOf(['bytes', 'json'] as const, as ?? 'bytes', 'as') === 'json';
    this.#sized = ring.shape === Shape.Sized;
    const encodings: Partial<Record<number, string>> = {
      [Shape.Raw]: 'raw',
      [Shape.Record]: 'record',
    };
    this.name = `ring ${name}`;
    this.#facts = {
      origin: this.#consumer.generation,
      encoding: encodings[ring.shape] ?? encodingNamed(ring.schema),
      schema: writtenSchema(ring.schema),
    };
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async take(most: number, signal: AbortSignal): Promise<readonly BridgeMessage[]> {
    let batch = this.#batch;
    if (!batch || this.#next > batch.end) {
      batch = await this.#consumer.next({ signal });
      this.#batch = batch;
      this.#bufs = batch.bufs;
      this.#acknowledged = this.#next = batch.start;
      for (const { start, end } of batch.gaps) this.#gaps += end - start + 1;
    }
    this.#damaged = NONE;
    const time = Date.now();
    const parcels: BridgeMessage[] = [];
    const end = Math.min(batch.end, this.#next + most - 1);
    for (let sequence = this.#next; sequence <= end; sequence += 1) {
      const first = sequence === batch.start && batch.gaps.length > 0;
      parcels.push(
        segmentParcel(this.#facts, {
          data: this.#bytes(batch, sequence),
          sequence,
          from: first ? batch.gaps[0]!.start : sequence,
          next: sequence + 1,
          time,
        }),
      );
    }
    // One that cannot be read counts as taken.
    this.#next += 1;
    const asTheyAre = !this.#json && this.#damaged === NONE;
    const taken = asTheyAre
      ? parcels
      : readable(this.name, parcels, (parcel) => this.#read(batch, parcel));
    this.#next += taken.length - 1;
    return taken;
  }

  acknowledge(count: number): void {
    if (count === 0) return;
    this.#acknowledged += count;
    this.#consumer.commit(this.#acknowledged - 1);
  }

  giveBack(): void {
    this.#next = this.#acknowledged;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.#consumer.close();
  }

  counts(): EndpointCounts {
    return { gaps: this.#gaps, ...(!this.#consumer.closed && { lag: this.#consumer.lag }) };
  }

  #read(batch: Batch<unknown>, parcel: BridgeMessage): BridgeMessage {
    const { sequence } = parcel;
    if (this.#json) return jsonParcel(parcel, batch.at(sequence));
    // To read its value throws, and says what is wrong with its length.
    if (sequence === this.#damaged) batch.at(sequence);
    return parcel;
  }

  #bytes({ start, length }: Batch<unknown>, sequence: number): Buffer {
    const [first, second] = this.#bufs as [Buffer, Buffer?];
    const size = (first.length + (second?.length ?? 0)) / length;
    const at = (sequence - start) * size;
    const behind = at - first.length;
    const slot =
      behind < 0 ? first.subarray(at, at + size) : second!.subarray(behind, behind + size);
    if (!this.#sized) return slot;
    const end = LENGTH_BYTES + slot.readUInt32LE();
    if (end > size && this.#damaged === NONE) this.#damaged = sequence;
    // Whatever length stands there, it does not lead out of the slot.
    return slot.subarray(LENGTH_BYTES, end);
  }
}
