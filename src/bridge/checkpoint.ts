import { crc32 } from 'node:zlib';

import { DisruptorError } from '../errors.js';
import { Ring } from '../ring/ring.js';
import type { RingProducer } from '../ring/ring-producer.js';
import { Seen } from './seen.js';
import type { Memory } from './seen.js';

/** What stands in a checkpoint. */
interface Entry {
  /** How often was written before it, this time included: 0 for none. */
  readonly version: number;
  /** The segment that was written into: what is known of another one means nothing. */
  readonly target: string;
  readonly seen: Memory;
  /** What was about to be committed there when this was written, both ends inclusive. */
  readonly claim: readonly [start: number, end: number];
}

/** What a checkpoint needs of the segment that is written into. */
export interface Target {
  readonly generation: string;
  /** Whether it has one producer at a time. */
  readonly single: boolean;
  /** See `Ring`. */
  wasCommitted(start: number, end: number): boolean;
}

/** No sequences: what was written is so already. */
export const CERTAIN = [0, -1] as const;

const HALF = 65_536;
/** In front of each half: the length of what follows, and its checksum. */
const LENGTH = 0;
const CHECKSUM = 4;
const TEXT = 8;

/** The name of the segment in which a bridge remembers what it has written into `target`. */
export function checkpointName(target: string, bridge: string): string {
  return `${target}.${bridge}`;
}

/**
 * What a bridge has delivered into a segment, in shared memory beside it: it outlives the bridge, and
 * is gone when the segment's machine is.
 *
 * It is a ring of one element, of which the one producer claims that element and never commits it:
 * so the kernel says whether another bridge of this name lives. Of its two halves the older one is
 * written each time; who dies while he writes leaves the other.
 *
 * It is written before what it speaks of is committed, and says which sequences that has. Whoever opens
 * it asks the segment whether they were committed: if not, the older half holds.
 */
export class Checkpoint {
  readonly #target: string;
  readonly #producer: RingProducer<unknown>;
  readonly #memory: Buffer;
  #version = 0;
  /** What it held when it was opened, of this target. */
  readonly seen: Seen;

  private constructor(target: Target, producer: RingProducer<unknown>, memory: Buffer) {
    this.#target = target.generation;
    this.#producer = producer;
    this.#memory = memory;
    const [first, second] = [this.#read(0), this.#read(HALF)];
    const [older, newer] = first.version > second.version ? [second, first] : [first, second];
    // The next one goes into the place of what did not come to pass.
    const holds = newer.target !== this.#target || cameToPass(target, newer.claim);
    const latest = holds ? newer : older;
    this.#version = holds ? newer.version : newer.version - 1;
    this.seen = new Seen(latest.target === this.#target ? latest.seen : []);
  }

  /**
   * Opens the checkpoint of that name, or makes it.
   *
   * @param target - the segment that is written into
   * @throws DisruptorError `ERR_BRIDGE_BUSY` while another bridge that lives has it
   */
  static async open(name: string, target: Target): Promise<Checkpoint> {
    using ring = openOrCreate(name);
    if (ring.elements !== 1 || ring.elementSize !== 2 * HALF) {
      throw new DisruptorError('ERR_SEGMENT_GEOMETRY', `${name} is no checkpoint of a bridge`);
    }
    const producer = ring.producer();
    try {
      const { bufs } = await producer.claim(1, { timeout: PATIENCE });
      return new Checkpoint(target, producer, bufs[0]!);
    } catch (cause) {
      producer.close();
      const { code } = cause as { code?: unknown };
      if (code !== 'ERR_PRODUCER_BUSY' && code !== 'ERR_TIMEOUT') throw cause;
      throw new DisruptorError('ERR_BRIDGE_BUSY', `Another bridge lives that uses ${name}`, {
        cause,
      });
    }
  }

  /** Writes down what is seen once those sequences of the target are committed. */
  write(seen: Seen, claim: Entry['claim']): void {
    const version = this.#version + 1;
    let memories = seen.memory();
    const written = () => JSON.stringify({ version, target: this.#target, claim, seen: memories });
    let text = written();
    // Too much of it: a repetition may then pass for something new.
    while (Buffer.byteLength(text) > HALF - TEXT && memories.length > 0) {
      memories = memories.length > 1 ? memories.slice(1) : halved(memories);
      text = written();
    }
    this.#version = version;
    const bytes = Buffer.alloc(TEXT + Buffer.byteLength(text));
    bytes.writeUInt32LE(bytes.length - TEXT, LENGTH);
    bytes.write(text, TEXT);
    bytes.writeUInt32LE(crc32(bytes.subarray(TEXT)), CHECKSUM);
    const at = (version % 2) * HALF;
    this.#memory.set(bytes, at);
  }

  close(): void {
    this.#producer.close();
  }

  // What was never written, or not to its end, is nothing.
  #read(at: number): Entry {
    const memory = this.#memory;
    const length = memory.readUInt32LE(at + LENGTH);
    if (length === 0 || length > HALF - TEXT) return NOTHING;
    const bytes = memory.subarray(at + TEXT, at + TEXT + length);
    if (crc32(bytes) !== memory.readUInt32LE(at + CHECKSUM)) return NOTHING;
    try {
      const entry = JSON.parse(bytes.toString()) as unknown;
      return sound(entry) && (entry.version % 2) * HALF === at ? entry : NOTHING;
    } catch {
      return NOTHING;
    }
  }
}

const cameToPass = (target: Target, [start, end]: Entry['claim']) =>
  start > end || target.wasCommitted(start, end);

const NOTHING: Entry = { version: 0, target: '', seen: [], claim: [0, 0] };

/** Milliseconds. The claim of one who died may have to be closed. */
const PATIENCE = 5000;

const halved = ([only]: Memory): Memory => {
  if (!only) return [];
  const [origin, ranges] = only;
  const half = 2 * Math.floor(ranges.length / 4);
  return [[origin, ranges.slice(half === 0 ? 2 : half)]];
};

// It lies where others of this user can write.
function sound(entry: unknown): entry is Entry {
  const { version, target, seen, claim } = entry as Partial<Record<keyof Entry, unknown>>;
  const rising = (ranges: readonly unknown[]) =>
    ranges.length > 0 &&
    ranges.length % 2 === 0 &&
    ranges.every(
      (bound, i) =>
        Number.isSafeInteger(bound) && (i === 0 || (ranges[i - 1] as number) < (bound as number)),
    );
  return (
    Number.isSafeInteger(version) &&
    typeof target === 'string' &&
    Array.isArray(claim) &&
    claim.length === 2 &&
    claim.every(Number.isSafeInteger) &&
    Array.isArray(seen) &&
    seen.every((each: unknown) => {
      if (!Array.isArray(each)) return false;
      const [origin, ranges] = each as unknown[];
      return typeof origin === 'string' && Array.isArray(ranges) && rising(ranges);
    })
  );
}

function openOrCreate(name: string) {
  for (;;) {
    try {
      return Ring.open(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      return Ring.create(name, {
        elements: 1,
        elementSize: 2 * HALF,
        producers: 'single',
        maxConsumers: 1,
      });
    } catch (error) {
      // Somebody was quicker.
      if ((error as { code?: unknown }).code !== 'ERR_SEGMENT_EXISTS') throw error;
    }
  }
}
