import type { ConsumerLook, ProducerLook, RingLook } from '../look.js';
import { consumerColours } from './colours.js';
import { html, say, set } from './element.js';
import { perSecond, percent, whole } from './figures.js';

/** One line of the table. */
class Row {
  readonly element = html('tr');
  readonly #key = html('span', { class: 'key', 'aria-hidden': 'true' });
  readonly #name = html('span');
  readonly #after = html('span', { class: 'after' });
  readonly #bar = html('span', { class: 'part' });
  readonly #meter = html('span', { class: 'meter', role: 'meter' }, this.#bar);
  readonly #behind = html('td', { class: 'figure' });
  readonly #rate = html('td', { class: 'figure' });
  readonly #state = html('td', { class: 'life' });

  constructor() {
    this.element.append(
      html('th', { scope: 'row' }, this.#key, this.#name, this.#after),
      html('td', { class: 'bar' }, this.#meter),
      ...[this.#behind, this.#rate, this.#state],
    );
  }

  show(one: ConsumerLook, elements: number, colour: string | undefined, worst: boolean): void {
    const member = one.role === 'member';
    const behind = member ? one.held : one.lag;
    const part = Math.min(1, behind / elements);
    set(this.element, { class: `${one.role}${worst ? ' worst' : ''}`, 'data-life': one.life });
    set(this.#key, { class: `key ${colour ?? ''}` });
    set(this.#bar, { class: `part ${colour ?? 'member-part'}` });
    this.#bar.style.width = `${part * 100}%`;
    set(this.#meter, {
      'aria-label': `${one.name} ${member ? 'holds' : 'is behind'}`,
      'aria-valuemin': 0,
      'aria-valuemax': elements,
      'aria-valuenow': behind,
      'aria-valuetext': `${whole(behind)} of ${whole(elements)}, ${percent(part)}`,
    });
    say(this.#name, member ? 'member' : one.name);
    say(this.#after, one.after.length > 0 ? `after ${one.after.join(', ')}` : '');
    say(this.#behind, whole(behind));
    say(this.#rate, member ? '' : perSecond(one.rate));
    say(this.#state, stateOf(one));
  }
}

function stateOf({ role, life, pid, gating }: ConsumerLook): string {
  const what = role === 'group' ? (life === 'alive' ? 'group' : `group, ${life}`) : life;
  const who = role === 'group' || pid === 0 ? '' : `, pid ${pid}`;
  const how = gating === 'gates' || gating === 'in a group' ? '' : `, ${gating}`;
  return `${what === 'alive' && who !== '' ? who.slice(2) : `${what}${who}`}${how}`;
}

function producerText({ pid, life, claimed }: ProducerLook): string {
  const dead = life === 'alive' ? '' : ` ${life},`;
  return `pid ${pid}${dead}${claimed > 0 ? ` ${whole(claimed)} claimed` : ''}`;
}

/** Whoever takes part: producers as a line, consumers as a table. */
export class ParticipantCount {
  readonly element = html('div', { class: 'participants' });
  readonly #producers = html('p', { class: 'producers' });
  readonly #body = html('tbody');
  readonly #table: HTMLTableElement;
  readonly #lost = html('p', { class: 'lost' });
  #rows = new Map<number, Row>();

  constructor(kind: string) {
    const titles = [kind === 'queue' ? 'receivers' : 'consumer', 'behind', '', 'rate', ''];
    this.#table = html(
      'table',
      {},
      html('thead', {}, html('tr', {}, ...titles.map((title) => html('th', {}, title)))),
      this.#body,
    );
    this.element.append(this.#producers, this.#table, this.#lost);
  }

  show(ring: RingLook, worst: number | undefined): void {
    // Members that left nothing behind are no members any more.
    const shown = ring.consumers.filter(({ role, life }) => role !== 'member' || life !== 'gone');
    const colours = consumerColours(ring);
    const rows = new Map<number, Row>();
    for (const one of shown) {
      const row = this.#rows.get(one.index) ?? new Row();
      row.show(one, ring.elements, colours.get(one.index), one.index === worst);
      rows.set(one.index, row);
    }
    const made = [...rows.keys()].join();
    if (made !== [...this.#rows.keys()].join()) {
      this.#body.replaceChildren(...[...rows.values()].map(({ element }) => element));
    }
    this.#rows = rows;
    this.#table.hidden = shown.length === 0;
    this.#showProducers(ring);
    const { count, elements } = ring.gaps;
    this.#lost.hidden = count === 0;
    const gaps = count === 1 ? '1 gap' : `${whole(count)} gaps`;
    say(this.#lost, `${whole(elements)} elements lost with their producers, in ${gaps}`);
  }

  #showProducers({ producers }: RingLook): void {
    const each = producers.map((one) =>
      html('span', { class: 'producer', 'data-life': one.life }, producerText(one)),
    );
    const text = each.map(({ textContent }) => textContent).join();
    if (this.#producers.dataset.text === text) return;
    this.#producers.dataset.text = text;
    const title = html('span', { class: 'title' }, 'producers');
    this.#producers.replaceChildren(title, ...(each.length > 0 ? each : ['nobody']));
  }
}
