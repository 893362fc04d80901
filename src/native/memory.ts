import { stepOf } from '../steps.js';
import type { Steps } from '../steps.js';
import { addon, ask } from './addon.js';
import type { MemoryFacts } from './addon.js';
import { numbered } from './creation.js';
import type { CoreStrategy, Creation } from './creation.js';
import { Exchange } from './exchange.js';

const { exchange } = addon;

/** So many views are remembered before those that nobody has any more are looked for. */
const VIEWS_KEPT = 64;

/** One handle on plain memory. After `release` every method throws `ERR_RELEASED`. */
export class MemoryHandle {
  // The handle in the addon lives as long as this object.
  readonly #made: MemoryFacts;

  /** Whether it is only to be read. */
  readonly readOnly: boolean;
  /** Nobody takes part in memory. */
  readonly comesAfter = false;
  #views: WeakRef<ArrayBuffer>[] = [];
  #maxViews = VIEWS_KEPT;

  private constructor(made: MemoryFacts, readOnly: boolean) {
    this.#made = made;
    this.readOnly = readOnly;
  }

  static *create(name: string, creation: Creation, strategy: CoreStrategy): Steps<MemoryHandle> {
    const { createMemory, createMemoryAsync } = addon;
    const args = [name, numbered(creation), strategy.core, strategy.budget] as const;
    return new MemoryHandle(yield* stepOf(createMemory, createMemoryAsync, ...args), false);
  }

  static *open(name: string, readOnly: boolean, strategy: CoreStrategy): Steps<MemoryHandle> {
    const { openMemory, openMemoryAsync } = addon;
    const args = [name, readOnly, strategy.core, strategy.budget] as const;
    return new MemoryHandle(yield* stepOf(openMemory, openMemoryAsync, ...args), readOnly);
  }

  /** The bytes from `start` to before `end`, where they may be written. Detached by `release`. */
  view(start: number, end: number): ArrayBuffer {
    exchange[Exchange.Handle] = this.#made.handle;
    exchange[Exchange.Start] = start;
    exchange[Exchange.End] = end;
    const view = addon.memoryView();
    if (this.#views.length >= this.#maxViews) {
      this.#views = this.#views.filter((each) => each.deref() !== undefined);
      this.#maxViews = Math.max(VIEWS_KEPT, 2 * this.#views.length);
    }
    this.#views.push(new WeakRef(view));
    return view;
  }

  get size(): number {
    return this.#made.size;
  }

  /** As {@link RingHandle.object}. */
  get object(): string {
    return this.#made.object;
  }

  /**
   * Blocks the thread for at most `milliseconds`, until the word at `offset` is not `value`. Whether
   * it is not.
   */
  wait(offset: number, value: number, milliseconds: number): boolean {
    exchange[Exchange.Start] = offset;
    exchange[Exchange.Mark] = value;
    exchange[Exchange.Milliseconds] = milliseconds;
    return ask(this.#made.handle, addon.memoryWait) === 1;
  }

  load(offset: number): number {
    exchange[Exchange.Start] = offset;
    return ask(this.#made.handle, addon.memoryLoad);
  }

  /** Wakes `count` sleepers of that word, or all if they are fewer. How many it has woken itself. */
  notify(offset: number, count: number): number {
    exchange[Exchange.Start] = offset;
    exchange[Exchange.Most] = count;
    return ask(this.#made.handle, addon.memoryNotify);
  }

  /** Copies to all of `target` what begins at `offset`. */
  read(offset: number, target: Uint8Array): void {
    exchange[Exchange.Handle] = this.#made.handle;
    exchange[Exchange.Start] = offset;
    addon.memoryRead(target);
  }

  /** As {@link RingHandle.watch}, for the word at `offset`. */
  watch(offset: number, key: number): boolean {
    exchange[Exchange.Start] = offset;
    exchange[Exchange.Key] = key;
    return ask(this.#made.handle, addon.memoryWatch) === 1;
  }

  /** As {@link RingHandle.passOn}. */
  passOn(offset: number): void {
    this.notify(offset, 1);
  }

  /** As {@link RingHandle.unblock}: there is nobody who could hold up others. */
  unblock(): void {
    return;
  }

  /** As {@link RingHandle.fingerprint}. */
  fingerprint(offset: number): string {
    return `${this.load(offset)} ${this.replaced()}`;
  }

  replaced(): boolean {
    return ask(this.#made.handle, addon.memoryReplaced) === 1;
  }

  /** As {@link RingHandle.unlinked}. */
  unlinked(): boolean {
    return ask(this.#made.handle, addon.memoryUnlinked) === 1;
  }

  /** As {@link RingHandle.sync}. */
  async sync(): Promise<void> {
    exchange[Exchange.Handle] = this.#made.handle;
    await addon.memorySync();
  }

  /** The same; blocks the thread. */
  syncNow(): void {
    ask(this.#made.handle, addon.memorySyncNow);
  }

  release(): void {
    exchange[Exchange.Handle] = this.#made.handle;
    addon.memoryRelease(this.#views.flatMap((each) => each.deref() ?? []));
    this.#views = [];
  }
}
