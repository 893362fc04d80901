// ZeroMQ's pipeline over ipc, from each sender to its receiver.
import { Pull, Push } from 'zeromq';

import { socketPath } from '../harness/place.js';

const address = (place, index) => `ipc://${socketPath(place, index)}`;

export const messages = {
  sender({ place, index }) {
    const socket = new Push();
    socket.connect(address(place, index));
    return async (message, count) => {
      for (let i = 0; i < count; i += 1) await socket.send(message);
    };
  },
  async receiver({ place, index, size, crowd, messages: count }) {
    const socket = new Pull();
    await socket.bind(address(place, index));
    return async () => {
      let received = 0;
      while (received < count / crowd) {
        const [message] = await socket.receive();
        if (message.length !== size) throw new Error(`a message of ${message.length} bytes`);
        received += 1;
      }
      return received;
    };
  },
};
