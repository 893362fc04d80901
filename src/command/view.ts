import cliTruncate from 'cli-truncate';

import type { Observation } from '../observe/observation.js';
import type { ObservedConsumer } from '../observe/ring.js';
import { bar, sparkline } from './blocks.js';
import { compact, extent, life, LIFE_STYLE, maxLag, state, STATE_STYLE } from './output.js';
import type { Paint } from './output.js';
import type { Watched } from './watching.js';

/** What `top` shows, as lines of text. */

/** What segments can be sorted by, in the order in which a key goes through them. */
export const SORTS = ['name', 'rate', 'lag', 'fill'] as const;
/** One of {@link SORTS}. */
export type Sort = (typeof SORTS)[number];

/** How it is shown. */
export interface ViewOptions {
  sort: Sort;
  paused: boolean;
  paint: Paint;
  columns: number;
}

const fill = ({ seen: { ring, geometry: made } }: Watched) =>
  ring && made ? ring.used / made.elements : 0;

const keyOf: Record<Sort, (watched: Watched) => number> = {
  name: () => 0,
  rate: ({ rates }) => rates?.committed ?? 0,
  lag: ({ seen }) => maxLag(seen),
  fill,
};

/** The highest first; by name otherwise. */
export function sorted(all: readonly Watched[], sort: Sort): Watched[] {
  const key = keyOf[sort];
  return [...all].sort((a, b) => key(b) - key(a) || (a.seen.name < b.seen.name ? -1 : 1));
}

const perSecond = (rate: number | undefined) => (rate === undefined ? '-' : `${compact(rate)}/s`);

/** Columns of the title line and of the consumers' lines, so that what belongs together is below it. */
const RATE = 9;
const SPARK = 16;
const STATE = 8;
const PERCENT = 4;
const MIN_NAME = 20;
const MAX_NAME = 36;
const MIN_BAR = 8;
const MAX_BAR = 40;

/** How wide names and bars are. */
interface Widths {
  nameWidth: number;
  barWidth: number;
}

const column = (text: string, width: number) => cliTruncate(text, width).padEnd(width);

function widthsOf(all: readonly Watched[], columns: number): Widths {
  const longest = Math.max(0, ...all.map(({ seen }) => seen.name.length));
  const nameWidth = Math.min(MAX_NAME, Math.max(MIN_NAME, longest));
  // Between them are spaces and the bar's ends.
  const rest = columns - nameWidth - RATE - PERCENT - SPARK - STATE - 7;
  return { nameWidth, barWidth: Math.min(MAX_BAR, Math.max(MIN_BAR, rest)) };
}

function consumerLine(
  one: ObservedConsumer,
  { seen, rates }: Watched,
  { nameWidth, barWidth }: Widths,
  paint: Paint,
): string {
  const { role, name, lag, unread, held, pid, gating } = one;
  const member = role === 'member';
  const elements = seen.geometry?.elements ?? 1;
  const behind = member ? held : lag;
  const word = life(one);
  const who = role === 'group' ? `group, ${compact(unread)} unread` : pid === 0 ? '' : `pid ${pid}`;
  const line = [
    column(member ? '      member' : `    ${name}`, nameWidth),
    (member ? '' : perSecond(rates?.consumers[one.index])).padStart(RATE),
    `▕${bar(behind / elements, barWidth)}▏`,
    `${member ? 'holds' : 'lag'} ${compact(behind)}`.padEnd(12),
    word === 'alive' ? who : `${who} ${word}`.trim(),
    gating === 'gates' || gating === 'in a group' ? '' : gating,
  ].join(' ');
  return word === 'alive' ? line : paint(LIFE_STYLE[word]!, line);
}

function producerLine(
  { ring, broadcast }: Observation,
  { nameWidth }: Widths,
  paint: Paint,
): string[] {
  const producers = (ring ?? broadcast)?.producers ?? [];
  if (producers.length === 0) return [];
  const [title, doing] = broadcast ? ['publishers', 'writing'] : ['producers', 'claimed'];
  const each = producers.map(({ pid, alive, claimed }) => {
    const text = `pid ${pid}${claimed > 0 ? ` (${compact(claimed)} ${doing})` : ''}`;
    return alive ? text : paint('red', `${text} dead`);
  });
  return [`${column(`    ${title}`, nameWidth)} ${each.join(', ')}`];
}

/** What a broadcast says of itself, whose consumers nobody knows. */
function messageLine({ broadcast }: Observation, { nameWidth }: Widths): string[] {
  if (!broadcast) return [];
  const { oldest, next, dropped, missing } = broadcast;
  const range = next === 0 ? 'none yet' : `${oldest} to ${next - 1}`;
  const gone = dropped + missing === 0 ? '' : `, ${compact(dropped + missing)} of them not there`;
  return [`${column('    messages', nameWidth)} ${range}${gone}`];
}

/** How full it is: of rings alone. */
function fillColumns(watched: Watched, { barWidth }: Widths, paint: Paint): string[] {
  if (!watched.seen.ring) return [' '.repeat(barWidth + 2), ' '.repeat(PERCENT)];
  const full = fill(watched);
  const drawn = bar(full, barWidth);
  return [
    `▕${full > 0.9 ? paint('yellow', drawn) : paint('cyan', drawn)}▏`,
    `${Math.round(full * 100)}%`.padStart(PERCENT),
  ];
}

function segmentLines(watched: Watched, widths: Widths, paint: Paint): string[] {
  const { seen, rates, history, stalled } = watched;
  const [word, why] = state(seen);
  const title = [
    paint('bold', column(seen.name, widths.nameWidth)),
    perSecond(rates?.committed).padStart(RATE),
    ...fillColumns(watched, widths, paint),
    paint('cyan', sparkline(history, SPARK)),
    paint(STATE_STYLE[word]!, word),
  ].join(' ');
  const notes = [...why, ...stalled].map(({ reason }) => reason);
  const about = seen.geometry ? `${seen.kind} ${extent(seen)}` : seen.kind;
  return [
    title,
    paint('dim', `  ${about}`),
    ...messageLine(seen, widths),
    ...producerLine(seen, widths, paint),
    ...(seen.ring?.consumers ?? [])
      .filter((one) => one.role !== 'member' || life(one) !== 'gone')
      .map((one) => consumerLine(one, watched, widths, paint)),
    ...notes.map((note) => paint('yellow', `    ! ${note}`)),
    '',
  ];
}

/** The screen, of any length. */
export function view(all: readonly Watched[], options: ViewOptions): string[] {
  const { sort, paused, paint, columns } = options;
  const widths = widthsOf(all, columns);
  const count = all.length === 1 ? '1 segment' : `${all.length} segments`;
  const keys = 'q quit  p pause  s sort  ↑↓ scroll';
  const pause = paused ? `   ${paint('inverse', ' paused ')}` : '';
  return [
    `${paint('bold', 'shm-disruptor top')}   ${count}, by ${sort}${pause}   ${paint('dim', keys)}`,
    '',
    ...sorted(all, sort).flatMap((watched) => segmentLines(watched, widths, paint)),
    ...(all.length === 0 ? ['No segments.'] : []),
  ];
}

function plainFigures({ seen, rates }: Watched): string[] {
  const { ring, broadcast, memory, geometry: made } = seen;
  if (memory) return [`size=${memory.size}`];
  const rate = `rate=${rates ? rates.committed.toFixed(0) : '-'}`;
  if (broadcast) return [rate, `next=${broadcast.next}`, `oldest=${broadcast.oldest}`];
  if (!ring || !made) return [];
  const consumers = ring.consumers.filter(({ role }) => role !== 'member');
  return [
    rate,
    `used=${ring.used}/${made.elements}`,
    ...consumers.map((one) => {
      const word = life(one);
      return `${one.name}=${one.lag}${word === 'alive' ? '' : `(${word.replace(' ', '-')})`}`;
    }),
  ];
}

/** One segment in a line, for a file. */
export function plainLine(watched: Watched): string {
  const { seen } = watched;
  const [word] = state(seen);
  const time = new Date(seen.seen).toISOString();
  return [time, seen.name, word.replace(' ', '-'), ...plainFigures(watched)].join(' ');
}
