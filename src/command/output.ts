import { styleText } from 'node:util';

import Table from 'cli-table3';
import prettyBytes from 'pretty-bytes';
import prettyMilliseconds from 'pretty-ms';

import type { Finding } from '../observe/finding.js';
import type { Geometry } from '../observe/geometry.js';
import type { Observation } from '../observe/observation.js';
import { print } from './standard.js';

/** How figures, states and tables look in a terminal. */

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 1234567 as `1.2M`. */
export const compact = (value: number) => COMPACT.format(value);
/** 1234567 as `1,234,567`. */
export const whole = (value: number) => WHOLE.format(value);
/** As `1 MiB`. */
export const bytes = (value: number) => prettyBytes(value, { binary: true });
/** Milliseconds as `2h`, its largest unit. */
export const age = (milliseconds: number) =>
  prettyMilliseconds(Math.max(0, milliseconds), { compact: true });
/** As `0600`. */
export const octal = (mode: number) => `0${mode.toString(8)}`;

type Style = Parameters<typeof styleText>[0];

/** Whether there is to be colour where `stream` goes to. */
export const colourful = (stream: NodeJS.WriteStream) =>
  stream.isTTY && process.env.NO_COLOR === undefined && stream.hasColors();

/** Text in a style, where there is colour. */
export type Paint = (style: Style, text: string) => string;

/** The {@link Paint} for a stream. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  const colours = colourful(stream);
  return (style, text) => (colours ? styleText(style, text) : text);
}

/** A table without lines, for people and for `awk`. */
export function table(head: string[], rows: string[][], rightAligned: string[] = []): string {
  const made = new Table({
    head,
    colAligns: head.map((title) => (rightAligned.includes(title) ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries(
      [
        ...['top', 'top-mid', 'top-left', 'top-right'],
        ...['bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
        ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
      ].map((part) => [part, '']),
    ),
  });
  made.push(...rows);
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** As `4096 x 8 B`, or `1 MiB` of a queue. */
export function geometry({ elements, elementSize, holds }: Geometry): string {
  if (holds === 'messages') return bytes(elements * elementSize);
  return `${elements} x ${bytes(elementSize)}`;
}

/** The same of a segment; a size of plain memory, and `-` where it is not to be believed. */
export function extent({ geometry: made, memory }: Observation): string {
  if (memory) return bytes(memory.size);
  return made ? geometry(made) : '-';
}

/** Who owns it, by name if that is known. */
export const owner = ({ owner: { uid, name } }: Observation) => name ?? String(uid);

/** A participant, of whatever kind. */
interface Anybody {
  alive: boolean;
  thread: number;
  role?: string;
  lag?: number;
  held?: number;
  claimed?: number;
}

/** What has become of somebody: whoever left nothing behind may have gone on purpose. */
export function life({ alive, thread, role, lag = 0, held = 0, claimed = 0 }: Anybody): string {
  if (alive) return 'alive';
  if (thread === 0) return role === 'group' ? 'empty' : 'never came';
  if (lag + held + claimed === 0) return 'gone';
  return role === 'group' ? 'empty' : 'dead';
}

/** How many take part and live, and how many are dead and left something, as `2` or `2 +1 dead`. */
export function participants(all: readonly Anybody[]): string {
  const lives = all.filter(({ role }) => role !== 'group').map(life);
  const alive = lives.filter((each) => each === 'alive').length;
  const dead = lives.filter((each) => each === 'dead').length;
  return dead === 0 ? String(alive) : `${alive} +${dead} dead`;
}

/** The colours of the words of {@link life}. */
export const LIFE_STYLE: Record<string, Style> = {
  alive: 'reset',
  'never came': 'yellow',
  empty: 'yellow',
  gone: 'dim',
  dead: 'red',
};

/** The most that any consumer lags behind. */
export const maxLag = ({ ring }: Observation) =>
  Math.max(0, ...(ring?.consumers.map(({ lag }) => lag) ?? []));

/** The state of a segment in a word, and why. */
export function state({ attached, damaged, stuck }: Observation): [word: string, why: Finding[]] {
  if (damaged.length > 0) return ['damaged', damaged];
  if (stuck.length > 0) return ['stuck', stuck];
  return [attached ? 'in use' : 'unused', []];
}

/** The colours of the words of {@link state}. */
export const STATE_STYLE: Record<string, Style> = {
  damaged: 'red',
  stuck: 'red',
  'in use': 'green',
  unused: 'dim',
};

/** Writes a value as JSON. @throws OutputError */
export const printJson = (value: unknown) => print(JSON.stringify(value, undefined, 2));
