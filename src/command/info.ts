import type { SegmentDirectory } from '../index.js';
import type { BroadcastObservation } from '../observe/broadcast.js';
import type { Geometry } from '../observe/geometry.js';
import { observe } from '../observe/observation.js';
import type { Observation } from '../observe/observation.js';
import type { ObservedConsumer, ObservedProducer, RingObservation } from '../observe/ring.js';
import { usersOfRemoved } from '../observe/removed.js';
import { labelOf, located, placeOf } from '../segment/location.js';
import { Exit, Refusal } from './exit.js';
import {
  age,
  bytes,
  geometry,
  life,
  LIFE_STYLE,
  octal,
  owner,
  paintFor,
  printJson,
  state,
  STATE_STYLE,
  table,
  whole,
} from './output.js';
import type { Paint } from './output.js';
import { print } from './standard.js';
import { checkPlace } from './usage.js';

function who(one: ObservedConsumer | ObservedProducer): string[] {
  const { pid, thread } = one;
  if (pid === 0) return ['-', '-', life(one)];
  return [String(pid), thread === pid ? 'main' : String(thread), life(one)];
}

/** Dead ones stand out. */
const painted = (paint: Paint, one: ObservedConsumer | ObservedProducer, row: string[]) =>
  row.map((cell) => paint(LIFE_STYLE[life(one)]!, cell));

function consumerRow(paint: Paint, one: ObservedConsumer): string[] {
  const { name, role, after, gating, sequence, lag, held } = one;
  return painted(paint, one, [
    name,
    role,
    ...who(one),
    gating,
    sequence === undefined ? '-' : whole(sequence),
    whole(lag),
    whole(held),
    after.join(', ') || '-',
  ]);
}

function producerRow(paint: Paint, one: ObservedProducer): string[] {
  const { index, claimed, first } = one;
  const claim = first === undefined ? '-' : `${whole(claimed)} from ${whole(first)}`;
  return painted(paint, one, [`#${index}`, ...who(one), claim]);
}

function openClaim({ open }: RingObservation): string {
  if (!open) return 'none';
  const whose = open.orphaned ? 'a dead producer' : 'a producer that lives';
  return `${whole(open.start)} to ${whole(open.end)}, of ${whose}`;
}

const sleepers = ({ now, wakes }: RingObservation['forData']) =>
  `${now ? 'somebody sleeps' : 'nobody sleeps'}, woken ${whole(wakes)} times`;

type Line = [title: string, text: string];

function ringLines(made: Geometry, ring: RingObservation): Line[] {
  const { gaps } = ring;
  const policies = `dead producers' claims: ${made.orphans}, dead consumers: ${made.deadConsumers}`;
  return [
    ['geometry', `${geometry(made)}, of ${made.holds}`],
    ...(made.maxMessage === undefined ? [] : [['longest message', bytes(made.maxMessage)] as Line]),
    ['places', `${made.maxConsumers} consumers, ${made.maxProducers} producers`],
    ['producers', made.producers],
    ['policy', policies],
    ['next', whole(ring.next)],
    ['cursor', whole(ring.cursor)],
    ['gating', ring.gating === undefined ? 'nobody' : whole(ring.gating)],
    ['used', `${whole(ring.used)} of ${whole(made.elements)}`],
    ['open claim', openClaim(ring)],
    ['gaps', `${whole(gaps.count)}, with ${whole(gaps.elements)} elements`],
    ['for data', sleepers(ring.forData)],
    ['for room', sleepers(ring.forSpace)],
  ];
}

function broadcastLines(made: Geometry, broadcast: BroadcastObservation): Line[] {
  const { kept, dropped, missing, looked } = broadcast;
  const newest = looked === 0 ? '' : ` of the newest ${whole(looked)}`;
  return [
    ['geometry', `${geometry(made)}, of ${made.holds}`],
    ['longest message', bytes(made.elementSize)],
    ['places', `${made.maxProducers} publishers`],
    ['publishers', made.producers],
    ['subscribers', 'known to nobody'],
    ['next', whole(broadcast.next)],
    ['oldest', whole(broadcast.oldest)],
    ['messages', `${whole(kept)}${newest}, ${whole(dropped)} dropped, ${whole(missing)} missing`],
    ['for data', sleepers(broadcast.forData)],
  ];
}

function contentLines({ geometry: made, ring, broadcast, memory }: Observation): Line[] {
  if (memory) return [['memory', `${bytes(memory.size)} (${whole(memory.size)} bytes)`]];
  if (made && ring) return ringLines(made, ring);
  return made && broadcast ? broadcastLines(made, broadcast) : [];
}

const processes = (pids: readonly number[]) =>
  `${pids.length === 1 ? 'process' : 'processes'} ${pids.join(', ')}`;

function described(seen: Observation, removed: readonly number[]): string {
  const paint = paintFor(process.stdout);
  const [word, findings] = state(seen);
  const lines: Line[] = [
    ['name', seen.name],
    ...(seen.path === undefined ? [] : [['directory', seen.path] as Line]),
    ['kind', seen.kind],
    ['state', paint(STATE_STYLE[word]!, word)],
    ...findings.map(({ code, reason }): Line => ['', `${reason} (${code})`]),
    ['size', `${bytes(seen.bytes)} (${whole(seen.bytes)} bytes)`],
    ['owner', `${owner(seen)} (uid ${seen.owner.uid}), mode ${octal(seen.mode)}`],
    ['created', `${new Date(seen.created).toISOString()}, ${age(seen.seen - seen.created)} ago`],
    ...contentLines(seen),
    ...(removed.length === 0
      ? []
      : [
          [
            'removed',
            `a former segment of this name is still used by ${processes(removed)}`,
          ] as Line,
        ]),
  ];
  const parts = [lines.map(([title, text]) => `${title.padEnd(16)} ${text}`).join('\n')];
  const { consumers = [], producers } = seen.ring ?? { producers: seen.broadcast?.producers ?? [] };
  if (consumers.length > 0) {
    const head = [
      'CONSUMER',
      'ROLE',
      'PID',
      'THREAD',
      'STATE',
      'GATING',
      'SEQUENCE',
      'LAG',
      'HELD',
    ];
    const rows = consumers.map((one) => consumerRow(paint, one));
    parts.push(table([...head, 'AFTER'], rows, ['SEQUENCE', 'LAG', 'HELD']));
  }
  if (producers.length > 0) {
    const [who, what] = seen.broadcast ? ['PUBLISHER', 'WRITING'] : ['PRODUCER', 'CLAIMED'];
    const head = [who, 'PID', 'THREAD', 'STATE', what];
    const rows = producers.map((one) => producerRow(paint, one));
    parts.push(table(head, rows));
  }
  return parts.join('\n\n');
}

function observed(name: string, place: SegmentDirectory, removed: readonly number[]): Observation {
  try {
    return observe(name, place);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || removed.length === 0) throw error;
    throw new Refusal(
      code,
      `${name}: ${message}. It was removed, and is still used by ${processes(removed)}`,
    );
  }
}

/** Prints all that can be seen of one segment. */
export async function info(
  name: string,
  options: { json?: boolean } & SegmentDirectory,
): Promise<void> {
  const { json = false } = options;
  checkPlace([name], options);
  const place = placeOf(options);
  const removed = usersOfRemoved(labelOf(located(name, place.path), name).file);
  const seen = observed(name, place, removed);
  if (seen.damaged.length > 0 || seen.stuck.length > 0) process.exitCode = Exit.Unsound;
  await (json ? printJson({ ...seen, removed }) : print(described(seen, removed)));
}
