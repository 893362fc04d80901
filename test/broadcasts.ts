// What the tests of broadcasts share: broadcasts that go when the test ends, and the faces of receiving.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Broadcast } from 'shm-disruptor';
import type {
  BroadcastOptions,
  ReceivedMessage,
  SubscribeOptions,
  Subscription,
  WaitOptions,
} from 'shm-disruptor';

import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';
import type { Scope } from './fixture.js';

type Options = Omit<BroadcastOptions, 'encoding' | 'record'>;

/** A new broadcast of bytes, closed and removed when the test ends. By default 8 messages of up to 16. */
export function newBroadcast(t: Scope, options: Partial<Options> = {}): Broadcast {
  const broadcast: Broadcast = Broadcast.create(uniqueName(t), {
    elements: 8,
    elementSize: 16,
    ...options,
  });
  t.teardown(() => {
    broadcast.close();
  });
  return broadcast;
}

/** Another object on it. */
export function another(t: Scope, { name }: Broadcast): Broadcast {
  const broadcast = Broadcast.open(name);
  t.teardown(() => {
    broadcast.close();
  });
  return broadcast;
}

/** A subscription that is closed when the test ends. */
export function listen(t: Scope, broadcast: Broadcast, options?: SubscribeOptions): Subscription {
  const subscription = broadcast.subscribe(options);
  t.teardown(() => {
    subscription.close();
  });
  return subscription;
}

/** All that there is to be had now: text, sequence and how many were lost. */
export function rest(subscription: Subscription): [string, number, number][] {
  const all: [string, number, number][] = [];
  for (let next = subscription.tryReceive(); next; next = subscription.tryReceive()) {
    all.push([next.data.toString(), next.sequence, next.lost]);
  }
  return all;
}

/** Publishes the numbers from `first` to `last`, as text. */
export function count(broadcast: Broadcast, first: number, last: number): void {
  for (let number = first; number <= last; number += 1) broadcast.publish(String(number));
}

/** `receive`, which comes as promise, with a callback and as `receiveSync`. */
export interface ReceivingFace {
  readonly name: string;
  receive<T>(subscription: Subscription<T>, options?: WaitOptions): Promise<ReceivedMessage<T>>;
}

const promises: ReceivingFace = {
  name: 'promise',
  receive: (subscription, options) => subscription.receive(options),
};

const callbacks: ReceivingFace = {
  name: 'callback',
  receive: (subscription, options) =>
    new Promise((resolve, reject) => {
      let returned = false;
      const done = (error: Error | null, result?: unknown) => {
        if (!returned) reject(new Error('called back before the method had returned'));
        if (error) reject(error);
        else resolve(result as never);
      };
      if (options) subscription.receive(options, done);
      else subscription.receive(done);
      returned = true;
    }),
};

const syncs: ReceivingFace = {
  name: 'sync',
  receive: (subscription, options) =>
    new Promise((resolve) => {
      // Blocks the thread, so that every wait has an end.
      resolve(subscription.receiveSync({ timeout: WATCHDOG_MILLISECONDS, ...options }));
    }),
};

/** The faces that wait without blocking the thread. */
export const patient: readonly ReceivingFace[] = [promises, callbacks];

/** One test for each face. */
export function overReceivingFaces(
  title: string,
  body: (t: ExecutionContext, face: ReceivingFace) => Promise<void>,
  over: readonly ReceivingFace[] = [...patient, syncs],
): void {
  for (const face of over) {
    test(`${title} (${face.name})`, async (t) => {
      t.timeout(WATCHDOG_MILLISECONDS);
      await body(t, face);
    });
  }
}
