// Segment files with damage: a sound ring of small geometry, or a sound queue, and then words that
// are not as they should be. All of an image follows from its seed.
import { random } from '../compat/random.js';

/** Whole numbers from 0 below a limit. */
export type Random = (limit: number) => number;

/** What an image is made from, for people who look for what it did. */
export interface Parameters {
  kind: 'ring' | 'queue';
  elements: number;
  elementSize: number;
  consumers: number;
  producers: number;
  orphans: number;
  deadConsumers: number;
  /** 1 for one producer at a time. */
  single: number;
  /** Whether consumers join it. */
  joinable: boolean;
  /** Around where its counters stand. */
  base: string;
  length: number;
  mode: number;
  damage: string[];
}

/** A place in the file and what is written there: 8 bytes, or 4. */
export interface Damage {
  what: string;
  offset: number;
  value: bigint;
  bytes: 4 | 8;
}

// The offsets of addon/core/layout.h. Without them right, hardly any image could be attached to.
const MAGIC = 0x52505352444d4853n;
const VERSION = 3;
const BYTE_ORDER = 0x01020304;
const CHECKSUM = 120;
const IDENTITY_NUMBERS = 24;
const IDENTITY_OFFSETS = 88;
const HEADER = 4096;
const ENTRY = 128;
// Of an entry of the consumer table.
const CONSUMER = {
  attached: 8,
  role: 16,
  dependencies: 20,
  after: 24,
  work: 40,
  begin: 48,
  limit: 56,
  name: 64,
} as const;
const TAKER_BITS = 11n;
const ROLES = 6;
const VACANT = 1;
const GROUP = 4;
const MEMBER = 5;
// Of the identity.
const KINDS = { ring: 1, queue: 2 } as const;
const SHAPE = 76;
// Of a queue.
const CELL = 32;
const CELLS_IN_PAGE = 128;
const MESSAGE_HEADER = 8;
const DROPPED = 0xffff_ffff;
const WORDS = { next: 256, cursor: 384, gapLimit: 400 } as const;
const SMALL_WORDS = {
  status: 128,
  membership: 264,
  dataWaiters: 392,
  spaceWaiters: 512,
  dependents: 516,
  members: 520,
} as const;
const GONE = [2n ** 64n - 1n, 2n ** 64n - 2n, 2n ** 64n - 3n];
/** Names that everybody knows. */
const NAMES = ['a', 'b', 'c', 'd'];

const LAST = 2n ** 53n - 1n;
const EDGES = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 52n, LAST];
const ODD_EDGES = [...EDGES, 2n ** 54n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 2n, 2n ** 64n - 1n];

const u64 = (value: bigint) => BigInt.asUintN(64, value);

function raw(below: Random): bigint {
  let value = 0n;
  for (let i = 0; i < 4; i += 1) value = (value << 16n) | BigInt(below(2 ** 16));
  return value;
}

function checksum(identity: Buffer): bigint {
  let sum = 0xcbf29ce484222325n;
  for (const byte of identity.subarray(0, CHECKSUM)) {
    sum = u64((sum ^ BigInt(byte)) * 0x100000001b3n);
  }
  return sum;
}

export class Image {
  readonly below: Random;
  readonly parameters: Parameters;
  readonly bytes: Buffer;
  readonly #base: bigint;
  readonly #producersOffset: number;
  readonly #markersOffset: number;
  readonly #elementsOffset: number;

  constructor(seed: number) {
    const below = (this.below = random(seed));
    const kind = below(3) === 0 ? 'queue' : 'ring';
    const geometry = {
      elements: 1 + below(9),
      elementSize: below(2) === 0 ? 1 : 1 + below(16),
      consumers: 1 + below(6),
      producers: 1 + below(3),
      ...(kind === 'queue' && { elements: CELLS_IN_PAGE * (1 + below(2)), elementSize: CELL }),
    };
    const edge = EDGES[below(EDGES.length)]! + BigInt(below(16)) - 8n;
    this.#base = edge < 0n ? -edge : edge > LAST ? 2n * LAST - edge : edge;
    this.#producersOffset = HEADER + ENTRY * geometry.consumers;
    this.#markersOffset = this.#producersOffset + ENTRY * geometry.producers;
    const markersEnd = this.#markersOffset + 8 * geometry.elements;
    const elementsOffset = (this.#elementsOffset = Math.ceil(markersEnd / 4096) * 4096);
    const size = elementsOffset + geometry.elements * geometry.elementSize;
    this.parameters = {
      kind,
      ...geometry,
      orphans: below(2),
      deadConsumers: below(2),
      single: below(4) === 0 ? 1 : 0,
      joinable: kind === 'queue' || below(4) > 0,
      base: String(this.#base),
      length: size,
      mode: below(64) === 0 ? below(0o1000) & 0o666 : 0o600,
      damage: [],
    };
    this.bytes = Buffer.alloc(size);
    this.#writeCounters();
    if (this.parameters.joinable) this.#writeConsumers();
    if (kind === 'queue') this.#writeMessages();
    this.#writeIdentity();
    for (let words = below(16); words > 0; words -= 1) this.#put(this.damage());
    this.#cut();
  }

  // As a ring that was used: the last elements consumed, or not, or claimed and not committed.
  #writeCounters(): void {
    const { elements, consumers } = this.parameters;
    const unread = this.below(elements + 1);
    const claimed = this.below(elements - unread + 1);
    this.bytes.writeBigUInt64LE(this.#base + BigInt(claimed), WORDS.next);
    this.bytes.writeBigUInt64LE(this.#base, WORDS.cursor);
    const most = this.#base < BigInt(unread) ? Number(this.#base) : unread;
    for (let i = 0; i < consumers; i += 1) {
      const behind = Math.floor(most / (i + 1));
      this.bytes.writeBigUInt64LE(this.#base - BigInt(behind), HEADER + ENTRY * i);
    }
  }

  // Who is in the table, at random: also circles of those that come after each other, members of
  // nobody's group and two of one name.
  #writeConsumers(): void {
    const { bytes, below, parameters } = this;
    const { consumers, elements } = parameters;
    const near = () => u64(this.#base - BigInt(below(elements + 1)));
    for (let i = 0; i < consumers; i += 1) {
      const entry = HEADER + ENTRY * i;
      const usual = below(3) === 0 ? VACANT : 1 + below(ROLES - 1);
      const role = below(16) === 0 ? below(ROLES + 1) : usual;
      bytes.writeUInt32LE(1, entry + CONSUMER.attached);
      bytes.writeUInt32LE(role, entry + CONSUMER.role);
      bytes.write(this.consumerName(), entry + CONSUMER.name);
      bytes.writeUInt32LE(
        below(8) === 0 ? below(2 ** 16) : below(3),
        entry + CONSUMER.dependencies,
      );
      for (let other = 0; other < 8; other += 1) {
        const index = below(16) === 0 ? below(2 ** 16) : below(consumers);
        bytes.writeUInt16LE(index, entry + CONSUMER.after + 2 * other);
      }
      const taker = BigInt(below(consumers + 2));
      const work = role === GROUP ? (near() << TAKER_BITS) | taker : near();
      const begin = near();
      bytes.writeBigUInt64LE(u64(work), entry + CONSUMER.work);
      bytes.writeBigUInt64LE(begin, entry + CONSUMER.begin);
      bytes.writeBigUInt64LE(u64(begin + BigInt(below(4))), entry + CONSUMER.limit);
      if (below(3) === 0) bytes.writeBigUInt64LE(GONE[below(GONE.length)]!, entry);
    }
    if (parameters.kind === 'queue' && below(16) > 0) this.#writeGroup();
    bytes.writeUInt32LE(1, SMALL_WORDS.dependents);
    bytes.writeUInt32LE(below(4) === 0 ? below(2 ** 16) : consumers, SMALL_WORDS.members);
  }

  // The first entry is the group of a queue's consumers, and the others its members as a rule.
  #writeGroup(): void {
    const { bytes, below, parameters } = this;
    const { consumers } = parameters;
    const done = bytes.readBigUInt64LE(HEADER);
    const handed = below(4) === 0 ? done : u64(done + BigInt(below(4)));
    bytes.writeUInt32LE(GROUP, HEADER + CONSUMER.role);
    bytes.writeUInt32LE(0, HEADER + CONSUMER.dependencies);
    bytes.fill(0, HEADER + CONSUMER.name, HEADER + ENTRY);
    bytes.write('consumers', HEADER + CONSUMER.name);
    const taker = BigInt(below(consumers + 1));
    bytes.writeBigUInt64LE(u64((handed << TAKER_BITS) | taker), HEADER + CONSUMER.work);
    for (let i = 1; i < consumers; i += 1) {
      const entry = HEADER + ENTRY * i;
      bytes.writeBigUInt64LE(GONE[below(GONE.length)]!, entry);
      bytes.writeUInt32LE(below(3) === 0 ? MEMBER : VACANT, entry + CONSUMER.role);
      bytes.writeUInt32LE(1, entry + CONSUMER.dependencies);
      bytes.writeUInt32LE(0, entry + CONSUMER.after);
      const begin = u64(done + BigInt(below(3)));
      bytes.writeBigUInt64LE(begin, entry + CONSUMER.begin);
      bytes.writeBigUInt64LE(u64(begin + BigInt(below(3))), entry + CONSUMER.limit);
    }
  }

  // Messages, one behind the other, up to the cursor.
  #writeMessages(): void {
    const { bytes, below, parameters } = this;
    const { elements } = parameters;
    const done = bytes.readBigUInt64LE(HEADER);
    for (let at = done; at < this.#base && at >= 0n;) {
      const left = Number(this.#base - at);
      const most = Math.min(left, below(8) === 0 ? elements : 4) * CELL - MESSAGE_HEADER;
      if (most < 0) return;
      const length = below(most + 1);
      const cell = this.#elementsOffset + CELL * Number(at % BigInt(elements));
      bytes.writeUInt32LE(length, cell);
      bytes.writeUInt32LE(below(8) === 0 ? DROPPED : below(4), cell + 4);
      at += BigInt(Math.ceil((MESSAGE_HEADER + length) / CELL));
    }
  }

  #writeIdentity(): void {
    const { bytes, below, parameters } = this;
    const { elements, elementSize, consumers, producers } = parameters;
    bytes.writeBigUInt64LE(MAGIC, 0);
    [VERSION, BYTE_ORDER, KINDS[parameters.kind], 0o600].forEach((word, i) =>
      bytes.writeUInt32LE(word, 8 + 4 * i),
    );
    [bytes.length, elements, elementSize, consumers, producers].forEach((number, i) =>
      bytes.writeBigUInt64LE(BigInt(number), IDENTITY_NUMBERS + 8 * i),
    );
    bytes.writeUInt32LE(parameters.orphans, 64);
    bytes.writeUInt32LE(parameters.deadConsumers, 68);
    bytes.writeUInt32LE(parameters.single, 72);
    if (parameters.kind === 'queue') {
      const most = elements * CELL - MESSAGE_HEADER;
      bytes.writeUInt32LE(below(8) === 0 ? below(2 ** 32) : most, SHAPE);
    }
    [this.#producersOffset, this.#markersOffset, this.#elementsOffset, 1].forEach((number, i) =>
      bytes.writeBigUInt64LE(BigInt(number), IDENTITY_OFFSETS + 8 * i),
    );
    // Seldom: most of what lies behind the identity is reached only through a sound one.
    const damages = below(12) === 0 ? 1 + below(2) : 0;
    for (let i = 0; i < damages; i += 1) {
      const value = [BigInt(below(4)), raw(below), BigInt(2 ** below(40))][below(3)]!;
      const offset = 8 * below(CHECKSUM / 8);
      const near = bytes.readBigUInt64LE(offset) + BigInt(below(5)) - 2n;
      this.#put({ what: 'identity', offset, value: below(2) === 0 ? u64(near) : value, bytes: 8 });
    }
    const sum = checksum(bytes);
    bytes.writeBigUInt64LE(damages > 0 && below(4) === 0 ? raw(below) : sum, CHECKSUM);
  }

  #put({ what, offset, value, bytes }: Damage): void {
    if (offset + bytes > this.bytes.length) return;
    this.parameters.damage.push(`${what} at ${offset}: 0x${value.toString(16)}`);
    if (bytes === 8) this.bytes.writeBigUInt64LE(value, offset);
    else this.bytes.writeUInt32LE(Number(value), offset);
  }

  #cut(): void {
    const { below, parameters } = this;
    const kind = below(40);
    if (kind === 0) parameters.length = below(parameters.length + 1);
    if (kind === 1) parameters.length += below(16) - 8;
    if (kind === 2) parameters.length += 4096 * below(64);
  }

  // A number where a sequence, or a marker, is expected. Mostly one that is nearly right.
  #oddNumber(): bigint {
    const { below } = this;
    const { elements } = this.parameters;
    const near = BigInt(below(2 * elements + 4) - elements - 2);
    const about = u64(this.#base + near) & (2n ** 54n - 1n);
    switch (below(8)) {
      case 0:
        return u64(ODD_EDGES[below(ODD_EDGES.length)]! + near);
      case 1:
        return raw(below);
      case 2:
        return about | (2n ** 63n);
      case 3: // as a marker: a gap, touched or not
        return about | (2n ** 62n) | (BigInt(below(4)) << 54n);
      case 4: // as a marker: a commit that was touched
        return about | (BigInt(below(256)) << 54n);
      default:
        return about;
    }
  }

  /** Damage to one of the words that are read at work. */
  damage(): Damage {
    const { below } = this;
    const { elements, consumers, producers } = this.parameters;
    const words = Object.entries(WORDS);
    const small = Object.entries(SMALL_WORDS);
    if (this.parameters.kind === 'queue' && below(3) === 0) return this.#messageDamage();
    if (this.parameters.joinable && below(3) === 0) return this.#joiningDamage();
    switch (below(8)) {
      case 0: {
        const [what, offset] = small[below(small.length)]!;
        return { what, offset, value: raw(below) & 0xffffffffn, bytes: 4 };
      }
      case 1: {
        const offset = HEADER + ENTRY * below(consumers);
        return { what: 'consumer', offset, value: this.#oddNumber(), bytes: 8 };
      }
      case 2: {
        const entry = this.#producersOffset + ENTRY * below(producers);
        const offset = entry + 8 * (1 + below(14));
        return { what: 'range', offset, value: this.#oddNumber(), bytes: 8 };
      }
      case 3: {
        const offset = 128 + below(this.bytes.length - 120);
        return { what: 'anything', offset, value: raw(below), bytes: 8 };
      }
      case 4:
      case 5: {
        const [what, offset] = words[below(words.length)]!;
        return { what, offset, value: this.#oddNumber(), bytes: 8 };
      }
      default: {
        const offset = this.#markersOffset + 8 * below(elements);
        return { what: 'marker', offset, value: this.#oddNumber(), bytes: 8 };
      }
    }
  }

  // Damage to what says who a consumer is, whom it comes after and what it shares.
  #joiningDamage(): Damage {
    const { below } = this;
    const entry = HEADER + ENTRY * below(this.parameters.consumers);
    const numbers = [CONSUMER.work, CONSUMER.begin, CONSUMER.limit, CONSUMER.name];
    switch (below(4)) {
      case 0: {
        const value = BigInt(below(ROLES + 1));
        return { what: 'role', offset: entry + CONSUMER.role, value, bytes: 4 };
      }
      case 1: {
        const offset = entry + CONSUMER.dependencies + 4 * below(5);
        return { what: 'dependency', offset, value: BigInt(below(2 ** 20)), bytes: 4 };
      }
      default: {
        const offset = entry + numbers[below(numbers.length)]!;
        const odd = this.#oddNumber();
        const value = below(2) === 0 ? odd : u64((odd << TAKER_BITS) | BigInt(below(8)));
        return { what: 'share', offset, value, bytes: 8 };
      }
    }
  }

  // Damage to a message's length, or to how often it was delivered.
  #messageDamage(): Damage {
    const { below } = this;
    const offset = this.#elementsOffset + CELL * below(this.parameters.elements);
    const value = [BigInt(below(100)), BigInt(below(2 ** 14)), BigInt(DROPPED)][below(3)]!;
    if (below(2) === 0) return { what: 'length', offset, value, bytes: 4 };
    return { what: 'deliveries', offset: offset + 4, value, bytes: 4 };
  }

  /** A name that some consumer may have. */
  consumerName(): string {
    return NAMES[this.below(NAMES.length)]!;
  }

  /** A sequence as a caller may name one. */
  sequence(): number {
    const near = this.below(2 * this.parameters.elements + 4) - this.parameters.elements - 2;
    const asked = Number(this.#base) + near;
    return Math.min(Math.max(asked, 0), Number.MAX_SAFE_INTEGER);
  }
}
