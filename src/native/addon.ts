import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { coreError, DisruptorError } from '../errors.js';
import { Exchange } from './exchange.js';
import type { RingSnapshot, SegmentFacts } from './facts.js';
import type { Joining } from './joining.js';

/**
 * The whole interface of the addon, on one page. Its callers have checked every argument.
 *
 * The numbers of a call go through an *exchange*, an array that both sides see: converting arguments
 * and results costs more than the operations themselves.
 */

/** What the addon knows of a handle that it made. */
export interface RingFacts {
  readonly handle: number;
  readonly elements: ArrayBuffer;
  readonly elementCount: number;
  readonly elementSize: number;
  readonly consumerCount: number;
  /** Whether there is one producer at a time. */
  readonly single: boolean;
  readonly shape: number;
  readonly schema: bigint;
  readonly generation: bigint;
  readonly object: string;
}

/** What the addon knows of a subscriber. */
export interface SubscriberFacts extends Omit<RingFacts, 'elements' | 'consumerCount'> {
  /** Bytes from one slot to the next. */
  readonly stride: number;
  /** Whether we may not even say that we sleep. */
  readonly quiet: boolean;
}

/** And of a publisher: all slots. */
export type PublisherFacts = SubscriberFacts & Pick<RingFacts, 'elements'>;

/** What the addon knows of plain memory that it mapped. */
export interface MemoryFacts {
  readonly handle: number;
  readonly size: number;
  readonly object: string;
}

/**
 * What creates and opens segments. `maxBytes` is how many bytes a view of all elements may have:
 * `ERR_SEGMENT_TOO_LARGE` above, before anything is created or replaced. What was created and cannot
 * be had after all has lost its name again.
 */
interface Attaching {
  createRing: (
    name: string,
    creation: object,
    maxBytes: number,
    strategy: number,
    budget: number,
    state: Float64Array,
  ) => RingFacts;
  openRing: (
    name: string,
    kind: number,
    maxBytes: number,
    strategy: number,
    budget: number,
    state: Float64Array,
  ) => RingFacts;
  createBroadcast: (name: string, creation: object, maxBytes: number) => PublisherFacts;
  openPublisher: (name: string, maxBytes: number) => PublisherFacts;
  openSubscriber: (name: string, strategy: number, budget: number) => SubscriberFacts;
  createMemory: (name: string, creation: object, strategy: number, budget: number) => MemoryFacts;
  openMemory: (name: string, readOnly: boolean, strategy: number, budget: number) => MemoryFacts;
}

/** The same on a thread of libuv's pool. */
type AttachingAsync = {
  [Name in keyof Attaching as `${Name}Async`]: (
    ...args: Parameters<Attaching[Name]>
  ) => Promise<ReturnType<Attaching[Name]>>;
};

type Methods = Record<
  | 'claim'
  | 'commit'
  | 'commitLatest'
  | 'awaitVisible'
  | 'consume'
  | 'commitConsumed'
  | 'attachConsumer'
  | 'assignment'
  | 'takeAssignment'
  | 'finishAssignment'
  | 'keepAssignment'
  | 'returnAssignment'
  | 'leave'
  | 'detach'
  | 'nextGap'
  | 'recover'
  | 'takeOver'
  | 'gaps'
  | 'ignore'
  | 'claimable'
  | 'consumable'
  | 'committable'
  | 'uncommitted'
  | 'next'
  | 'cursor'
  | 'consumerSequence'
  | 'allIgnored'
  | 'status'
  | 'setStatus'
  | 'unblock'
  | 'watch'
  | 'passOn'
  | 'claimSlot'
  | 'commitSlot'
  | 'abortSlot'
  | 'nextSlot'
  | 'releasePublisher'
  | 'receive'
  | 'latest'
  | 'seek'
  | 'extent'
  | 'listen'
  | 'releaseSubscriber'
  | 'broadcastUnlinked'
  | 'syncBroadcastNow'
  | 'unlinked'
  | 'syncNow'
  | 'withdraw'
  | 'withdrawBroadcast'
  | 'memoryWait'
  | 'memoryLoad'
  | 'memoryNotify'
  | 'memoryWatch'
  | 'memoryReplaced'
  | 'memoryUnlinked'
  | 'memorySyncNow'
  | 'release',
  () => void
>;

interface Addon extends Methods, Attaching, AttachingAsync {
  readonly exchange: Float64Array;
  /** Of the handle that the exchange names, as those that follow. */
  sendMessage: (bytes: Uint8Array) => void;
  moveMessage: (target: Uint8Array) => void;
  sendMessages: (bytes: Uint8Array, lengths: Uint32Array) => void;
  moveMessages: (target: Uint8Array, lengths: Uint32Array) => void;
  join(joining: Joining): number;
  snapshot(): RingSnapshot;
  publish: (bytes: Uint8Array) => void;
  land(buffer: ArrayBuffer): void;
  receiveInto: (target: Uint8Array) => void;
  syncBroadcast(): Promise<void>;
  sync(): Promise<void>;
  /** Of the memory that the exchange names, as the one that follows. */
  memoryRead(target: Uint8Array): void;
  memoryView(): ArrayBuffer;
  memoryRelease(views: ArrayBuffer[]): void;
  memorySync(): Promise<void>;
  unlink(name: string): void;
  /** `directory` is empty for the system's place for shared memory. */
  list(directory: string): SegmentFacts[];
  inspect(name: string): SegmentFacts;
  userName(user: number): string;
  keepFreedMemory(): void;
  startWaker(changed: (keys: number[]) => void, method: number): void;
  forget(key: number): void;
}

/** Whether the event loop is libuv's, which only Node has. */
export const hasLoop = !('bun' in process.versions || 'deno' in process.versions);

/** What the binary exports. */
interface Binary {
  /**
   * The functions for one evaluation of this module: the binary may be the same for several, in test
   * runners with module contexts for example, and each has its own handles, waits and error classes.
   */
  instantiate(
    errorFactory: (errc: number, errno: number, syscall: string) => Error,
    hasLoop: boolean,
  ): Addon;
}

function load(): Addon {
  const require = createRequire(import.meta.url);
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const find = require('node-gyp-build') as (root: string) => Binary;
  let binary: Binary;
  try {
    binary = find(root);
  } catch (cause) {
    throw new DisruptorError(
      'ERR_NO_BINARY',
      `shm-disruptor has no binary for ${process.platform}-${process.arch}. ` +
        `Build one with: npx node-gyp rebuild --directory ${JSON.stringify(root)}`,
      { cause },
    );
  }
  return binary.instantiate(coreError, hasLoop);
}

export const addon = load();

const { exchange } = addon;

/** Calls a method of that handle. @returns its outcome */
export function ask(handle: number, method: () => void): number {
  exchange[Exchange.Handle] = handle;
  method();
  return exchange[Exchange.Outcome]!;
}
