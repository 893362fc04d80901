import type { Observation } from '../observe/observation.js';
import { observeAll } from '../observe/observation.js';
import type { SegmentDirectory } from '../index.js';
import { placeOf } from '../segment/location.js';
import {
  age,
  bytes,
  compact,
  extent,
  maxLag,
  owner,
  paintFor,
  participants,
  printJson,
  state,
  STATE_STYLE,
  table,
} from './output.js';
import { print } from './standard.js';
import { checkPlace } from './usage.js';

const HEAD = [
  'NAME',
  'KIND',
  'GEOMETRY',
  'SIZE',
  'OWNER',
  'AGE',
  'PRODUCERS',
  'CONSUMERS',
  'LAG',
  'STATE',
];

function row(seen: Observation): string[] {
  const { ring, broadcast } = seen;
  const producers = (ring ?? broadcast)?.producers;
  return [
    seen.name,
    seen.kind,
    extent(seen),
    bytes(seen.bytes),
    owner(seen),
    age(seen.seen - seen.created),
    producers ? participants(producers) : '-',
    ring ? participants(ring.consumers) : '-',
    ring ? compact(maxLag(seen)) : '-',
  ];
}

/** Prints all segments. */
export async function list(options: { json?: boolean } & SegmentDirectory): Promise<void> {
  const { json = false } = options;
  checkPlace([], options);
  const all = observeAll(placeOf(options));
  if (json) {
    await printJson(all);
    return;
  }
  if (all.length === 0) {
    await print('No segments.');
    return;
  }
  const paint = paintFor(process.stdout);
  const rows = all.map((seen) => {
    const [word] = state(seen);
    return [...row(seen), paint(STATE_STYLE[word]!, word)];
  });
  // Why does not fit into a column.
  const reasons = all.flatMap((seen) =>
    state(seen)[1].map(({ reason }) => `${paint('red', '!')} ${seen.name}: ${reason}`),
  );
  await print([table(HEAD, rows, ['SIZE', 'LAG']), ...reasons].join('\n'));
}
