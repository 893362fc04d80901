// A process that has nothing but a stream, which it destroys as soon as that waits. Its arguments: a ring
// of 16 bytes, and which stream.
import { Disruptor, DisruptorReadStream, DisruptorWriteStream } from 'shm-disruptor';

import { asleep } from './asleep.js';

const [name, kind] = process.argv.slice(2) as [string, 'read' | 'write'];
const ring = new Disruptor({ name, consumer: 0, shared: true });
if (kind === 'read') {
  const stream = new DisruptorReadStream(ring).resume();
  await asleep(name);
  stream.destroy();
} else {
  const stream = new DisruptorWriteStream(ring);
  stream.on('error', () => undefined);
  // One more than there is room for.
  stream.write(Buffer.alloc(17));
  await asleep(name, 'space');
  stream.destroy();
}
process.stdout.write('destroyed\n');
