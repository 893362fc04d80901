// Calls and answers over two rings, one for each direction.
import { ringName } from '../harness/place.js';

const ELEMENTS = 1024;
const ELEMENT_SIZE = 4;

function send(d, value, fail, done) {
  d.produceClaim((claimError, buf) => {
    if (claimError) {
      fail(claimError);
      return;
    }
    buf.writeUInt32LE(value, 0);
    d.produceCommit((error) => {
      if (error) fail(error);
      else done();
    });
  });
}

export function ringLinks({ Disruptor }) {
  const ring = (place, direction, consumer, init) =>
    new Disruptor(ringName(place, direction), ELEMENTS, ELEMENT_SIZE, 1, consumer, init, true);
  const answerer = (place) => [ring(place, 'calls', 0, true), ring(place, 'answers', -1, true)];
  const caller = (place) => [ring(place, 'calls', -1, false), ring(place, 'answers', 0, false)];

  // Consuming commits what was consumed before, so that nobody commits by hand.
  return {
    sync: {
      answer(place) {
        const [calls, answers] = answerer(place);
        return (count) => {
          for (let i = 0; i < count; i += 1) {
            const [call] = calls.consumeNewSync();
            answers.produceClaimSync().writeUInt32LE(call.readUInt32LE(0), 0);
            answers.produceCommitSync();
          }
        };
      },
      call(place) {
        const [calls, answers] = caller(place);
        return (value) => {
          calls.produceClaimSync().writeUInt32LE(value, 0);
          calls.produceCommitSync();
          const [answer] = answers.consumeNewSync();
          return answer.readUInt32LE(0);
        };
      },
    },
    await: {
      answer(place) {
        const [calls, answers] = answerer(place);
        return async (count) => {
          for (let i = 0; i < count; i += 1) {
            const { bufs } = await calls.consumeNew();
            const { buf } = await answers.produceClaim();
            buf.writeUInt32LE(bufs[0].readUInt32LE(0), 0);
            await answers.produceCommit();
          }
        };
      },
      call(place) {
        const [calls, answers] = caller(place);
        return async (value) => {
          const { buf } = await calls.produceClaim();
          buf.writeUInt32LE(value, 0);
          await calls.produceCommit();
          const { bufs } = await answers.consumeNew();
          return bufs[0].readUInt32LE(0);
        };
      },
    },
    callback: {
      answer(place) {
        const [calls, answers] = answerer(place);
        return (count) =>
          new Promise((resolve, reject) => {
            const serve = (left) => {
              if (left === 0) {
                resolve();
                return;
              }
              calls.consumeNew((error, bufs) => {
                if (error) reject(error);
                else send(answers, bufs[0].readUInt32LE(0), reject, () => serve(left - 1));
              });
            };
            serve(count);
          });
      },
      call(place) {
        const [calls, answers] = caller(place);
        return (value) =>
          new Promise((resolve, reject) => {
            send(calls, value, reject, () => {
              answers.consumeNew((error, bufs) => {
                if (error) reject(error);
                else resolve(bufs[0].readUInt32LE(0));
              });
            });
          });
      },
    },
  };
}
