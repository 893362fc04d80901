// Node's BroadcastChannel between worker threads of one process.
import { BroadcastChannel } from 'node:worker_threads';

const TURN = 100;

export const news = {
  async publisher({ place }) {
    const channel = new BroadcastChannel(place);
    return {
      async publish(message, count) {
        for (let i = 1; i <= count; i += 1) {
          channel.postMessage(message);
          if (i % TURN === 0) await new Promise(setImmediate);
        }
      },
      end() {
        channel.postMessage('');
        channel.close();
      },
    };
  },
  async subscriber({ place }) {
    const channel = new BroadcastChannel(place);
    return () =>
      new Promise((resolve) => {
        let received = 0;
        channel.onmessage = ({ data }) => {
          if (data.length > 0) {
            received += 1;
            return;
          }
          channel.close();
          resolve(received);
        };
      });
  },
};

export const links = {
  await: {
    answer(place) {
      const [asked, answered] = ['asked', 'answered'].map(
        (which) => new BroadcastChannel(`${place}-${which}`),
      );
      return async (count) => {
        let done = 0;
        await new Promise((resolve) => {
          asked.onmessage = ({ data }) => {
            answered.postMessage(data);
            done += 1;
            if (done === count) resolve();
          };
        });
        asked.close();
      };
    },
    call(place) {
      const [asked, answered] = ['asked', 'answered'].map(
        (which) => new BroadcastChannel(`${place}-${which}`),
      );
      return (value) =>
        new Promise((resolve) => {
          answered.onmessage = ({ data }) => resolve(data);
          asked.postMessage(value);
        });
    },
  },
};
