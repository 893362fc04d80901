import { once } from 'node:events';
import { connect } from 'node:net';
import { socketPath } from '../harness/place.js';
import { messages as one } from './unix-socket-messages.js';
const AT = 100;
export const messages = {
  async sender({ place, index }) {
    const socket = connect(socketPath(place, index));
    await once(socket, 'connect');
    return async (message, count) => {
      for (let i = 0; i < count; i += AT) {
        const framed = Buffer.allocUnsafe((4 + message.length) * AT);
        let at = 0;
        for (let j = 0; j < AT; j++) {
          framed.writeUInt32LE(message.length, at);
          framed.set(message, at + 4);
          at += 4 + message.length;
        }
        if (!socket.write(framed)) await once(socket, 'drain');
      }
    };
  },
  receiver: one.receiver,
};
