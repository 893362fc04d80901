import type { SegmentLook } from '../look.js';
import { BlockDrawing } from './block-drawing.js';
import { Charts } from './charts.js';
import { html, say, set } from './element.js';
import { bytes, clock } from './figures.js';
import type { History } from './history.js';
import { ParticipantCount } from './participants.js';
import { QueueDrawing } from './queue-drawing.js';
import { RingDrawing } from './ring-drawing.js';
import { verdict } from './verdict.js';
import type { Level } from './verdict.js';

/** How many happenings are shown. */
const SHOWN = 6;

interface Drawing {
  element: Element;
  show(look: SegmentLook, interval: number, worst: number | undefined): void;
  close(): void;
}

/** What each kind of segment looks like. */
const KINDS: Record<string, () => Drawing> = {
  queue: () => new QueueDrawing(),
  block: () => new BlockDrawing(),
};

const drawn = ({ kind, ring }: SegmentLook) => (ring ? kind : 'block');

/** Where a segment is shown alone. */
export const linkTo = (name: string) => `#${encodeURI(name)}`;

/** One segment. */
export class Card {
  readonly element: HTMLElement;
  readonly link: HTMLAnchorElement;
  readonly #about = html('p', { class: 'about' });
  readonly #state = html('span', { class: 'state' });
  readonly #verdict = html('p', { class: 'verdict' });
  readonly #notes = html('ul', { class: 'notes' });
  readonly #happenings = html('ol', { class: 'happenings' });
  readonly #history: History;
  readonly #drawn: string;
  readonly #drawing: Drawing;
  readonly #participants: ParticipantCount | undefined;
  readonly #charts: Charts | undefined;
  /** How bad it is. */
  level: Level = 'idle';
  /** What is said of it. */
  text = '';

  constructor(look: SegmentLook, history: History) {
    const { name, kind } = look;
    this.#history = history;
    this.#drawn = drawn(look);
    this.#drawing = (KINDS[this.#drawn] ?? (() => new RingDrawing()))();
    this.link = html('a', { href: linkTo(name) }, name);
    const body = html('div', { class: 'body' });
    body.append(this.#drawing.element);
    if (look.ring) {
      this.#participants = new ParticipantCount(kind);
      this.#charts = new Charts(history);
      body.append(this.#participants.element);
    }
    this.element = html(
      'article',
      { 'aria-label': name, 'data-name': name, 'data-kind': kind },
      html('header', {}, html('h2', {}, this.link), this.#about, this.#state),
      ...[this.#verdict, this.#notes, body],
      ...(this.#charts ? [this.#charts.element] : []),
      this.#happenings,
    );
  }

  /** Whether it can show this: a segment of the same name may be of another kind now. */
  fits(look: SegmentLook): boolean {
    return this.#drawn === drawn(look);
  }

  show(look: SegmentLook, interval: number): void {
    const { kind, geometry, bytes: size, owner, state, ring, notes } = look;
    const { level, text, about } = verdict(look);
    this.level = level;
    this.text = text;
    set(this.element, { 'data-level': level });
    say(this.#about, [kind, geometry, bytes(size), owner].filter(Boolean).join(' · '));
    say(this.#state, state);
    set(this.#state, { 'data-state': state });
    say(this.#verdict, text);
    this.#say(notes.filter((note) => note !== text));
    this.#tell();
    this.#drawing.show(look, interval, level === 'bad' || level === 'slow' ? about : undefined);
    if (!ring) return;
    this.#participants!.show(ring, level === 'bad' || level === 'slow' ? about : undefined);
    this.#charts!.show(look);
  }

  /** In other colours, perhaps. */
  redraw(): void {
    this.#charts?.redraw();
  }

  close(): void {
    this.#drawing.close();
    this.#charts?.close();
    this.element.remove();
  }

  #say(notes: string[]): void {
    if (this.#notes.dataset.text === notes.join('\n')) return;
    this.#notes.dataset.text = notes.join('\n');
    this.#notes.replaceChildren(...notes.map((note) => html('li', {}, note)));
  }

  #tell(): void {
    const shown = this.#history.happenings.slice(-SHOWN).reverse();
    const text = JSON.stringify(shown);
    if (this.#happenings.dataset.text === text) return;
    this.#happenings.dataset.text = text;
    this.#happenings.replaceChildren(
      ...shown.map(({ at, kind, text: what }) =>
        html('li', { 'data-kind': kind }, html('time', {}, clock(at)), ` ${what}`),
      ),
    );
  }
}
