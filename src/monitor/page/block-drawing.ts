import type { SegmentLook } from '../look.js';
import { say, set, svg } from './element.js';
import { bytes } from './figures.js';

/** Memory without an order that could be drawn, or whose order is not to be believed: a block of bytes. */
export class BlockDrawing {
  readonly element = svg('svg', { class: 'block', viewBox: '-130 -84 260 168', role: 'img' });
  readonly #size = svg('text', { class: 'fill', y: 6 });
  readonly #word = svg('text', { class: 'word', y: 26 });

  constructor() {
    const frame = svg('rect', { class: 'pipe', x: -90, y: -56, width: 180, height: 112 });
    const lines = svg('path', {
      class: 'grid',
      d: 'M-90-28H90M-90 42H90M-45-56v28M0-56v28M45-56v28',
    });
    this.element.append(frame, lines, this.#size, this.#word);
  }

  /** Shows a look. */
  show({ name, kind, bytes: size, state }: SegmentLook): void {
    const word = state === 'damaged' ? 'cannot be read' : kind;
    say(this.#size, bytes(size));
    say(this.#word, word);
    set(this.element, { 'aria-label': `Segment ${name}, ${bytes(size)}: ${word}` });
  }

  /** Nothing moves. */
  close(): void {
    this.element.remove();
  }
}
