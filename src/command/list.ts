import type { Observation } from '../observe/observation.js';
import { observeAll } from '../observe/observation.js';
import type { SegmentPath } from '../index.js';
import { placeOf } from '../segment/location.js';
import {
  age,
  bytes,
  compact,
  extent,
  mostLag,
  owner,
  paintFor,
  participants,
  printJson,
  state,
  STATE_STYLE,
  table,
} from './output.js';

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
    ring ? compact(mostLag(seen)) : '-',
  ];
}

/** Prints all segments. */
export function list(options: { json?: boolean } & SegmentPath): void {
  const { json = false } = options;
  const all = observeAll(placeOf(options));
  if (json) {
    printJson(all);
    return;
  }
  if (all.length === 0) {
    console.log('No segments.');
    return;
  }
  const paint = paintFor(process.stdout);
  const rows = all.map((seen) => {
    const [word] = state(seen);
    return [...row(seen), paint(STATE_STYLE[word]!, word)];
  });
  console.log(table(HEAD, rows, ['SIZE', 'LAG']));
  // Why does not fit into a column.
  for (const seen of all) {
    for (const { reason } of state(seen)[1]) {
      console.log(`${paint('red', '!')} ${seen.name}: ${reason}`);
    }
  }
}
