// Somebody else on a ring, in a process or a worker: does what it is told, one order after the other,
// and stays until somebody ends it.
import { parentPort, workerData } from 'node:worker_threads';

import { Disruptor, Ring } from 'shm-disruptor';
import type { Claim, JoinOptions, AttachOptions } from 'shm-disruptor';

import { fillIn } from './compat/values.js';
import { WATCHDOG_MILLISECONDS } from './fixture.js';
import type { Kind } from './ring-faces.js';
import { word, wordsOf } from './words.js';
import type { WordConsumer, WordProducer } from './words.js';

/** What it is told. `ring` comes first. */
export type Order =
  | { do: 'ring'; name: string }
  | { do: 'consumer'; name?: string | undefined; options?: JoinOptions & AttachOptions }
  | { do: 'take' }
  | { do: 'commit' }
  | { do: 'close' }
  | { do: 'producer' }
  | { do: 'compatible'; producers: Kind }
  | { do: 'publish'; values: number[] }
  /** Claims one element for each value and fills it in; they wait to be committed. */
  | { do: 'claim'; values: number[] }
  /** Commits the n-th of its claims. */
  | { do: 'commitClaim'; nth: number }
  /** Handles whatever comes as a member of a group, and tells on a ring of results what that was. */
  | { do: 'handle'; name: string; results: string; peer: number; maxBatch: number }
  /** Takes so many, blocking the thread, and commits them after a moment in which others fall asleep. */
  | { do: 'pass'; count: number };

/** What it says when it has done so. */
export interface Answer {
  /** The code of what was thrown. */
  error?: string;
  values?: number[];
  start?: number;
  redelivered?: boolean;
}

/** Somebody has handled a value. */
export interface Handled {
  value: number;
  peer: number;
  redelivered: boolean;
}

let ring: ReturnType<typeof open>;
let consumer: WordConsumer | undefined;
let producer: WordProducer | undefined;
const claims: Claim[] = [];
const nothing = new Int32Array(new SharedArrayBuffer(4));

const open = (name: string) => Ring.open(name);

function handle(order: Order & { do: 'handle' }): void {
  const { name, peer, maxBatch } = order;
  const results = Ring.open(order.results, { encoding: 'json' }).producer();
  consumer = ring.consumer(name, { group: true, maxBatch });
  const handled = consumer.process(async (batch) => {
    for (const bytes of batch) {
      const value = bytes.readUInt32LE();
      await results.publish({ value, peer, redelivered: batch.redelivered } satisfies Handled);
    }
  });
  // Being ended ends it.
  handled.catch(() => undefined);
}

function carryOut(order: Order): Answer {
  switch (order.do) {
    case 'ring':
      ring = open(order.name);
      return {};
    case 'consumer':
      consumer = ring.consumer(order.name, order.options);
      return {};
    case 'take': {
      const batch = consumer!.tryNext();
      if (!batch) return { values: [] };
      const { start, redelivered } = batch;
      return { values: wordsOf(batch), start, redelivered };
    }
    case 'commit':
      consumer!.commit();
      return {};
    case 'close':
      consumer?.close();
      producer?.close();
      return {};
    case 'producer':
      producer = ring.producer();
      return {};
    case 'compatible':
      new Disruptor({ name: ring.name, producers: order.producers }).produceClaimSync();
      return {};
    case 'publish':
      return { start: producer!.publishManySync(order.values.map(word)) };
    case 'claim': {
      const claim = producer!.claimSync(order.values.length);
      fillIn(claim.bufs, order.values);
      claims.push(claim);
      return { start: claim.start };
    }
    case 'commitClaim':
      claims[order.nth]!.commit();
      return {};
    case 'handle':
      handle(order);
      return {};
    case 'pass': {
      for (let passed = 0; passed < order.count;) {
        passed += consumer!.nextSync({ timeout: WATCHDOG_MILLISECONDS }).length;
        Atomics.wait(nothing, 0, 0, 1);
        consumer!.commit();
      }
      return {};
    }
  }
}

function answer(order: Order): void {
  let result: Answer;
  try {
    result = carryOut(order);
  } catch (error) {
    result = { error: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
  if (parentPort) parentPort.postMessage(result);
  else process.send!(result);
}

(parentPort ?? process).on('message', answer);
answer((workerData ?? JSON.parse(process.argv[2]!)) as Order);
// Nothing outlives a test that has hung.
setTimeout(() => process.exit(), 2 * WATCHDOG_MILLISECONDS).unref();
