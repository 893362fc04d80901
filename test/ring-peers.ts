// Others on a ring, in processes and workers of their own, that do as they are told.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import type { ExecutionContext } from 'ava';

import type { Answer, Order } from './ring-peer.js';

const PEER = new URL('./ring-peer.js', import.meta.url);

export interface Peer {
  /** Gives an order and waits until it is done. */
  ask(order: Order): Promise<Answer>;
  /** Ends it at once, whatever it does: `kill -9`, or `terminate()`. */
  end(): Promise<void>;
}

function asking(
  to: ChildProcess | Worker,
  send: (order: Order) => void,
): (order: Order) => Promise<Answer> {
  return async (order) => {
    const answered = once(to, 'message');
    send(order);
    return ((await answered) as [Answer])[0];
  };
}

async function process(t: ExecutionContext, name: string): Promise<Peer> {
  const order: Order = { do: 'ring', name };
  const child = fork(fileURLToPath(PEER), [JSON.stringify(order)]);
  const gone = once(child, 'exit');
  const end = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  t.teardown(end);
  await once(child, 'message');
  return { ask: asking(child, (next) => child.send(next)), end };
}

async function thread(t: ExecutionContext, name: string): Promise<Peer> {
  const workerData: Order = { do: 'ring', name };
  const worker = new Worker(PEER, { workerData });
  const end = async () => {
    await worker.terminate();
  };
  t.teardown(end);
  await once(worker, 'message');
  const send = (next: Order) => {
    worker.postMessage(next);
  };
  return { ask: asking(worker, send), end };
}

/** Each opens the ring of that name, and waits for orders. */
export const peers = { process, thread };
