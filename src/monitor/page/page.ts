import type { Hello, SegmentLook } from '../look.js';
import { Card, linkTo } from './card.js';
import { connect } from './connection.js';
import type { Listener } from './connection.js';
import { html, part, say, set } from './element.js';
import { perSecond } from './figures.js';
import { History } from './history.js';

/** The page: a card for each segment, and what keys do. */

const connection = part('connection', HTMLElement);
const summary = part('summary', HTMLElement);
const attention = part('attention', HTMLElement);
const segments = part('segments', HTMLElement);
const nothing = part('nothing', HTMLElement);
const filter = part('filter', HTMLInputElement);
const pause = part('pause', HTMLButtonElement);
const legend = part('legend', HTMLDetailsElement);
const announcements = part('announcements', HTMLElement);

/** Announcements that are kept for screen readers. */
const ANNOUNCED = 20;

const histories = new Map<string, History>();
const cards = new Map<string, Card>();
let all: SegmentLook[] = [];
let interval = 1;
let version: string | undefined;
let paused = false;

/** Whether one is to be shown alone, and which: as its link says. */
const alone = () => (/^#?\/?$/.test(location.hash) ? undefined : location.hash);

function wanted({ name }: SegmentLook): boolean {
  const one = alone();
  if (one !== undefined) return one === linkTo(name);
  return name.toLowerCase().includes(filter.value.toLowerCase());
}

function announce(text: string): void {
  announcements.append(html('p', {}, text));
  while (announcements.childElementCount > ANNOUNCED) announcements.firstElementChild!.remove();
}

function remember(): void {
  const gone = new Set(histories.keys());
  for (const look of all) {
    gone.delete(look.name);
    let history = histories.get(look.name);
    if (!history) histories.set(look.name, (history = new History()));
    for (const { kind, text } of history.add(look)) {
      if (kind !== 'news') announce(`${look.name}: ${text}`);
    }
  }
  for (const name of gone) histories.delete(name);
}

function showCards(): void {
  const shown = all.filter(wanted);
  const names = new Set(shown.map(({ name }) => name));
  for (const look of shown) {
    let card = cards.get(look.name);
    if (card && !card.fits(look)) {
      card.close();
      card = undefined;
    }
    if (!card) {
      card = new Card(look, histories.get(look.name)!);
      cards.set(look.name, card);
    }
  }
  for (const [name, card] of cards) {
    if (names.has(name)) continue;
    card.close();
    cards.delete(name);
  }
  // Only what is out of place is moved: a card that is moved loses the focus in it.
  shown.forEach(({ name }, nth) => {
    const { element } = cards.get(name)!;
    if (segments.children[nth] !== element) {
      segments.insertBefore(element, segments.children[nth] ?? null);
    }
  });
  for (const look of shown) cards.get(look.name)!.show(look, interval);
}

function showAttention(): void {
  const bad = [...cards.values()].filter(({ level }) => level === 'bad' || level === 'slow');
  const text = bad.map(({ link, level, text: what }) => `${level} ${link.textContent}: ${what}`);
  attention.hidden = bad.length === 0 || alone() !== undefined;
  if (attention.dataset.text === text.join('\n')) return;
  attention.dataset.text = text.join('\n');
  attention.replaceChildren(
    ...bad.map(({ link, level, text: what }) =>
      html(
        'a',
        { href: link.getAttribute('href')!, 'data-level': level },
        html('strong', {}, link.textContent),
        ` ${what}`,
      ),
    ),
  );
}

function show(): void {
  document.body.classList.toggle('alone', alone() !== undefined);
  showCards();
  showAttention();
  const rate = all.reduce((sum, { ring }) => sum + (ring?.rate ?? 0), 0);
  const count = all.length === 1 ? '1 segment' : `${all.length} segments`;
  say(summary, all.length === 0 ? '' : `${count}, ${perSecond(rate)} committed`);
  nothing.hidden = cards.size > 0;
  say(nothing, all.length === 0 ? 'There are no segments.' : 'There is no such segment.');
}

function status(state: string, text: string): void {
  set(connection, { 'data-state': state });
  say(connection, text);
}

function setPaused(value: boolean): void {
  paused = value;
  set(pause, { 'aria-pressed': String(value) });
  document.body.classList.toggle('paused', value);
  if (!value) show();
}

const listener: Listener = {
  hello(hello: Hello) {
    interval = hello.interval;
    if (version !== undefined && version !== hello.version) location.reload();
    version = hello.version;
  },
  look(look) {
    all = look;
    remember();
    status('live', 'live');
    if (!paused) show();
  },
  failure(reason) {
    status('lost', reason);
  },
  lost() {
    status('lost', 'not connected, trying again');
  },
};

/** Goes from card to card. */
function step(by: number): void {
  const links = [...segments.querySelectorAll<HTMLAnchorElement>('h2 a')];
  const now = links.findIndex((link) => link.closest('article')!.contains(document.activeElement));
  const next = now < 0 ? (by > 0 ? 0 : links.length - 1) : now + by;
  links[Math.min(links.length - 1, Math.max(0, next))]?.focus();
}

const KEYS: Record<string, () => void> = {
  j: () => {
    step(1);
  },
  k: () => {
    step(-1);
  },
  p: () => {
    setPaused(!paused);
  },
  '/': () => {
    filter.focus();
  },
  '?': () => {
    legend.open = !legend.open;
    legend.querySelector('summary')!.focus();
  },
  Escape: () => {
    const one = alone();
    filter.value = '';
    location.hash = '#/';
    show();
    for (const { link } of cards.values()) if (link.hash === one) link.focus();
  },
};

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === filter && event.key !== 'Escape') return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
pause.addEventListener('click', () => {
  setPaused(!paused);
});
filter.addEventListener('input', show);
addEventListener('hashchange', show);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const card of cards.values()) card.redraw();
});
connect(listener);
