// PUBLISH and SUBSCRIBE of a redis-server, over a unix socket on this machine.
import { once } from 'node:events';

import { Redis } from 'ioredis';

import { redisPath } from '../harness/redis.js';

const CHANNEL = 'news';
const DEPTH = 100;
const END = Buffer.alloc(0);

async function client(place) {
  const redis = new Redis({ path: redisPath(place), maxRetriesPerRequest: null });
  await redis.ping();
  return redis;
}

export const news = {
  async publisher({ place }) {
    const redis = await client(place);
    // It would cut off who is slower than the publisher.
    await redis.config('SET', 'client-output-buffer-limit', 'pubsub 0 0 0');
    return {
      async publish(message, count) {
        for (let left = count; left > 0; left -= DEPTH) {
          const pipeline = redis.pipeline();
          for (let i = 0; i < Math.min(DEPTH, left); i += 1) pipeline.publish(CHANNEL, message);
          for (const [error] of await pipeline.exec()) if (error) throw error;
        }
      },
      async end() {
        await redis.publish(CHANNEL, END);
        redis.disconnect();
      },
    };
  },
  async subscriber({ place }) {
    const redis = await client(place);
    await redis.subscribe(CHANNEL);
    return () =>
      new Promise((resolve) => {
        let received = 0;
        redis.on('messageBuffer', (_channel, message) => {
          if (message.length > 0) received += 1;
          else resolve(received);
        });
      });
  },
};

const channels = { asked: 'asked', answered: 'answered' };

async function ends(place, listens, tells) {
  const [subscriber, publisher] = [await client(place), await client(place)];
  await subscriber.subscribe(listens);
  return { subscriber, tell: (value) => publisher.publish(tells, String(value)) };
}

export const links = {
  await: {
    async answer(place) {
      const { subscriber, tell } = await ends(place, channels.asked, channels.answered);
      return async (count) => {
        let answered = 0;
        await new Promise((resolve) => {
          subscriber.on('message', (_channel, value) => {
            void tell(value);
            answered += 1;
            if (answered === count) resolve();
          });
        });
      };
    },
    async call(place) {
      const { subscriber, tell } = await ends(place, channels.answered, channels.asked);
      return async (value) => {
        const answer = once(subscriber, 'message');
        void tell(value);
        return Number((await answer)[1]);
      };
    },
  },
};
