import type { RingLook, SegmentLook } from '../look.js';
import { say, set, svg } from './element.js';
import { perSecond, percent, whole } from './figures.js';
import { halt, travel } from './motion.js';
import type { Moving } from './motion.js';

const LEFT = -118;
const WIDTH = 236;
const TOP = -34;
const HEIGHT = 44;

/** Parts of the queue, from 0 to 1. */
interface Shape {
  held: number;
  unread: number;
  claimed: number;
}

const none: Shape = { held: 0, unread: 0, claimed: 0 };

const rect = (name: string) =>
  svg('rect', { class: name, x: LEFT, y: TOP, width: 0, height: HEIGHT });

function shapeOf({ elements, next, cursor, consumers }: RingLook): Shape {
  const group = consumers.find(({ role }) => role === 'group');
  const unread = group?.unread ?? 0;
  return {
    unread: unread / elements,
    held: Math.max(0, (group?.lag ?? 0) - unread) / elements,
    claimed: Math.min(elements, Math.max(0, next - cursor)) / elements,
  };
}

/**
 * A queue, drawn as people stand in one: producers come from the left, the head is at the right. Whatever
 * has been given to somebody and is not done with stands in front.
 */
export class QueueDrawing implements Moving {
  readonly element = svg('svg', { class: 'queue', viewBox: '-130 -84 260 168', role: 'img' });
  readonly #held = rect('held');
  readonly #unread = rect('used');
  readonly #claimed = rect('claimed');
  readonly #fill = svg('text', { class: 'fill', y: TOP - 14 });
  readonly #rate = svg('text', { class: 'rate', y: TOP + HEIGHT + 44 });
  readonly #said = svg('text', { class: 'word', y: TOP + HEIGHT + 24 });
  #from = none;
  #shown = none;
  #to = none;

  constructor() {
    const pipe = svg('rect', {
      ...{ class: 'pipe', x: LEFT, y: TOP, width: WIDTH, height: HEIGHT },
    });
    const middle = TOP + HEIGHT / 2;
    const arrow = (x: number) =>
      svg('path', { class: 'flow', d: `M${x} ${middle - 5}l6 5-6 5`, fill: 'none' });
    this.element.append(pipe, this.#held, this.#unread, this.#claimed);
    this.element.append(arrow(LEFT - 9), arrow(LEFT + WIDTH + 4));
    this.element.append(this.#fill, this.#said, this.#rate);
  }

  /** Shows a look. */
  show({ name, ring }: SegmentLook, interval: number): void {
    if (!ring) return;
    this.#from = this.#shown;
    this.#to = shapeOf(ring);
    const { elements, used } = ring;
    const [unread, held] = [this.#to.unread, this.#to.held].map((part) => whole(part * elements));
    say(this.#fill, `${percent(used / elements)} full`);
    say(this.#said, `${unread!} cells wait, ${held!} are being worked on`);
    say(this.#rate, `${perSecond(ring.rate)} come in`);
    const label =
      `Queue ${name} of ${whole(elements)} cells, ${percent(used / elements)} full, ` +
      `${unread!} cells wait, ${held!} are held by receivers`;
    set(this.element, { 'aria-label': label });
    travel(this, interval * 1000);
  }

  move(progress: number): void {
    const part = (of: keyof Shape) => this.#from[of] + (this.#to[of] - this.#from[of]) * progress;
    this.#shown = { held: part('held'), unread: part('unread'), claimed: part('claimed') };
    let right = LEFT + WIDTH;
    for (const [bar, length] of [
      [this.#held, this.#shown.held],
      [this.#unread, this.#shown.unread],
      [this.#claimed, this.#shown.claimed],
    ] as const) {
      const width = Math.min(right - LEFT, length * WIDTH);
      right -= width;
      set(bar, { x: right.toFixed(2), width: width.toFixed(2) });
    }
  }

  /** Stops moving. */
  close(): void {
    halt(this);
  }
}
