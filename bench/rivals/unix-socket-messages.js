// Messages with their length in front over stream sockets, one from each sender to its receiver.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

import { socketPath } from '../harness/place.js';

const PREFIX = 4;

/** Calls `take` with each message that comes. */
function parse(socket, take) {
  let rest = [];
  let bytes = 0;
  let wanted = PREFIX;
  socket.on('data', (chunk) => {
    rest.push(chunk);
    bytes += chunk.length;
    if (bytes < wanted) return;
    let all = rest.length === 1 ? chunk : Buffer.concat(rest);
    while (all.length >= PREFIX) {
      wanted = PREFIX + all.readUInt32LE(0);
      if (all.length < wanted) break;
      take(all.subarray(PREFIX, wanted));
      all = all.subarray(wanted);
      wanted = PREFIX;
    }
    rest = [all];
    bytes = all.length;
  });
}

export const messages = {
  async sender({ place, index }) {
    const socket = connect(socketPath(place, index));
    await once(socket, 'connect');
    return async (message, count) => {
      const framed = Buffer.alloc(PREFIX + message.length);
      framed.writeUInt32LE(message.length);
      message.copy(framed, PREFIX);
      for (let i = 0; i < count; i += 1) {
        if (!socket.write(framed)) await once(socket, 'drain');
      }
    };
  },
  async receiver({ place, index, size, crowd, messages: count }) {
    const server = createServer();
    const connected = once(server, 'connection');
    server.listen(socketPath(place, index));
    await once(server, 'listening');
    return async () => {
      const [socket] = await connected;
      let received = 0;
      await new Promise((resolve, reject) => {
        socket.once('error', reject);
        parse(socket, (message) => {
          if (message.length !== size) reject(new Error(`a message of ${message.length} bytes`));
          received += 1;
          if (received === count / crowd) resolve();
        });
      });
      return received;
    };
  },
};
