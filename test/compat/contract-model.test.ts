// Long sequences of calls in random order against a model of the contract. The order is the same
// in every run.
import { isDeepStrictEqual } from 'node:util';

import type { Disruptor } from 'shm-disruptor';

import type { Face } from '../faces.js';
import { attach, ring } from '../fixture.js';
import { Model } from './model.js';
import { overFaces } from './over-faces.js';
import { random } from './random.js';
import { fillIn, valuesOf } from './values.js';

const STEPS = 3000;

/** One random call on the rings and on the model: what each answered. */
type Step = (below: (limit: number) => number) => Promise<[actual: unknown, expected: unknown]>;

function claiming(face: Face, model: Model, rings: Disruptor[], elements: number): Step {
  let value = 0;
  return async (below) => {
    const producer = rings[below(rings.length)]!;
    const asked = 1 + below(elements + 1);
    const many = below(2) === 0;
    const claim = many
      ? await face.claimMany(producer, asked)
      : await face.claimAvail(producer, asked);
    const expected = model.claim(many ? asked : 1, asked);
    const { claimStart, claimEnd } = claim;
    const values = Array.from(
      { length: Math.max(0, claimEnd - claimStart + 1) },
      () => (value += 1),
    );
    fillIn(claim.bufs, values);
    for (const [i, written] of values.entries()) model.write(claimStart + i, written);
    return [{ claimStart, claimEnd }, expected];
  };
}

function committing(face: Face, model: Model, rings: Disruptor[]): Step {
  return async (below) => {
    // One open claim or two adjacent ones, or what a claim that gave nothing says.
    const first = below(model.open.length + 1);
    const start = model.open[first]?.start ?? 1;
    const end = (model.open[first + below(2)] ?? model.open[first])?.end ?? 0;
    const actual = await face.commitRange(rings[below(rings.length)]!, start, end);
    return [actual, end >= start && model.commit(start, end)];
  };
}

function consuming(face: Face, model: Model, rings: Disruptor[]): Step {
  return async (below) => {
    const consumer = below(rings.length);
    const { bufs, start } = await face.consume(rings[consumer]!);
    return [{ values: valuesOf(bufs), start }, model.consume(consumer)];
  };
}

function consumeCommitting(model: Model, rings: Disruptor[]): Step {
  return (below) => {
    const consumer = below(rings.length);
    const actual = rings[consumer]!.consumeCommit();
    model.consumeCommit(consumer);
    return Promise.resolve([actual, true]);
  };
}

for (const elements of [1, 2, 5, 8, 100]) {
  overFaces(`${STEPS} random calls on ${elements} elements`, async (t, face) => {
    const d = ring(t, { elements, consumers: 2 });
    const rings = [d, attach(t, d, { consumer: 1 })];
    const model = new Model(elements, rings.length);
    const steps = [
      claiming(face, model, rings, elements),
      committing(face, model, rings),
      consuming(face, model, rings),
      consumeCommitting(model, rings),
    ];
    const below = random(elements);
    for (let i = 0; i < STEPS; i += 1) {
      const [was, shouldBe] = await steps[below(steps.length)]!(below);
      const { next, cursor } = d;
      const actual = [was, next, cursor, rings.map(({ consumer }) => consumer)];
      const expected = [shouldBe, model.next, model.cursor, model.sequences];
      if (isDeepStrictEqual(actual, expected)) continue;
      t.deepEqual(actual, expected, `call ${i}`);
      return;
    }
    t.true(model.cursor > 3 * elements);
  });
}
