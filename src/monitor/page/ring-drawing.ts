import type { ConsumerLook, RingLook, SegmentLook } from '../look.js';
import { svg, say, set } from './element.js';
import { perSecond, percent, whole } from './figures.js';
import { halt, travel } from './motion.js';
import type { Moving } from './motion.js';
import { consumerColours } from './colours.js';
import { gating } from './verdict.js';

/** Where the band of slots is, and the tracks of consumers within it. */
const BAND = 104;
const FIRST_TRACK = 87;
const LAST_TRACK = 52;
const WIDEST_STEP = 13;
/** As many slots as can be told from each other are drawn one by one. */
const SLOTS_SHOWN = 96;

/** Parts of the ring, from 0 to 1, in relation to the cursor. */
interface Shape {
  /** Where the cursor stands, in turns. */
  head: number;
  used: number;
  claimed: number;
  /** Of it, what a dead producer claimed. */
  orphaned: number;
  lags: Map<number, number>;
}

const between = (from: number, to: number, progress: number) => from + (to - from) * progress;

function blend(from: Shape, to: Shape, progress: number): Shape {
  if (progress === 1) return to;
  const lags = new Map<number, number>();
  for (const [index, lag] of to.lags) {
    lags.set(index, between(from.lags.get(index) ?? lag, lag, progress));
  }
  return {
    head: between(from.head, to.head, progress),
    used: between(from.used, to.used, progress),
    claimed: between(from.claimed, to.claimed, progress),
    orphaned: to.orphaned,
    lags,
  };
}

/** A part of a circle: a dash of a stroke as long as the circle. */
function arc(circle: SVGCircleElement, start: number, length: number): void {
  const part = Math.min(1, Math.max(0, length));
  set(circle, {
    'stroke-dasharray': `${part.toFixed(5)} 1`,
    transform: `rotate(${(start * 360 - 90).toFixed(2)})`,
    visibility: part === 0 ? 'hidden' : undefined,
  });
}

const turned = (turn: number) => `rotate(${(turn * 360).toFixed(2)})`;

const circle = (name: string, r: number) => svg('circle', { class: name, r, pathLength: 1 });

/** A consumer's track. */
class Track {
  readonly element = svg('g');
  readonly #arc: SVGCircleElement;
  readonly #place = svg('g');

  constructor(radius: number, colour: string, one: ConsumerLook, worst: boolean) {
    const alive = one.life === 'alive';
    this.#arc = circle(`arc ${colour}`, radius);
    this.#place.append(
      alive
        ? svg('circle', { class: `dot ${colour}`, cy: -radius, r: 5.5 })
        : svg(
            'g',
            {},
            svg('circle', { class: 'behind-cross', cy: -radius, r: 9 }),
            svg('path', { class: 'cross', d: `M-4.5 ${-radius - 4.5}l9 9m0-9l-9 9` }),
          ),
    );
    this.#place.dataset.consumer = one.name;
    const title = svg('title');
    title.append(one.name);
    this.element.append(circle('track', radius), this.#arc, this.#place, title);
    this.element.classList.toggle('worst', worst);
    this.element.classList.toggle('absent', !alive);
  }

  move(head: number, lag: number): void {
    arc(this.#arc, head - lag, lag);
    set(this.#place, { transform: turned(head - lag) });
  }
}

/**
 * A ring, drawn as one. What is shown moves on from look to look, clockwise and to the true places. What
 * goes round more often than once between two looks is not shown going round that often.
 */
export class RingDrawing implements Moving {
  readonly element = svg('svg', { class: 'ring', viewBox: '-130 -130 260 260', role: 'img' });
  readonly #used = circle('used', BAND);
  readonly #claimed = circle('claimed', BAND);
  readonly #orphaned = circle('orphaned', BAND);
  readonly #slots = svg('circle', { class: 'slots', r: BAND });
  readonly #head = svg('path', { class: 'head', d: 'M0-114l-8-14h16z' });
  readonly #claims = svg('g');
  readonly #tracks = svg('g');
  readonly #fill = svg('text', { class: 'fill', y: 4 });
  readonly #word = svg('text', { class: 'word', y: 19 });
  readonly #rate = svg('text', { class: 'rate', y: 35 });
  #from: Shape | undefined;
  #shown: Shape | undefined;
  #to: Shape | undefined;
  #object = '';
  #made = '';
  #lines = new Map<number, Track>();

  constructor() {
    const band = circle('band', BAND);
    const start = svg('path', { class: 'start', d: `M0-${BAND + 8}v16` });
    this.element.append(
      ...[band, this.#used, this.#claimed, this.#orphaned, this.#slots, start],
      ...[this.#tracks, this.#claims, this.#head, this.#fill, this.#word, this.#rate],
    );
  }

  /** Shows a look. Who is `worst` is what the verdict is about. */
  show({ name, object, ring }: SegmentLook, interval: number, worst: number | undefined): void {
    if (!ring) return;
    const { elements, cursor, next, open, used } = ring;
    this.#makeTracks(ring, worst);
    const place = (cursor % elements) / elements;
    const known = this.#shown !== undefined && this.#object === object;
    // Always forward; a rounding error is no lap.
    const head = known ? this.#shown!.head % 1 : place;
    const forward = (place - head + 1) % 1;
    const claimed = Math.min(elements, Math.max(0, next - cursor));
    const orphaned = open?.orphaned === true ? open.end - open.start + 1 : 0;
    this.#to = {
      head: head + (forward > 1 - 1e-9 ? 0 : forward),
      used: Math.max(0, used - claimed) / elements,
      claimed: claimed / elements,
      orphaned: Math.min(claimed, orphaned) / elements,
      lags: new Map(gating(ring).map(({ index, lag }) => [index, lag / elements])),
    };
    this.#from = known ? { ...this.#shown!, head } : this.#to;
    this.#object = object;
    say(this.#fill, percent(used / elements));
    say(this.#word, 'full');
    say(this.#rate, perSecond(ring.rate));
    set(this.element, { 'aria-label': described(name, ring) });
    travel(this, interval * 1000);
  }

  move(progress: number): void {
    const shape = blend(this.#from!, this.#to!, progress);
    const { head, used, claimed, orphaned, lags } = shape;
    this.#shown = shape;
    arc(this.#used, head - used, used);
    arc(this.#claimed, head, claimed);
    arc(this.#orphaned, head, orphaned);
    set(this.#head, { transform: turned(head) });
    for (const [index, track] of this.#lines) track.move(head, lags.get(index) ?? 0);
  }

  /** Stops moving. */
  close(): void {
    halt(this);
  }

  /** The tracks stay as they are for as long as the same consumers are there. */
  #makeTracks(ring: RingLook, worst: number | undefined): void {
    const shown = gating(ring);
    const made = JSON.stringify([
      ring.elements,
      worst,
      shown.map(({ index, name, life }) => [index, name, life]),
    ]);
    if (made === this.#made) return;
    this.#made = made;
    const few = ring.elements <= SLOTS_SHOWN;
    set(this.#slots, {
      pathLength: ring.elements,
      'stroke-dasharray': '0.08 0.92',
      transform: 'rotate(-90)',
      visibility: few && ring.elements > 1 ? undefined : 'hidden',
    });
    const room = (FIRST_TRACK - LAST_TRACK) / Math.max(1, shown.length - 1);
    const step = Math.min(WIDEST_STEP, room);
    const colours = consumerColours(ring);
    this.#lines = new Map(
      shown.map((one, nth) => {
        const colour = colours.get(one.index)!;
        return [one.index, new Track(FIRST_TRACK - nth * step, colour, one, one.index === worst)];
      }),
    );
    this.#tracks.replaceChildren(...[...this.#lines.values()].map(({ element }) => element));
  }
}

function described(name: string, ring: RingLook): string {
  const { elements, used, cursor, next } = ring;
  const claimed = next > cursor ? `, claimed to ${whole(next)}` : '';
  const consumers = gating(ring).map(
    (one) => `; ${one.name} at ${whole(one.sequence!)}, ${whole(one.lag)} behind`,
  );
  return (
    `Ring ${name} of ${whole(elements)} elements, ${percent(used / elements)} full, ` +
    `written to ${whole(cursor)}${claimed}${consumers.join('')}`
  );
}
