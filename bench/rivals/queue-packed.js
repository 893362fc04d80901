// Messages over one queue that all share, a hundred at a time.
import { Queue } from 'shm-disruptor';

import { ringName } from '../harness/place.js';

const CAPACITY = 4 << 20;
const AT_A_TIME = 100;

export const messages = {
  sender({ place, size }) {
    const queue = Queue.open(ringName(place));
    const bytes = Buffer.alloc(AT_A_TIME * size);
    const lengths = new Uint32Array(AT_A_TIME).fill(size);
    return (message, count) => {
      for (let sent = 0; sent < count;) {
        const some = Math.min(AT_A_TIME, count - sent);
        for (let i = 0; i < some; i += 1) bytes.set(message, i * size);
        queue.enqueuePackedSync(bytes, some < AT_A_TIME ? lengths.subarray(0, some) : lengths);
        sent += some;
      }
    };
  },
  receiver({ place, index, size, crowd, messages: count }) {
    const name = ringName(place);
    const queue = index === 0 ? Queue.create(name, { capacity: CAPACITY }) : Queue.open(name);
    const target = Buffer.alloc(AT_A_TIME * size);
    const lengths = new Uint32Array(AT_A_TIME);
    return () => {
      let received = 0;
      for (const part = count / crowd; received < part;) {
        const most = part - received < AT_A_TIME ? lengths.subarray(0, part - received) : lengths;
        const some = queue.dequeuePackedSync(target, most);
        for (let i = 0; i < some; i += 1) {
          if (lengths[i] !== size) throw new Error(`a message of ${lengths[i]} bytes`);
        }
        received += some;
      }
      return received;
    };
  },
};
