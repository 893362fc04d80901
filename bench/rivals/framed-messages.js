// Messages with their length in front over stream sockets, one from each sender to its receiver.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

import { socketPath } from '../harness/place.js';

const PREFIX = 4;

/** Calls `take` with where each message that comes stands, and its length. */
function parse(socket, take) {
  let rest = [];
  let bytes = 0;
  let wanted = PREFIX;
  socket.on('data', (chunk) => {
    rest.push(chunk);
    bytes += chunk.length;
    if (bytes < wanted) return;
    const all = rest.length === 1 ? chunk : Buffer.concat(rest);
    let at = 0;
    for (wanted = PREFIX; all.length - at >= PREFIX; wanted = PREFIX) {
      wanted += all.readUInt32LE(at);
      if (all.length - at < wanted) break;
      take(all, at + PREFIX, wanted - PREFIX);
      at += wanted;
    }
    rest = [all.subarray(at)];
    bytes = all.length - at;
  });
}

/** With so many messages in one write. */
export const messagesOver = (depth) => ({
  async sender({ place, index }) {
    const socket = connect(socketPath(place, index));
    await once(socket, 'connect');
    return async (message, count) => {
      // Once for all, which saves it what others do for each.
      const each = PREFIX + message.length;
      const framed = Buffer.alloc(depth * each);
      for (let at = 0; at < framed.length; at += each) {
        framed.writeUInt32LE(message.length, at);
        framed.set(message, at + PREFIX);
      }
      for (let left = count; left > 0; left -= depth) {
        const bytes = left < depth ? framed.subarray(0, left * each) : framed;
        if (!socket.write(bytes)) await once(socket, 'drain');
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
        parse(socket, (bytes, at, length) => {
          if (length !== size) reject(new Error(`a message of ${length} bytes`));
          received += 1;
          if (received === count / crowd) resolve();
        });
      });
      return received;
    };
  },
});
