import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { coreError, DisruptorError } from '../errors.js';
import { Exchange } from './exchange.js';
import type { Census, SegmentFacts } from './facts.js';
import type { Joining } from './joining.js';

/**
 * The whole interface of the addon, on one page. Its callers have checked every argument.
 *
 * The numbers of a call go through an *exchange*, an array that both sides see: converting arguments
 * and results costs more than the operations themselves.
 */

/** What the addon knows of a handle that it made. */
export interface Made {
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
export interface MadeSubscriber extends Omit<Made, 'elements' | 'consumerCount'> {
  /** Bytes from one slot to the next. */
  readonly stride: number;
  /** Whether we may not even say that we sleep. */
  readonly quiet: boolean;
}

/** And of a publisher: all slots. */
export type MadePublisher = MadeSubscriber & Pick<Made, 'elements'>;

/** What the addon knows of plain memory that it mapped. */
export interface MadeMemory {
  readonly handle: number;
  readonly size: number;
  readonly object: string;
}

interface Addon extends Record<
  | 'claim'
  | 'commit'
  | 'commitLatest'
  | 'awaitVisible'
  | 'consume'
  | 'commitConsumed'
  | 'attachConsumer'
  | 'share'
  | 'takeShare'
  | 'finishShare'
  | 'keepShare'
  | 'giveBackShare'
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
  | 'tend'
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
  | 'syncBroadcastNow'
  | 'syncNow'
  | 'memoryWait'
  | 'memoryLoad'
  | 'memoryNotify'
  | 'memoryWatch'
  | 'memoryReplaced'
  | 'memorySyncNow'
  | 'release',
  () => void
> {
  readonly exchange: Float64Array;
  createRing(
    name: string,
    creation: object,
    mostBytes: number,
    strategy: number,
    budget: number,
    state: Float64Array,
  ): Made;
  /** `mostBytes` is how many bytes of elements can be seen. */
  openRing(
    name: string,
    kind: number,
    mostBytes: number,
    strategy: number,
    budget: number,
    state: Float64Array,
  ): Made;
  /** Of the handle that the exchange names, as those that follow. */
  sendMessage: (bytes: Uint8Array) => void;
  moveMessage: (target: Uint8Array) => void;
  sendMessages: (bytes: Uint8Array, lengths: Uint32Array) => void;
  moveMessages: (target: Uint8Array, lengths: Uint32Array) => void;
  join(joining: Joining): number;
  census(): Census;
  createBroadcast(name: string, creation: object): MadePublisher;
  openPublisher(name: string): MadePublisher;
  openSubscriber(name: string, strategy: number, budget: number): MadeSubscriber;
  publish: (bytes: Uint8Array) => void;
  land(buffer: ArrayBuffer): void;
  receiveInto: (target: Uint8Array) => void;
  syncBroadcast(): Promise<void>;
  sync(): Promise<void>;
  createMemory(name: string, creation: object, strategy: number, budget: number): MadeMemory;
  openMemory(name: string, readOnly: boolean, strategy: number, budget: number): MadeMemory;
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
  setErrorFactory(factory: (errc: number, errno: number, syscall: string) => Error): void;
}

function load(): Addon {
  const require = createRequire(import.meta.url);
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const find = require('node-gyp-build') as (root: string) => Addon;
  let addon: Addon;
  try {
    addon = find(root);
  } catch (cause) {
    throw new DisruptorError(
      'ERR_NO_BINARY',
      `shm-disruptor has no binary for ${process.platform}-${process.arch}. ` +
        `Build one with: npx node-gyp rebuild --directory ${JSON.stringify(root)}`,
      { cause },
    );
  }
  addon.setErrorFactory(coreError);
  return addon;
}

export const addon = load();

const { exchange } = addon;

/** Calls a method of that handle. @returns its outcome */
export function ask(handle: number, method: () => void): number {
  exchange[Exchange.Handle] = handle;
  method();
  return exchange[Exchange.Outcome]!;
}
