// That what one consumer gets has no hole and nothing twice, whoever dies.
import type { Consumed, Gap } from 'shm-disruptor';

import { elements, read } from './message.js';
import type { Message } from './message.js';

export class Track {
  /** Of the next element. */
  sequence: number;
  /** What was lost. */
  readonly gaps: Gap[] = [];

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  /** Checks what was consumed, and gives the messages in it. @throws Error */
  *messages({ bufs, start, gaps = [] }: Consumed): Generator<Message> {
    for (const gap of gaps) {
      this.#expect(gap.start);
      this.gaps.push(gap);
      this.sequence = gap.end + 1;
    }
    if (bufs.length > 0) this.#expect(start);
    for (const element of elements(bufs)) {
      yield read(element, this.sequence);
      this.sequence += 1;
    }
  }

  #expect(sequence: number): void {
    if (sequence === this.sequence) return;
    throw new Error(`Consumed ${sequence} instead of ${this.sequence}`);
  }
}
