// A bridge of one machine: its ring for what goes out to a stream, or a stream to its ring for what
// comes in.
import { Ring } from 'shm-disruptor';
import { Bridge, natsSource, natsTarget, ringSource, ringTarget } from 'shm-disruptor/bridge';

import { answer, whenTold } from '../processes.js';

const [way, name, stream, servers] = process.argv.slice(2);

const ring = Ring.open(name, { encoding: 'json' });
const ends =
  way === 'out'
    ? {
        from: ringSource(ring.consumer('bridge')),
        to: natsTarget({ servers, stream, subject: stream }),
      }
    : {
        from: natsSource({ servers, stream, durable: 'desk' }),
        to: ringTarget(ring.producer()),
      };

// The other machine's bridge makes the stream. Until then this one tries again and says nothing, for
// some minutes. By default a stream that is missing ends a bridge within a second.
const onDisconnect = () => {};
const backoff = { least: 20, most: 1000 };
const bridge = new Bridge({ ...ends, onDisconnect, backoff, maxRefusals: 300 });
answer('running');
whenTold().addEventListener('abort', () => void bridge.stop().then(() => process.exit()));
await bridge.done;
