import { constants } from 'node:buffer';

import test from 'ava';
import { Disruptor } from 'shm-disruptor';

import { ring, uniqueName } from './fixture.js';

interface Expected {
  name: 'TypeError' | 'RangeError';
  code: string;
}
const TYPE: Expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const VALUE: Expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
const RANGE: Expected = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

/** What is wrong for every argument that is a positive whole number. */
const BAD_COUNTS: [unknown, Expected][] = [
  ['8', TYPE],
  [8n, TYPE],
  [null, TYPE],
  [{}, TYPE],
  [true, TYPE],
  [NaN, RANGE],
  [Infinity, RANGE],
  [-1, RANGE],
  [1.5, RANGE],
  [2 ** 53, RANGE],
];

/** What is wrong for every sequence and every number of elements to claim. */
const BAD_NUMBERS: [unknown, Expected][] = [[undefined, TYPE], ...BAD_COUNTS];

const make = (...args: unknown[]) => new Disruptor(...(args as [string, number, number, number]));

for (const [position, argument] of [
  [1, 'elements'],
  [2, 'elementSize'],
  [3, 'consumers'],
] as const) {
  test(`${argument} must be a whole number from 1, by position and as an option`, (t) => {
    for (const [value, expected] of [...BAD_COUNTS, [0, RANGE] as [unknown, Expected]]) {
      const name = uniqueName();
      const positional: unknown[] = [name, 8, 4, 1, 0, true, false];
      positional[position] = value;
      const error = t.throws(() => make(...positional), expected);
      t.regex(error.message, new RegExp(`^Expected .* for ${argument} but received `));
      const options = { name, elements: 8, elementSize: 4, init: true, [argument]: value };
      t.throws(() => make(options), expected);
      t.throws(() => make({ ...options, init: false }), expected);
      // Nothing was created on the way.
      t.throws(() => make(name, 8, 4, 1, 0, false, false), { code: 'ENOENT' });
    }
  });
}

test('a new ring needs elements and elementSize, every positional one all its numbers', (t) => {
  const name = uniqueName();
  t.throws(() => make({ name, init: true }), TYPE);
  t.throws(() => make({ name, elements: 8, init: true }), TYPE);
  t.throws(() => make({ name, elementSize: 8, init: true }), TYPE);
  t.throws(() => make(name), TYPE);
  t.throws(() => make(name, 8), TYPE);
  t.throws(() => make(name, 8, 4), TYPE);
});

test('sizes whose product no Buffer can hold', (t) => {
  const name = uniqueName();
  for (const [elements, elementSize] of [
    [2 ** 53 - 1, 2 ** 53 - 1],
    [2 ** 32, 2 ** 32],
    [constants.MAX_LENGTH, 2],
    [2, constants.MAX_LENGTH],
  ] as const) {
    const error = t.throws(() => make(name, elements, elementSize, 1, 0, true), RANGE);
    t.regex(error.message, /elements \* elementSize/);
  }
  // In newer versions of Node that is no safe integer, either.
  t.throws(() => make(name, 1, constants.MAX_LENGTH + 1, 1, 0, true), RANGE);
});

test('more consumers than there can be', (t) => {
  t.throws(() => make(uniqueName(), 8, 4, 65_536, 0, true), RANGE);
});

test('flags are booleans or left out', (t) => {
  const name = uniqueName();
  for (const value of [0, 1, 'true', null, {}]) {
    t.throws(() => make(name, 8, 4, 1, 0, value), TYPE);
    t.throws(() => make(name, 8, 4, 1, 0, true, value), TYPE);
    t.throws(() => make({ name, elements: 8, elementSize: 4, init: value }), TYPE);
    t.throws(() => make({ name, elements: 8, elementSize: 4, spin: value }), TYPE);
  }
});

test('mode is permission bits', (t) => {
  const options = { name: uniqueName(), elements: 8, elementSize: 4, init: true };
  t.throws(() => make({ ...options, mode: '0600' }), TYPE);
  t.throws(() => make({ ...options, mode: 0o1000 }), RANGE);
  t.throws(() => make({ ...options, mode: -1 }), RANGE);
});

test('names: one path component, with or without a leading slash', (t) => {
  for (const name of [undefined, null, 5, {}, ['x']]) {
    t.throws(() => make(name, 8, 4, 1, 0, true), TYPE);
    t.throws(() => make({ name, elements: 8, elementSize: 4, init: true }), TYPE);
  }
  for (const name of [
    'a/b',
    '/a/b',
    '//a',
    '/a/',
    '.',
    '..',
    '/..',
    '/../etc',
    'a\0b',
    'x'.repeat(300),
    'é'.repeat(128),
  ]) {
    t.throws(() => make(name, 8, 4, 1, 0, true), VALUE);
    t.throws(() => make({ name, elements: 8, elementSize: 4, init: true }), VALUE);
  }
});

test('an empty name is what the system calls an invalid argument', (t) => {
  for (const name of ['', '/']) {
    for (const init of [true, false]) {
      const error = t.throws(() => make(name, 8, 4, 1, 0, init), { code: 'EINVAL' });
      t.is(error.message, 'Failed to open shared memory object: Invalid argument');
    }
  }
});

test('the longest name works, and so does one without a slash', (t) => {
  const name = uniqueName().slice(1).padEnd(255, 'x');
  const creator = ring(t, { name });
  const attached = new Disruptor({ name: `/${name}`, consumer: 0, shared: true });
  t.true(creator.produceClaimSync().length > 0 && creator.produceCommitSync());
  t.is(attached.consumeNewSync().length, 1);
  attached.release();
});

test('a consumer index out of range is an error where it is used', (t) => {
  const { name } = ring.named(t, { consumers: 2 });
  for (const consumer of [-1, 2, 1.5, NaN, 2 ** 53, '0', null, undefined, {}]) {
    const d = make(name, 8, 4, 2, consumer, false, false);
    for (const use of [
      () => d.consumeNewSync(),
      () => d.consumer,
      () => {
        d.release(true);
      },
    ]) {
      const error = t.throws(use, RANGE);
      t.regex(error.message, /^Expected an integer from 0 to 1 for consumer but received /);
    }
    // It can do everything else, and was not released.
    t.true(d.consumeCommit());
    t.is(d.produceClaimManySync(0).length, 0);
    d.release();
  }
});

test('the consumer index of the options is checked at once', (t) => {
  const { name } = ring.named(t, { consumers: 2 });
  for (const consumer of ['0', null, {}]) t.throws(() => make({ name, consumer }), TYPE);
  for (const consumer of [-1, 1.5, NaN, 2, 2 ** 53])
    t.throws(() => make({ name, consumer }), RANGE);
});

test('a bad consumer index does not cost a running ring its name', (t) => {
  const { name, creator } = ring.named(t, {});
  const options = { name, elements: 8, elementSize: 4, consumers: 1, consumer: 1, init: true };
  t.throws(() => make(options), RANGE);
  t.is(creator.produceClaimSync().length, 4);
});

test('options are read once: a getter cannot change its answer', async (t) => {
  const d = ring(t, { spin: true });
  let reads = 0;
  const options = {
    get timeout() {
      reads += 1;
      return reads === 1 ? 1 : ('never' as never);
    },
  };
  await t.throwsAsync(d.consumeNew(options), { code: 'ERR_TIMEOUT' });
  t.is(reads, 1);
});

test('bad numbers: sync methods throw, promises reject, callbacks see nothing', async (t) => {
  const d = ring(t, {});
  const never = () => {
    t.fail('called back in spite of a bad argument');
  };
  for (const [value, expected] of BAD_NUMBERS) {
    const bad = value as number;
    const good = 0;
    t.throws(() => d.produceClaimManySync(bad), expected);
    t.throws(() => d.produceClaimAvailSync(bad), expected);
    t.throws(() => d.produceRecover(bad, good), expected);
    t.throws(() => d.produceRecover(good, bad), expected);
    await t.throwsAsync(d.produceClaimMany(bad), expected);
    await t.throwsAsync(d.produceClaimAvail(bad), expected);
    await t.throwsAsync(d.produceCommit(bad, good), expected);
    await t.throwsAsync(d.produceCommit(good, bad), expected);
    t.throws(() => {
      d.produceClaimMany(bad, never);
    }, expected);
    t.throws(() => {
      d.produceClaimAvail(bad, never);
    }, expected);
    t.throws(() => {
      d.produceCommit(bad, good, never);
    }, expected);
    t.throws(() => {
      d.produceCommit(good, bad, never);
    }, expected);
  }
  for (const [value, expected] of BAD_COUNTS) {
    t.throws(() => d.produceCommitSync(value as number, 0), expected);
    t.throws(() => d.produceCommitSync(0, value as number), expected);
  }
  t.is(d.next, 0);
});

test('a callback that is no function', async (t) => {
  const d = ring(t, {});
  for (const value of [5, 'f', true]) {
    const bad = value as never;
    t.throws(() => d.produceClaim(bad), TYPE);
    t.throws(() => d.produceClaimMany(1, bad), TYPE);
    t.throws(() => d.produceClaimAvail(1, bad), TYPE);
    // A number would be half a range.
    if (typeof value !== 'number') t.throws(() => d.produceCommit(bad), TYPE);
    t.throws(() => d.produceCommit(0, 0, bad), TYPE);
    t.throws(() => d.consumeNew(bad), TYPE);
  }
  await t.throwsAsync(d.produceCommit(5 as never), TYPE);
  t.is(d.next, 0);
});

test('status is a 32-bit integer', (t) => {
  const d = ring(t, {});
  for (const [value, expected] of [
    ['1', TYPE],
    [1n, TYPE],
    [NaN, RANGE],
    [0.5, RANGE],
    [2 ** 31, RANGE],
    [-(2 ** 31) - 1, RANGE],
  ] as const) {
    t.throws(() => {
      d.status = value as number;
    }, expected);
  }
  t.is(d.status, 0);
});

test('release takes a boolean', (t) => {
  const d = ring(t, {});
  t.throws(() => {
    d.release(1 as never);
  }, TYPE);
  t.is(d.cursor, 0);
});

test('committing what nobody has claimed', async (t) => {
  const d = ring(t, {});
  t.throws(() => d.produceCommitSync(0, 0), { name: 'DisruptorError', code: 'ERR_NOT_CLAIMED' });
  await t.throwsAsync(d.produceCommit(0, 0), { code: 'ERR_NOT_CLAIMED' });
  const failure = await new Promise((resolve) => {
    d.produceCommit(0, 0, resolve);
  });
  t.like(failure, { code: 'ERR_NOT_CLAIMED' });
  d.produceClaimManySync(2);
  t.throws(() => d.produceCommitSync(0, 2), { code: 'ERR_NOT_CLAIMED' });
  t.throws(() => d.produceCommitSync(1, 2 ** 53 - 1), { code: 'ERR_NOT_CLAIMED' });
  t.is(d.cursor, 0);
  t.true(d.produceCommitSync(0, 1));
});
