// Node streams over a ring of bytes.
import { ringName } from '../harness/place.js';

export function ringStreams({ Disruptor, DisruptorReadStream, DisruptorWriteStream }) {
  const ring = (place, size, init) => new Disruptor(ringName(place), size, 1, 1, 0, init, false);
  return {
    reader(place, size) {
      const stream = new DisruptorReadStream(ring(place, size, true));
      return () => stream;
    },
    writer(place, size) {
      return new DisruptorWriteStream(ring(place, size, false));
    },
  };
}
