import { markAsUntransferable } from 'node:worker_threads';

/** Messages begin at multiples of this, so that numbers in them are aligned. */
const ALIGNMENT = 8;
const MIN_BYTES = 65_536;

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/**
 * Private memory into which messages are copied one behind the other. None is ever written a second
 * time, so what was handed out belongs to whoever has it; what nobody has is collected.
 */
export class ReceiveBuffer {
  readonly #use: (buffer: ArrayBuffer) => void;
  #memory = Buffer.alloc(0);
  #next = 0;

  /** `use` is told of each new buffer. */
  constructor(use: (buffer: ArrayBuffer) => void) {
    this.#use = use;
  }

  /** Where the next message goes. To be asked before each: somebody may have detached the memory. */
  get next(): number {
    if (this.#memory.length === 0) this.renew(0);
    return this.#next;
  }

  /** The memory that it goes to. */
  get memory(): Buffer {
    return this.#memory;
  }

  /** There was no room for a message so long. */
  renew(length: number): void {
    const buffer = new ArrayBuffer(Math.max(MIN_BYTES, aligned(length)));
    // Who transfers it would take other messages with his own.
    markAsUntransferable(buffer);
    this.#use(buffer);
    this.#memory = Buffer.from(buffer);
    this.#next = 0;
  }

  /** It ended there, and belongs to somebody. */
  keep(end: number): void {
    this.#next = aligned(end);
  }
}
