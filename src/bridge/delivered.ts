import { segmentName } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { attachmentOf } from '../segment/ring-participant.js';
import type { RingParticipant } from '../segment/ring-participant.js';
import { CERTAIN, Checkpoint, checkpointName } from './checkpoint.js';
import type { Target } from './checkpoint.js';
import type { EndpointCounts } from './endpoint.js';
import type { BridgeMessage } from './bridge-message.js';
import { Seen } from './seen.js';

/** Where messages that have come once too often are dropped. */
export interface DeliveryOptions {
  /**
   * Names the checkpoint of this bridge, a segment beside the target (`/ticks.from-nats`) in which it
   * remembers what it has delivered, for when it is started again: see {@link checkpointName}. One
   * bridge at a time has it. `false`: none, and only repetitions within one run are dropped. Default:
   * `'bridge'`.
   */
  checkpoint?: string | false;
}

/** The names of such options. */
export const DELIVERY: OptionNames<DeliveryOptions> = { checkpoint: true };

/** What a bridge has delivered into a segment, and what is no longer new to it. */
export class Delivered {
  readonly #name: string | undefined;
  readonly #target: Target;
  #checkpoint: Checkpoint | undefined;
  #seen = new Seen();
  #duplicates = 0;
  #late = 0;

  constructor(
    participant: RingParticipant,
    path: string,
    { checkpoint = 'bridge' }: DeliveryOptions,
  ) {
    const { ring } = attachmentOf(participant);
    this.#target = {
      generation: participant.generation,
      single: ring.single,
      wasCommitted: (start, end) => ring.wasCommitted(start, end),
    };
    if (checkpoint === false) return;
    this.#name = checkpointName(path, checkpoint);
    segmentName(this.#name);
  }

  /** @throws DisruptorError `ERR_BRIDGE_BUSY` */
  async open(): Promise<void> {
    if (this.#name === undefined || this.#checkpoint) return;
    this.#checkpoint = await Checkpoint.open(this.#name, this.#target);
    this.#seen = this.#checkpoint.seen;
  }

  /** Where the next parcel from `at` on is that is new: their number where there is none. */
  nextNew(parcels: readonly BridgeMessage[], at: number): number {
    let next = at;
    while (next < parcels.length && this.#seen.has(parcels[next]!)) {
      this.#duplicates += 1;
      next += 1;
    }
    return next;
  }

  /**
   * The parcels from `at` on, which is new, up to where one might repeat another of them: rising, and
   * of one origin.
   */
  runFrom(parcels: readonly BridgeMessage[], at: number): readonly BridgeMessage[] {
    let end = at + 1;
    for (; end < parcels.length; end += 1) {
      const [before, parcel] = [parcels[end - 1]!, parcels[end]!];
      if (parcel.origin !== before.origin || this.#seen.has(parcel)) break;
      if (parcel.origin !== '' && parcel.sequence < before.next) break;
    }
    return parcels.slice(at, end);
  }

  /**
   * Makes a run known as delivered, which `commit` does.
   *
   * @param claim - the sequences to be committed, both ends inclusive
   */
  add(
    run: readonly BridgeMessage[],
    claim: readonly [start: number, end: number],
    commit: () => unknown,
  ): void {
    for (const parcel of run) {
      if (this.#seen.add(parcel) === 'late') this.#late += 1;
    }
    if (!this.#target.single) this.#checkpoint?.write(this.#seen, claim);
    commit();
    // What the dead had claimed of such a ring others claim anew: nobody could tell whose it was.
    if (this.#target.single) this.#checkpoint?.write(this.#seen, CERTAIN);
  }

  end(): void {
    this.#checkpoint?.close();
    this.#checkpoint = undefined;
  }

  counts(): EndpointCounts {
    return { duplicates: this.#duplicates, late: this.#late, missing: this.#seen.missing };
  }
}
