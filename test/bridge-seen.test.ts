// What a bridge remembers of what has come.
import test from 'ava';

import type * as Internal from '../dist/bridge/seen.js';

const { Seen } = (await import(
  new URL('../../dist/bridge/seen.js', import.meta.url).href
)) as typeof Internal;

const at = (sequence: number, from = sequence, next = sequence + 1, origin = 'a') => ({
  origin,
  sequence,
  from,
  next,
});

test('what follows each other is one range, however much', (t) => {
  const seen = new Seen();
  for (let i = 5; i < 5000; i += 1) t.is(seen.add(at(i)), 'new');
  t.deepEqual(seen.memory(), [['a', [5, 5000]]]);
  t.is(seen.add(at(4999)), 'duplicate');
  t.is(seen.add(at(5)), 'duplicate');
  t.false(seen.has(at(5000)));
  t.is(seen.missing, 0);
});

test('a gap that comes with a message belongs to it', (t) => {
  const seen = new Seen();
  seen.add(at(0));
  t.is(seen.add(at(9, 1)), 'new');
  t.deepEqual(seen.memory(), [['a', [0, 10]]]);
});

test('what is missing is counted, and is late when it comes, once', (t) => {
  const seen = new Seen();
  seen.add(at(0));
  seen.add(at(3));
  t.is(seen.missing, 2);
  t.is(seen.add(at(1)), 'late');
  t.is(seen.missing, 1);
  t.is(seen.add(at(1)), 'duplicate');
  t.is(seen.add(at(2)), 'late');
  t.deepEqual(seen.memory(), [['a', [0, 4]]]);
});

test('origins have nothing to do with each other, and none is never a repetition', (t) => {
  const seen = new Seen();
  t.is(seen.add(at(7)), 'new');
  t.is(seen.add({ ...at(7), origin: 'b' }), 'new');
  t.is(seen.add({ ...at(7), origin: '' }), 'new');
  t.is(seen.add({ ...at(7), origin: '' }), 'new');
  t.deepEqual(seen.memory(), [
    ['a', [7, 8]],
    ['b', [7, 8]],
  ]);
});

test('agrees with a set, whatever the order', (t) => {
  let random = 1;
  const below = (limit: number) => {
    random = (random * 48271) % 2147483647;
    return random % limit;
  };
  for (let round = 0; round < 50; round += 1) {
    const seen = new Seen();
    const set = new Set<number>();
    for (let i = 0; i < 200; i += 1) {
      const sequence = below(150);
      t.is(seen.has(at(sequence)), set.has(sequence));
      t.is(seen.add(at(sequence)) === 'duplicate', set.has(sequence));
      set.add(sequence);
    }
    const again = new Seen(seen.memory());
    for (let sequence = 0; sequence < 150; sequence += 1) {
      t.is(again.has(at(sequence)), set.has(sequence));
    }
    const highest = Math.max(...set);
    const lowest = Math.min(...set);
    t.is(seen.missing, highest - lowest + 1 - set.size);
  }
});

test('it forgets the oldest, and never takes something new for a repetition', (t) => {
  const seen = new Seen();
  for (let i = 0; i < 3000; i += 1) t.is(seen.add(at(2 * i)), 'new');
  const [, ranges] = seen.memory()[0]!;
  t.is(ranges.length, 2 * 1024);
  t.is(seen.add(at(5998)), 'duplicate');
  t.not(seen.add(at(0)), 'duplicate');
  for (let i = 0; i < 200; i += 1) seen.add({ ...at(0), origin: `origin ${i}` });
  t.true(seen.memory().length <= 64);
  t.is(seen.memory().at(-1)![0], 'origin 199');
});
