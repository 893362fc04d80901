import { DisruptorError } from '../errors.js';
import { flag, optionsObject } from '../validate.js';
import type { OptionNames } from '../validate.js';
import type { BridgeMessage } from './bridge-message.js';

/** What an end of a bridge has counted since it was made. What it does not know is left out. */
export interface EndpointCounts {
  /** Messages that came again and were dropped: by the engine, or by whoever writes into a segment. */
  duplicates?: number;
  /** Messages that came after later ones of their origin: their order was lost on the way. */
  late?: number;
  /** Sequences between others that have not come: lost on the way, or somebody else's. */
  missing?: number;
  /** Elements that producers claimed and left, which nobody gets. */
  gaps?: number;
  /** What a source lost before the bridge could take it: told by a Broadcast, or trimmed by an engine. */
  overrun?: number;
  /** How many messages wait at the source, as of now or of the latest message. */
  lag?: number;
}

/** What both ends of a bridge have. */
export interface Endpoint {
  /** What it is, for people: `nats TICKS`. */
  readonly name: string;
  /**
   * Connects, the first time and after each {@link Disconnected}.
   *
   * @param signal - gives up when it is aborted
   * @throws Disconnected when the engine does not answer or refuses
   */
  open(signal: AbortSignal): Promise<void>;
  /** Lets go of the connection. It may be opened again. Never throws. */
  close(): Promise<void>;
  /** Ends it for good, after `close`. Never throws. */
  end(): void;
  /** What it has counted. Cheap. */
  counts(): EndpointCounts;
}

/**
 * Where messages come from. Taken ones stay in its hands until they are acknowledged, in the order in
 * which they were taken.
 */
export interface BridgeSource extends Endpoint {
  /**
   * Takes what there is, at least one message; waits for that.
   *
   * @param most - how many at most
   * @throws Disconnected, and the signal's AbortError; `Unreadable` when the first message cannot be read,
   * which counts as taken then
   */
  take(most: number, signal: AbortSignal): Promise<readonly BridgeMessage[]>;
  /** The first `count` of those taken and not acknowledged are done with. @throws Disconnected */
  acknowledge(count: number): void | Promise<void>;
  /** All that was taken and not acknowledged is taken again. */
  giveBack(): void;
}

/** Where messages go. */
export interface BridgeTarget extends Endpoint {
  /**
   * Delivers in order, from the first on.
   *
   * @returns how many are certain to have arrived: at least 1, perhaps not all
   * @throws Disconnected when none of them is; {@link Undeliverable} when the first never will be
   */
  send(parcels: readonly BridgeMessage[], signal: AbortSignal): Promise<number>;
}

/** What is known of an engine that is {@link Disconnected}. */
export interface AwayOptions {
  /**
   * Whether trying again is expected to help. `false`: the engine answers and refuses (credentials,
   * permissions, a missing stream), and the bridge ends after `maxRefusals` tries. Default: `true`.
   */
  retriable?: boolean;
}

const AWAY: OptionNames<AwayOptions> = { retriable: true };

/** An engine does not answer, or refuses: to be tried again. */
export class Disconnected extends Error {
  /** Always `Disconnected`. */
  override readonly name = 'Disconnected';
  /** See {@link AwayOptions.retriable}. */
  readonly retriable: boolean;

  /** Of that engine, with what its client threw. */
  constructor(engine: string, cause: unknown, options: AwayOptions = {}) {
    const { retriable } = optionsObject<AwayOptions>(options, AWAY);
    super(`${engine}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.retriable = flag(retriable ?? true, 'retriable');
  }
}

/** The target will never take this message, however often it is tried. */
export class Undeliverable extends Error {
  /** Always `Undeliverable`. */
  override readonly name = 'Undeliverable';

  /** With the reason. */
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** What `attempt` gives. What an engine's client throws becomes {@link Disconnected}; our own errors do not. */
export async function reaching<T>(
  away: (error: unknown) => Disconnected,
  attempt: () => Promise<T>,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    throw error instanceof Disconnected || error instanceof DisruptorError ? error : away(error);
  }
}
