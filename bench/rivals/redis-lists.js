// A list of a redis-server that all share: LPUSH on one side, BRPOP on the other.
import { Redis } from 'ioredis';

import { redisPath } from '../harness/redis.js';

const LIST = 'messages';

async function client(place) {
  const redis = new Redis({ path: redisPath(place), maxRetriesPerRequest: null });
  await redis.ping();
  return redis;
}

/** With so many commands under way at a time. */
export const messagesOver = (depth) => ({
  async sender({ place }) {
    const redis = await client(place);
    return async (message, count) => {
      for (let left = count; left > 0; left -= depth) {
        const pipeline = redis.pipeline();
        for (let i = 0; i < Math.min(depth, left); i += 1) pipeline.lpush(LIST, message);
        const outcomes = await pipeline.exec();
        for (const [error] of outcomes) if (error) throw error;
      }
      redis.disconnect();
    };
  },
  async receiver({ place, size, crowd, messages: count }) {
    const redis = await client(place);
    return async () => {
      let received = 0;
      // Who gets which is not settled, so that each takes its part and no more.
      for (const part = count / crowd; received < part;) {
        const asked = Array.from({ length: Math.min(depth, part - received) }, () =>
          redis.brpopBuffer(LIST, 0),
        );
        for (const [, message] of await Promise.all(asked)) {
          if (message.length !== size) throw new Error(`a message of ${message.length} bytes`);
        }
        received += asked.length;
      }
      redis.disconnect();
      return received;
    };
  },
});
