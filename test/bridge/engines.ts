// The ends of a bridge at each engine, as the tests use them.
import { natsSource, natsTarget, redisSource, redisTarget } from 'shm-disruptor/bridge';
import type { BridgeSource, BridgeTarget } from 'shm-disruptor/bridge';

import type { Engine } from './servers.js';

/** To a stream of that name. */
export function engineTarget(engine: Engine, url: string, stream: string): BridgeTarget {
  if (engine === 'redis') return redisTarget({ url, key: stream });
  return natsTarget({ servers: url, stream, subject: stream });
}

/** From there. */
export function engineSource(engine: Engine, url: string, stream: string): BridgeSource {
  if (engine === 'redis') return redisSource({ url, key: stream, group: 'back' });
  return natsSource({ servers: url, stream, durable: 'back' });
}
