// Messages to everybody over one broadcast; questions and answers over two.
import { Broadcast } from 'shm-disruptor';

import { ringName } from '../harness/place.js';

const ELEMENTS = 8192;
const END = Buffer.alloc(0);

export const news = {
  async publisher({ place }) {
    const broadcast = Broadcast.open(ringName(place));
    return {
      publish(message, count) {
        for (let i = 0; i < count; i += 1) broadcast.publish(message);
      },
      end() {
        broadcast.publish(END);
      },
    };
  },
  async subscriber({ place, index, size }) {
    const name = ringName(place);
    if (index === 0) Broadcast.create(name, { elements: ELEMENTS, elementSize: size }).close();
    const subscription = Broadcast.open(name).subscribe();
    const target = Buffer.alloc(size);
    return () => {
      let received = 0;
      for (;;) {
        const landed = subscription.tryReceive(target) ?? waited(subscription);
        if (landed.length === 0) return received;
        received += 1;
      }
    };
  },
};

function waited(subscription) {
  const { length } = subscription.receiveSync().data;
  return { length };
}

const BYTES = 8;

function made(place, which, wait) {
  const options = { elements: 64, elementSize: BYTES, wait };
  return Broadcast.create(ringName(place, which), options);
}

function told(broadcast) {
  const message = Buffer.alloc(BYTES);
  return (value) => {
    message.writeDoubleLE(value);
    broadcast.publish(message);
  };
}

const valueOf = ({ data }) => data.readDoubleLE();

/** Over `receiveSync` or `receive`. */
const link = (wait, receive) => ({
  answer(place) {
    const asked = made(place, 'asked', wait).subscribe();
    const answer = told(made(place, 'answered', wait));
    return async (count) => {
      for (let i = 0; i < count; i += 1) answer(valueOf(await receive(asked)));
    };
  },
  call(place) {
    const answered = Broadcast.open(ringName(place, 'answered'), { wait }).subscribe();
    const ask = told(Broadcast.open(ringName(place, 'asked'), { wait }));
    return async (value) => {
      ask(value);
      return valueOf(await receive(answered));
    };
  },
});

export const links = {
  sync: link('busy-spin', (subscription) => subscription.receiveSync()),
  await: link('adaptive', (subscription) => subscription.receive()),
};
