// A worker that blocks in one sync call: it posts `calling` before it and the outcome after it.
import { parentPort, workerData } from 'node:worker_threads';

import { Disruptor } from 'shm-disruptor';

import { valuesOf } from './values.js';

/** What the worker is told. */
export interface Task {
  name: string;
  call: 'claim' | 'claimMany' | 'claimAvail' | 'commit' | 'consume';
}

/** What it answers. */
export interface Outcome {
  /** What is in the elements that the call gave, or whether it committed. */
  result: number[] | boolean;
  claimStart: number;
  claimEnd: number;
  consumeStart: number;
}

const calls = {
  claim: (d: Disruptor) => valuesOf([d.produceClaimSync()]),
  claimMany: (d: Disruptor) => valuesOf(d.produceClaimManySync(3)),
  claimAvail: (d: Disruptor) => valuesOf(d.produceClaimAvailSync(100)),
  /** Of what somebody else has claimed. */
  commit: (d: Disruptor) => d.produceCommitSync(9, 10),
  consume: (d: Disruptor) => valuesOf(d.consumeNewSync()),
};

const { name, call } = workerData as Task;
const d = new Disruptor({ name, consumer: 0, shared: true, spin: true });
parentPort!.postMessage('calling');
const result = calls[call](d);
const { prevClaimStart: claimStart, prevClaimEnd: claimEnd, prevConsumeStart: consumeStart } = d;
const outcome: Outcome = { result, claimStart, claimEnd, consumeStart };
parentPort!.postMessage(outcome);
