import { Kind } from '../native/creation.js';
import type {
  Creation,
  DeadConsumerPolicy,
  OrphanPolicy,
  ProducerMode,
} from '../native/creation.js';
import { located, PLACE } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { MAX_PARTICIPANTS, policy } from '../segment/policy.js';
import { strategy } from '../waiting/strategy.js';
import type { OnUnlinked, Strategy, WaitStrategy } from '../waiting/strategy.js';
import { integer, flag, optionsObject, totalSize, wrongType } from '../validate.js';
import type { OptionNames } from '../validate.js';

/** How a {@link Disruptor} is created or attached to. */
export interface DisruptorOptions extends SegmentDirectory {
  /**
   * Name of the shared memory object, the same in every process: one path component of at most 255
   * bytes, with or without a leading slash.
   */
  name: string;
  /**
   * How many elements the ring has: an integer from 1; a power of two is a little faster.
   * Required with `init`. Otherwise it defaults to what the creator chose, and must agree with it.
   */
  elements?: number;
  /**
   * Bytes in an element: an integer from 1. All elements together fit into one Buffer
   * (`buffer.constants.MAX_LENGTH`). Required with `init`. Otherwise as for `elements`.
   */
  elementSize?: number;
  /**
   * How many consumers there are. Each gets every element, and producers wait for the slowest:
   * an integer from 1 to 65,535. Default with `init`: 1. Otherwise as for `elements`.
   */
  consumers?: number;
  /**
   * Which of the consumers this object is: an integer from 0 to `consumers - 1`. Default: none;
   * the object only produces, and consuming throws.
   */
  consumer?: number;
  /**
   * Share the consumer's index with others: each element then goes to one of those who ask in time.
   * Default: `false`, be that consumer alone; while another who lives is it, attaching throws
   * `ERR_CONSUMER_BUSY`. (The positional constructor shares, and only once it consumes.)
   */
  shared?: boolean;
  /**
   * `true`: create the ring, taking the name over from an existing one; whoever is still attached to
   * that gets `ERR_SEGMENT_REPLACED`. `'new'`: create it, taking the name over only from one that
   * nobody who lives is attached to (`ERR_SEGMENT_IN_USE` otherwise). Default: `false`, attach to an
   * existing ring.
   */
  init?: boolean | 'new';
  /**
   * How many producers there can be at a time, of 128 bytes each: an integer from 1 to 65,535. One
   * with more than seven separate claims outstanding takes the place of two if there is room, and so
   * on. Default: 1024. With `init` only.
   */
  maxProducers?: number;
  /**
   * What becomes of elements that a producer had claimed and not committed when it died. `'skip'`:
   * they are closed as a gap, of which consumers are told, and what was committed behind them is
   * delivered. `'hold'`: all wait until somebody takes them over with `produceRecover`. Default:
   * `'skip'`. With `init` only.
   */
  orphans?: OrphanPolicy;
  /**
   * What becomes of a consumer that has died. `'hold'`: producers wait for it, and who attaches next
   * under its index goes on after its last commit. `'detach'`: producers that need its room go on
   * without it, and who attaches next under its index begins with what is produced then. Default:
   * `'hold'`. With `init` only.
   */
  deadConsumers?: DeadConsumerPolicy;
  /**
   * `'single'`: one producer at a time, which costs it less. Another one gets `ERR_PRODUCER_BUSY` for
   * as long as the first lives. Default: `'multi'`. With `init` only.
   */
  producers?: ProducerMode;
  /**
   * Wait until there is something to give: promises and callbacks without blocking the event loop,
   * `*Sync` methods by blocking the thread. Default: `false`, answer at once, with nothing if need
   * be.
   */
  spin?: boolean;
  /**
   * How waits pass their time: see {@link WaitStrategy}. Default: `'adaptive'`. Others on the same
   * ring may wait otherwise; of those in one thread, the one that polls longest decides for all.
   */
  wait?: WaitStrategy;
  /**
   * How long a wait may poll before it sleeps, in microseconds: an integer from 0 to 1,000,000.
   * Default: 200.
   */
  pollingBudget?: number;
  /** When the segment's file is removed: see {@link OnUnlinked}. Default: `'ignore'`. */
  onUnlinked?: OnUnlinked;
  /**
   * Permission bits of a new object, exactly, whatever the umask. Default: `0o600`. With `init`
   * only.
   */
  mode?: number;
}

const OPTIONS: OptionNames<DisruptorOptions> = {
  ...PLACE,
  name: true,
  elements: true,
  elementSize: true,
  consumers: true,
  consumer: true,
  shared: true,
  init: true,
  maxProducers: true,
  orphans: true,
  deadConsumers: true,
  producers: true,
  spin: true,
  wait: true,
  pollingBudget: true,
  onUnlinked: true,
  mode: true,
};

/** The arguments of the positional constructor. */
export type DisruptorArguments = [
  name: string,
  elements: number,
  elementSize: number,
  consumers: number,
  consumer?: unknown,
  init?: boolean,
  spin?: boolean,
];

/** What a ring is made of. */
export interface Geometry {
  elements: number;
  elementSize: number;
  consumers: number;
}

/** Checked options. */
export interface Resolved {
  /** The object's name in the system. */
  readonly name: string;
  /** The name as it was given. */
  readonly path: string;
  /** What a new ring is to be, or undefined to attach to one. */
  readonly create: Creation | undefined;
  /** What the caller believes of the ring. */
  readonly expected: Partial<Geometry>;
  /** Which consumer. Anything: an object may only produce. */
  readonly consumer: unknown;
  /** Whether `consumer` has to be one of the ring's at once, and not only when it is used. */
  readonly consumes: boolean;
  /** Whether others may be the same consumer. */
  readonly shared: boolean;
  readonly spin: boolean;
  readonly strategy: Strategy;
}

function count(value: unknown, name: keyof Geometry): number {
  return integer(value, name, 1, name === 'consumers' ? MAX_PARTICIPANTS : undefined);
}

function resolve(options: DisruptorOptions): Resolved {
  const { name: path, consumer } = options;
  const expected: Partial<Geometry> = {};
  for (const name of ['elements', 'elementSize', 'consumers'] as const) {
    if (options[name] !== undefined) expected[name] = count(options[name], name);
  }
  const init = options.init === 'new' || flag(options.init, 'init');
  const create = {
    kind: Kind.Ring,
    elements: init ? count(expected.elements, 'elements') : 1,
    elementSize: init ? count(expected.elementSize, 'elementSize') : 1,
    consumers: expected.consumers ?? 1,
    ...policy(options),
    shape: 0,
    schema: 0n,
    joinable: false,
    declared: [],
    existing: options.init === 'new' ? ('replace-dead' as const) : ('replace' as const),
  };
  totalSize(expected.elements ?? 1, expected.elementSize ?? 1);
  return {
    name: located(path, options.path),
    path,
    create: init ? create : undefined,
    expected,
    consumer,
    consumes: consumer !== undefined,
    shared: flag(options.shared, 'shared'),
    spin: flag(options.spin, 'spin'),
    strategy: strategy(options),
  };
}

/** Checks what either form of the constructor was given. */
export function resolveArguments(args: readonly unknown[]): Resolved {
  const [first] = args;
  if (typeof first === 'object' && first !== null) {
    const resolved = resolve(optionsObject<DisruptorOptions>(first, OPTIONS));
    const { consumer, create } = resolved;
    // Before anything is created, or replaced.
    if (consumer !== undefined) integer(consumer, 'consumer', 0, create && create.consumers - 1);
    return resolved;
  }
  if (typeof first !== 'string') throw wrongType('a name or an options object', 'name', first);
  const [name, elements, elementSize, consumers, consumer, init, spin] = args as DisruptorArguments;
  // A position cannot be left out: a missing number is not "whatever the segment has". But a pure
  // producer may pass anything as `consumer`.
  const geometry = {
    elements: count(elements, 'elements'),
    elementSize: count(elementSize, 'elementSize'),
    consumers: count(consumers, 'consumers'),
  };
  const flags = { init: flag(init, 'init'), spin: flag(spin, 'spin') };
  return { ...resolve({ name, ...geometry, ...flags }), consumer, consumes: false };
}
