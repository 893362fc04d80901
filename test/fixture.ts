// What every test of rings needs: names that are nobody else's, and nothing left behind.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

import type { ExecutionContext } from 'ava';
import { Disruptor, Ring } from 'shm-disruptor';
import type { DisruptorOptions, RawElements, RingOf, RingOptions } from 'shm-disruptor';

/** The part of `t` that is used here. */
export type Scope = Pick<ExecutionContext, 'teardown'>;

/** How long anything may take before it counts as hung; for `t.timeout`. */
export const WATCHDOG_MILLISECONDS = 300_000;

const names = new WeakMap<Disruptor, string>();
let count = 0;

function removeAtEnd(t: Scope, name: string): void {
  t.teardown(() => {
    rmSync(join('/dev/shm', name), { force: true });
  });
}

/** A name that no other test uses. With `t`, whatever bears it is removed when the test ends. */
export function uniqueName(t?: Scope): string {
  count += 1;
  const name = `/shm-disruptor-test-${process.pid}-${threadId}-${count}`;
  if (t) removeAtEnd(t, name);
  return name;
}

function held(t: Scope, options: DisruptorOptions): Disruptor {
  const disruptor = new Disruptor(options);
  names.set(disruptor, options.name);
  t.teardown(() => {
    disruptor.release();
  });
  return disruptor;
}

/**
 * A new ring under a name of its own, released and removed when the test ends. By default 8
 * elements of 4 bytes with one consumer, which the object and others are, and no `spin`.
 */
export function ring(t: Scope, options: Partial<DisruptorOptions> = {}): Disruptor {
  const name = options.name ?? uniqueName();
  removeAtEnd(t, name);
  const small = { elements: 8, elementSize: 4, consumers: 1, consumer: 0, init: true };
  return held(t, { ...small, shared: true, ...options, name });
}

/** As `ring`, and the name: to attach to it in a worker, in another process, or by oneself. */
ring.named = (t: Scope, options: Partial<DisruptorOptions> = {}) => {
  const creator = ring(t, options);
  return { name: nameOf(creator), creator };
};

/** The name of a ring from here. */
export function nameOf(of: Disruptor): string {
  return names.get(of)!;
}

/** Another object on a ring from here, released when the test ends. By default consumer 0, and not alone. */
export function attach(
  t: Scope,
  of: Disruptor,
  options: Partial<DisruptorOptions> = {},
): Disruptor {
  return held(t, { name: nameOf(of), consumer: 0, shared: true, ...options });
}

/** A ring of bytes that has roles. */
export type RawRing = RingOf<RawElements>;

/**
 * A new ring of roles under a name of its own, closed and removed when the test ends; its roles are
 * the test's to close (`using`). By default 8 elements of 4 bytes, and no consumer.
 */
export function ringOfRoles(
  t: Scope,
  options: Partial<RingOptions & Pick<RawElements, 'elementSize'>> = {},
): RawRing {
  const created = Ring.create(uniqueName(t), { elements: 8, elementSize: 4, ...options });
  t.teardown(() => {
    created.close();
  });
  return created;
}
