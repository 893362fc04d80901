/** Messages begin at multiples of this, so that numbers in them are aligned. */
const ALIGNMENT = 8;
const LEAST_BYTES = 65_536;
/** How many of the longest messages there is room for. */
const LEAST_MESSAGES = 4;

/**
 * Private memory into which messages are copied one behind the other. None is ever written a second
 * time, so what was handed out belongs to whoever has it; what nobody has is collected.
 */
export class Landing {
  readonly #longest: number;
  readonly #use: (buffer: ArrayBuffer) => void;
  #memory = Buffer.alloc(0);
  #next = 0;

  /** For messages of up to `longest` bytes; `use` is told of each new buffer. */
  constructor(longest: number, use: (buffer: ArrayBuffer) => void) {
    this.#longest = longest;
    this.#use = use;
  }

  /** Where the next message goes: there is room for the longest. */
  get next(): number {
    if (this.#memory.length - this.#next < this.#longest || this.#memory.length === 0) {
      const size = Math.max(LEAST_BYTES, this.#longest * LEAST_MESSAGES);
      const buffer = new ArrayBuffer(size);
      this.#use(buffer);
      this.#memory = Buffer.from(buffer);
      this.#next = 0;
    }
    return this.#next;
  }

  /** The memory that it goes to. */
  get memory(): Buffer {
    return this.#memory;
  }

  /** It was `length` bytes long, and belongs to somebody. Where it ends. */
  keep(length: number): number {
    const end = this.#next + length;
    this.#next = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    return end;
  }
}
