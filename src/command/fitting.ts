import type { ObservedKind } from '../observe/observation.js';
import { Refusal } from './exit.js';
import { UsageError } from './usage.js';

/** Which options of `write` and `read` go with which kinds of segments. */

/** Which kind to make where there is nothing; and where there is something, that it is of this kind. */
export interface KindOptions {
  queue?: boolean;
  broadcast?: boolean;
  memory?: boolean;
}

/** The kind that was asked for; undefined for whatever is there, or a ring. */
export function wantedKind({ queue, broadcast, memory }: KindOptions): ObservedKind | undefined {
  if (queue === true) return 'queue';
  if (broadcast === true) return 'broadcast';
  return memory === true ? 'memory' : undefined;
}

const MESSAGES: readonly ObservedKind[] = ['disruptor', 'queue', 'broadcast'];
const RING: readonly ObservedKind[] = ['disruptor'];
const MEMORY: readonly ObservedKind[] = ['memory'];

/** What stands for an option that is not given, where that is not `undefined`. */
const ABSENT: Record<string, unknown> = { wait: true };

/** By the names of the options in the program; `wait` is what `--no-wait` sets. */
const FITS: Record<string, [flag: string, kinds: readonly ObservedKind[]]> = {
  lines: ['--lines', MESSAGES],
  capacity: ['--capacity', MESSAGES],
  maxMessage: ['--max-message', MESSAGES],
  readers: ['--readers', RING],
  more: ['--more', RING],
  as: ['--as', RING],
  group: ['--group', RING],
  from: ['--from', ['disruptor', 'broadcast']],
  count: ['--count', MESSAGES],
  wait: ['--no-wait', MESSAGES],
  size: ['--size', MEMORY],
  offset: ['--offset', MEMORY],
  length: ['--length', MEMORY],
};

const NOUNS: Record<ObservedKind, string> = {
  disruptor: 'a ring',
  queue: 'a queue',
  broadcast: 'a broadcast',
  memory: 'plain memory',
  unknown: 'of a kind that is not known here',
};

/** A kind in a sentence. */
export const noun = (kind: ObservedKind) => NOUNS[kind];

/** Refuses what makes no sense for that kind. */
export function checkFits(name: string, kind: ObservedKind, options: object): void {
  const wanted = wantedKind(options);
  if (wanted !== undefined && wanted !== kind) {
    throw new Refusal('ERR_SEGMENT_KIND', `${name} is ${noun(kind)}, and not ${noun(wanted)}`);
  }
  for (const [option, [flag, kinds]] of Object.entries(FITS)) {
    const given = (options as Record<string, unknown>)[option] ?? ABSENT[option];
    if (given === ABSENT[option] || kinds.includes(kind)) continue;
    throw new UsageError(`${flag} does not go with ${noun(kind)}`);
  }
}
