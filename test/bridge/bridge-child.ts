// A process with one bridge between a ring and an engine: `bridge-child.js DIRECTION ENGINE URL STREAM
// RING`. Says what it has counted every so often.
import { Ring } from 'shm-disruptor';
import { Bridge, ringSource, ringTarget } from 'shm-disruptor/bridge';

import { engineSource, engineTarget } from './engines.js';
import type { Engine } from './servers.js';

const [direction, engine, url, stream, name] = process.argv.slice(2) as [
  'out' | 'back',
  Engine,
  string,
  string,
  string,
];

// Nobody is left to work for.
process.once('disconnect', () => process.exit());

const debug = process.env.BRIDGE_DEBUG !== undefined;
const onDisconnect = (error: Error) => {
  if (debug)
    console.error(`${direction} ${(performance.now() / 1000).toFixed(2)} s: ${error.message}`);
};
const backoff = { least: 20, most: 200 };
const ring = Ring.open(name);
const bridge =
  direction === 'out'
    ? new Bridge({
        from: ringSource(ring.consumer('out')),
        to: engineTarget(engine, url, stream),
        backoff,
        onDisconnect,
      })
    : new Bridge({
        from: engineSource(engine, url, stream),
        to: ringTarget(ring.producer()),
        backoff,
        onDisconnect,
      });

const tell = () => process.send?.(bridge.stats());
tell();
setInterval(tell, 20);
await bridge.done;
