import { readFileSync } from 'node:fs';

import test from 'ava';
import { DisruptorError } from 'shm-disruptor';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** kSegmentNotRegular -> ERR_SEGMENT_NOT_REGULAR */
const publicCode = (enumerator: string) =>
  `ERR${enumerator.slice(1).replaceAll(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();

test('the core’s errors and their public codes are the same list in the same order', (t) => {
  const body = /enum class Errc[^{]*\{([^}]*)\}/.exec(read('addon/core/result.h'))![1]!;
  const enumerators = [...body.matchAll(/^ {2}(k\w+)/gm)].map((match) => match[1]!);
  const table = /CORE_ERRORS[^=]*= \[([\s\S]*?)\n\];/.exec(read('src/errors.ts'))![1]!;
  const codes = [...table.matchAll(/^ {2}\[\s*'(ERR_\w+)?'/gm)].map((match) => match[1]);
  const [none, system, ...rest] = enumerators;
  t.deepEqual([none, system], ['kNone', 'kSystem']);
  t.true(rest.length > 10);
  t.deepEqual(codes, [undefined, undefined, ...rest.map(publicCode)]);
});

test('every code is in the table of the documents', (t) => {
  const source = read('src/errors.ts');
  const readme = read('README.md');
  for (const [, code] of source.matchAll(/^ {2}\[\s*'(ERR_\w+)'/gm)) {
    t.true(source.includes(`* | \`${code!}\` |`), code);
    if (code !== 'ERR_SEGMENT_EXISTS') t.true(readme.includes(`\`${code!}\``), code);
  }
});

test('DisruptorError is an Error that tells its code and its name', (t) => {
  t.true(DisruptorError.prototype instanceof Error);
  t.is(Object.getOwnPropertyNames(DisruptorError.prototype).includes('toString'), false);
});
