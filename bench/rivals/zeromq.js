// ZeroMQ over a unix socket of its own.
import { Pair } from 'zeromq';

import { socketPath } from '../harness/place.js';

const address = (place) => `ipc://${socketPath(place)}`;

export const links = {
  await: {
    async answer(place) {
      const socket = new Pair();
      await socket.bind(address(place));
      return async (count) => {
        for (let i = 0; i < count; i += 1) {
          const [call] = await socket.receive();
          await socket.send(call);
        }
      };
    },
    call(place) {
      const socket = new Pair();
      socket.connect(address(place));
      return async (value) => {
        const call = Buffer.allocUnsafe(4);
        call.writeUInt32LE(value);
        await socket.send(call);
        const [answer] = await socket.receive();
        return answer.readUInt32LE();
      };
    },
  },
};
