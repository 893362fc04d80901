import type { Observation } from '../observe/observation.js';
import { observeAll } from '../observe/observation.js';
import {
  age,
  bytes,
  compact,
  geometry,
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
  const { ring } = seen;
  return [
    seen.name,
    seen.kind,
    seen.geometry ? geometry(seen.geometry) : '-',
    bytes(seen.bytes),
    owner(seen),
    age(seen.seen - seen.created),
    ring ? participants(ring.producers) : '-',
    ring ? participants(ring.consumers) : '-',
    ring ? compact(mostLag(seen)) : '-',
  ];
}

/** Prints all segments. */
export function list({ json = false }: { json?: boolean }): void {
  const all = observeAll();
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
