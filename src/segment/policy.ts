import type {
  Creation,
  DeadConsumerPolicy,
  OrphanPolicy,
  ProducerMode,
} from '../native/creation.js';
import { integer, oneOf } from '../validate.js';

/** The most producers, and the most consumers, that a segment can have. */
export const MAX_PARTICIPANTS = 65_535;

const DEFAULT_PRODUCERS = 1024;
const DEFAULT_MODE = 0o600;

/** How a new segment takes deaths, who may produce, and who may attach; as a user gives it. */
export interface PolicyOptions {
  maxProducers?: number | undefined;
  orphans?: OrphanPolicy | undefined;
  deadConsumers?: DeadConsumerPolicy | undefined;
  producers?: ProducerMode | undefined;
  mode?: number | undefined;
}

/** The same, checked, with what is left out. `most` is the standard for `maxProducers`. */
export function policy(
  options: PolicyOptions,
  most = DEFAULT_PRODUCERS,
): Pick<Creation, keyof PolicyOptions> {
  return {
    maxProducers: integer(options.maxProducers ?? most, 'maxProducers', 1, MAX_PARTICIPANTS),
    orphans: oneOf(['skip', 'hold'] as const, options.orphans ?? 'skip', 'orphans'),
    deadConsumers: oneOf(
      ['hold', 'detach'] as const,
      options.deadConsumers ?? 'hold',
      'deadConsumers',
    ),
    producers: oneOf(['multi', 'single'] as const, options.producers ?? 'multi', 'producers'),
    mode: integer(options.mode ?? DEFAULT_MODE, 'mode', 0, 0o777),
  };
}
