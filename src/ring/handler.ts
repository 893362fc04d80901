import type { Batch } from './batch.js';
import { DisruptorError } from '../errors.js';
import { callback, integer, oneOf, optionsObject, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';
import { isEnd, waitOptions } from '../waiting/waiter.js';
import type { WaitOptions } from '../waiting/waiter.js';

/** Handles a batch. It may return a promise, and gets the next batch when that is fulfilled. */
export type BatchHandler<Out> = (batch: Batch<Out>) => unknown;

/**
 * What becomes of a batch whose handler failed. `'stop'`: it is not committed, and `process` rejects;
 * whoever goes on under the consumer's name gets it again. `'skip'`: it is committed, and all goes
 * on. `'retry'`: the handler gets it again, without what it has committed of it itself.
 */
export type ErrorAction = 'stop' | 'skip' | 'retry';

/** How {@link RingConsumer.process} goes about it. */
export interface ProcessOptions<Out> {
  /** The most elements in a batch: an integer from 1. Default: what the consumer was made with. */
  maxBatch?: number;
  /** Ends it, between two batches: with an `AbortError`. */
  signal?: AbortSignal;
  /** What to do about an error, or a function that decides and may be async. Default: `'stop'`. */
  onError?:
    'stop' | 'skip' | ((error: unknown, batch: Batch<Out>) => ErrorAction | Promise<ErrorAction>);
  /** Called when there is nothing more, before it waits. May be async. */
  onIdle?: () => unknown;
  /** Call `onIdle` again each time so many milliseconds of waiting have passed. Default: never. */
  timeout?: number;
}

/** What handling needs of a consumer. @internal */
export interface BatchSource<Out> {
  /** A batch, or null when there is nothing; undefined when the event loop is to have its turn. */
  tryNext(most: number): Batch<Out> | null | undefined;
  next(most: number, wait: WaitOptions | undefined): Promise<Batch<Out>>;
  commit(sequence?: number): boolean;
  rewind(): void;
  /** Whether anything of the latest batch is not committed. */
  pending(): boolean;
  closed(): boolean;
}

const PROCESSING: OptionNames<ProcessOptions<unknown>> = {
  maxBatch: true,
  signal: true,
  onError: true,
  onIdle: true,
  timeout: true,
};

const ERROR_ACTIONS = ['stop', 'skip', 'retry'] as const;

/** Calls `handler` with one batch after the other. @internal */
export async function processBatches<Out>(
  handler: BatchHandler<Out>,
  options: ProcessOptions<Out> | undefined,
  standard: number,
  source: BatchSource<Out>,
): Promise<void> {
  if (typeof handler !== 'function') throw wrongType('a function', 'handler', handler);
  const {
    maxBatch,
    onError = 'stop',
    onIdle: idle,
    ...rest
  } = optionsObject<ProcessOptions<Out>>(options ?? {}, PROCESSING);
  const most = maxBatch === undefined ? standard : integer(maxBatch, 'maxBatch', 1);
  if (typeof onError !== 'function') oneOf(['stop', 'skip'] as const, onError, 'onError');
  const onIdle = callback(idle, 'onIdle');
  const wait = waitOptions(rest);

  const wasClosed = source.closed();
  const ends = (error: unknown) => !wasClosed && isEnd(error, source.closed(), wait?.signal);

  while (!wait?.signal?.aborted) {
    let batch: Batch<Out>;
    try {
      // Without a promise for as long as there is something at once.
      const found = source.tryNext(most);
      batch = found ?? (await someBatch(source, most, onIdle, wait, found === null));
    } catch (error) {
      if (ends(error)) return;
      throw error;
    }
    try {
      const handled = handler(batch);
      if (isPromise(handled)) await handled;
    } catch (error) {
      if (ends(error)) {
        if (!source.closed()) source.rewind();
        return;
      }
      let action: ErrorAction = 'stop';
      try {
        const decided = typeof onError === 'function' ? await onError(error, batch) : onError;
        action = oneOf(ERROR_ACTIONS, decided, 'the result of onError');
      } finally {
        // Also when deciding failed: nothing is lost by it.
        if (action === 'skip') source.commit();
        else source.rewind();
      }
      if (action === 'stop') throw error;
      continue;
    }
    if (source.closed()) return;
    settle(source, batch);
  }
}

// Commits what the handler has not asked for again.
function settle<Out>(source: BatchSource<Out>, { rewound, start }: Batch<Out>): void {
  if (!source.pending()) return;
  if (rewound === undefined) {
    source.commit();
    return;
  }
  if (rewound > start) {
    try {
      source.commit(rewound - 1);
    } catch (error) {
      // The handler has committed as far itself.
      if ((error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE') throw error;
    }
  }
  source.rewind();
}

async function someBatch<Out>(
  source: BatchSource<Out>,
  most: number,
  onIdle: (() => unknown) | undefined,
  wait: WaitOptions | undefined,
  nothing: boolean,
): Promise<Batch<Out>> {
  const signal = wait?.signal && { signal: wait.signal };
  // Nobody else is to learn of the time.
  const limited = onIdle ? wait : signal;
  // Whether there is anything was not looked at when the event loop was to have its turn.
  let limit = onIdle && !nothing ? { ...signal, timeout: 0 } : limited;
  if (nothing) await onIdle?.();
  for (;;) {
    try {
      return await source.next(most, limit);
    } catch (error) {
      // There is still nothing.
      if (!(error instanceof DisruptorError && error.code === 'ERR_TIMEOUT')) throw error;
      await onIdle?.();
      limit = limited;
    }
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}
