import type { FormatOptions } from '../values/format.js';
import { DisruptorError } from '../errors.js';
import { Kind } from '../native/creation.js';
import type {
  Creation,
  DeadConsumerPolicy,
  Declared,
  OrphanPolicy,
  ProducerMode,
} from '../native/creation.js';
import { PLACE } from '../segment/location.js';
import type { SegmentDirectory } from '../segment/location.js';
import { MAX_PARTICIPANTS, policy } from '../segment/policy.js';
import { strategy } from '../waiting/strategy.js';
import type { OnUnlinked, Strategy, WaitStrategy } from '../waiting/strategy.js';
import {
  flag,
  integer,
  oneOf,
  optionsObject,
  totalSize,
  wrongType,
  wrongValue,
} from '../validate.js';
import type { OptionNames } from '../validate.js';

/** How waits of a ring's participants pass their time. */
export interface AttachOptions {
  /** See {@link WaitStrategy}. Default: `'adaptive'`. */
  wait?: WaitStrategy;
  /**
   * How long a wait may poll before it sleeps, in microseconds: an integer from 0 to 1,000,000.
   * Default: 200.
   */
  pollingBudget?: number;
  /** When the segment's file is removed: see {@link OnUnlinked}. Default: `'ignore'`. */
  onUnlinked?: OnUnlinked;
}

/** A consumer that gates from the first element on, whether or not anybody is it yet. */
export interface ConsumerDeclaration {
  /**
   * Names of those that it comes after: it gets only what all of them have committed. At most 8.
   * Default: none.
   */
  after?: string | readonly string[];
  /** Several share its elements: each goes to one of them. Default: false. */
  group?: boolean;
}

/** How a ring is made. */
export interface RingOptions extends AttachOptions, SegmentDirectory {
  /** How many elements it has: an integer from 1; a power of two is a little faster. */
  elements: number;
  /**
   * Consumers that are there from the beginning, by name, or how many: then their names are `'0'`,
   * `'1'` and so on. Others may join. Default: none, and producers wait for nobody until somebody
   * joins.
   */
  consumers?: number | Readonly<Record<string, ConsumerDeclaration>>;
  /**
   * How many consumers, groups and members of groups there can be: an integer from 1 to 65,535.
   * Default: 64, or as many as are declared and 16.
   */
  maxConsumers?: number;
  /**
   * `'single'`: one producer at a time, which costs it less. Another one gets `ERR_PRODUCER_BUSY` for
   * as long as the first lives. Default: `'multi'`.
   */
  producers?: ProducerMode;
  /** As for {@link DisruptorOptions}. */
  maxProducers?: number;
  /** As for {@link DisruptorOptions}. */
  orphans?: OrphanPolicy;
  /** As for {@link DisruptorOptions}. */
  deadConsumers?: DeadConsumerPolicy;
  /** Permission bits, exactly, whatever the umask. Default: `0o600`. */
  mode?: number;
  /**
   * What becomes of a ring that has the name. `'refuse'`: `ERR_SEGMENT_EXISTS`. `'replace-dead'`: its
   * name is taken over if nobody who lives is attached to it, and it is `ERR_SEGMENT_IN_USE`
   * otherwise. `'replace'`: its name is taken over, and those attached get `ERR_SEGMENT_REPLACED`.
   * Default: `'refuse'`.
   */
  existing?: 'refuse' | 'replace-dead' | 'replace';
}

/** How a consumer joins. */
export interface JoinOptions {
  /**
   * Where a new one begins, or one that had left; one that is known goes on where it was.
   * `'latest'`: with what is committed from now on. `'oldest'`: where the slowest consumer is, as far
   * back as nothing can be overwritten. A sequence between the two (`ERR_SEQUENCE_GONE` otherwise).
   * Default: `'latest'`.
   */
  from?: 'latest' | 'oldest' | number;
  /** Names of those that it comes after. For a known one they must be the same. */
  after?: string | readonly string[];
  /** Share the elements of the group of this name with its other members. Default: false. */
  group?: boolean;
  /**
   * The most elements in a batch: an integer from 1. Default: all there are; in a group 1, and more
   * are taken from the others' hands.
   */
  maxBatch?: number;
}

/** The names of a participant's options. */
export const WAITING: OptionNames<AttachOptions> = {
  wait: true,
  pollingBudget: true,
  onUnlinked: true,
};

/** Those of a new ring. */
export const CREATING: OptionNames<RingOptions & FormatOptions> = {
  ...WAITING,
  ...PLACE,
  elements: true,
  elementSize: true,
  encoding: true,
  record: true,
  consumers: true,
  maxConsumers: true,
  producers: true,
  maxProducers: true,
  orphans: true,
  deadConsumers: true,
  mode: true,
  existing: true,
};

/** How a ring is opened: its sizes are known. */
export type Opening = AttachOptions & SegmentDirectory & Omit<FormatOptions, 'elementSize'>;

/** Those of one that is there. */
export const OPENING: OptionNames<Opening> = { ...WAITING, ...PLACE, encoding: true, record: true };

/** Those of a consumer. */
export const JOINING: OptionNames<JoinOptions & AttachOptions> = {
  ...WAITING,
  from: true,
  after: true,
  group: true,
  maxBatch: true,
};

const DECLARATION: OptionNames<ConsumerDeclaration> = { after: true, group: true };

const MAX_DEPENDENCIES = 8;
const LONGEST_NAME = 64;
const DEFAULT_CONSUMERS = 64;
const SPARE_CONSUMERS = 16;

/** A consumer's name, checked. */
export function consumerName(value: unknown, name = 'name'): string {
  if (typeof value !== 'string') throw wrongType('a string', name, value);
  const bytes = Buffer.byteLength(value);
  if (bytes > 0 && bytes <= LONGEST_NAME && !value.includes('\0')) return value;
  throw wrongValue(`1 to ${LONGEST_NAME} bytes of text without NUL`, name, value);
}

/** The names that somebody comes after, checked. */
export function namesAfter(after: unknown): string[] {
  const names: unknown[] = Array.isArray(after) ? after : [after];
  const distinct = [...new Set(names.map((each) => consumerName(each, 'after')))];
  if (distinct.length > MAX_DEPENDENCIES) {
    throw wrongValue(`at most ${MAX_DEPENDENCIES} names`, 'after', after);
  }
  return distinct;
}

function declarations(consumers: unknown): Record<string, ConsumerDeclaration> {
  if (consumers === undefined) return {};
  if (typeof consumers === 'number') {
    const count = integer(consumers, 'consumers', 0, MAX_PARTICIPANTS);
    return Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i), {}]));
  }
  if (typeof consumers === 'object' && consumers !== null) {
    return consumers as Record<string, ConsumerDeclaration>;
  }
  throw wrongType('a number or an object', 'consumers', consumers);
}

// In the order in which they were named; whom they come after, by index.
function declared(consumers: unknown): Declared[] {
  const all = declarations(consumers);
  const names = Object.keys(all);
  const result = names.map((name) => {
    const { after = [], group } = optionsObject<ConsumerDeclaration>(
      all[consumerName(name, 'consumers')],
      DECLARATION,
      `consumers.${name}`,
    );
    return { name, group: flag(group, `consumers.${name}.group`), after: namesAfter(after) };
  });
  checkCycles(new Map(result.map(({ name, after }) => [name, after])));
  return result.map(({ after, ...rest }) => ({
    ...rest,
    after: after.map((name) => names.indexOf(name)),
  }));
}

// Takes away who comes after nobody that is left, until nobody is: whoever remains is in a circle or
// behind one.
function checkCycles(graph: ReadonlyMap<string, readonly string[]>): void {
  for (const name of [...graph.values()].flat()) {
    if (graph.has(name)) continue;
    throw new DisruptorError('ERR_UNKNOWN_CONSUMER', `There is no consumer '${name}'`);
  }
  const left = new Map(graph);
  for (let before = Infinity; left.size < before;) {
    before = left.size;
    for (const [name, after] of left) {
      if (!after.some((other) => left.has(other))) left.delete(name);
    }
  }
  const [first] = left.keys();
  if (first === undefined) return;
  // From one to the one before it, until somebody comes again.
  const path: string[] = [];
  for (let name = first; ; name = left.get(name)!.find((other) => left.has(other))!) {
    const again = path.indexOf(name);
    path.push(name);
    if (again < 0) continue;
    const circle = path.slice(again).join(' after ');
    throw new DisruptorError('ERR_DEPENDENCY_CYCLE', `Consumers in a circle: ${circle}`);
  }
}

/** What a new ring is to be. */
export function ringCreation(
  options: RingOptions,
  format: { shape: number; schema: bigint; elementSize: number },
): Creation {
  const participants = declared(options.consumers);
  const standard = Math.max(DEFAULT_CONSUMERS, participants.length + SPARE_CONSUMERS);
  const least = Math.max(1, participants.length);
  const elements = integer(options.elements, 'elements', 1);
  totalSize(elements, format.elementSize);
  return {
    kind: Kind.Ring,
    elements,
    elementSize: format.elementSize,
    consumers: integer(
      options.maxConsumers ?? Math.min(standard, MAX_PARTICIPANTS),
      'maxConsumers',
      least,
      MAX_PARTICIPANTS,
    ),
    // One needs one place.
    ...policy(options, options.producers === 'single' ? 1 : undefined),
    shape: format.shape,
    schema: format.schema,
    joinable: true,
    declared: participants,
    existing: oneOf(
      ['refuse', 'replace-dead', 'replace'] as const,
      options.existing ?? 'refuse',
      'existing',
    ),
  };
}

/** Checks how a participant is to wait; `standard` is what is left out. */
export function ringWaiting(options: AttachOptions, standard?: Strategy): Strategy {
  return strategy(options, standard);
}
