import test from 'ava';
import { Queue, Ring } from 'shm-disruptor';

import { uniqueName } from './fixture.js';

test('all who have a segment open name its creation alike, and a new one otherwise', (t) => {
  const name = uniqueName(t);
  using first = Ring.create(name, { elements: 4, elementSize: 8 });
  using producer = first.producer();
  using opened = Ring.open(name);
  t.regex(first.generation, /^[0-9a-f]{16}$/);
  t.is(producer.generation, first.generation);
  t.is(opened.generation, first.generation);

  using second = Ring.create(name, { elements: 4, elementSize: 8, existing: 'replace' });
  using queue = Queue.create(uniqueName(t), { capacity: 4096 });
  t.is(new Set([first, second, queue].map(({ generation }) => generation)).size, 3);
});
