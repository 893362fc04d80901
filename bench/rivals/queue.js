// Messages over one queue that all share.
import { Queue } from 'shm-disruptor';

import { ringName } from '../harness/place.js';

const CAPACITY = 4 << 20;

export const messages = {
  sender({ place }) {
    const queue = Queue.open(ringName(place));
    return (message, count) => {
      for (let i = 0; i < count; i += 1) queue.enqueueSync(message);
    };
  },
  receiver({ place, index, size, crowd, messages: count }) {
    const name = ringName(place);
    const queue = index === 0 ? Queue.create(name, { capacity: CAPACITY }) : Queue.open(name);
    const target = Buffer.alloc(size);
    return () => {
      let received = 0;
      // Who gets which is not settled, so that each takes its part and no more.
      for (const part = count / crowd; received < part;) {
        queue.dequeueSync(target);
        received += 1;
      }
      return received;
    };
  },
};
