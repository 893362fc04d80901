// A process that has nothing but a stream, which it destroys when it is given data, and then another
// one on the same object, which ends when it is given data.
import { Disruptor, DisruptorReadStream } from 'shm-disruptor';

const ring = new Disruptor({ name: process.argv[2]!, consumer: 0, shared: true });
const first = new DisruptorReadStream(ring);
first.on('data', () => {
  first.destroy();
});
first.once('close', () => {
  const second = new DisruptorReadStream(ring);
  second.once('data', () => {
    process.stdout.write('delivered\n');
    second.destroy();
  });
  process.stdout.write('waiting\n');
});
