// A stream socket in the file system: what one uses without shared memory.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

import { socketPath } from '../harness/place.js';

const VALUE_SIZE = 4;

// Resolves to a function that waits for the one connection.
async function listen(place) {
  const server = createServer();
  const connection = once(server, 'connection');
  server.listen(socketPath(place));
  await once(server, 'listening');
  return async () => {
    const [socket] = await connection;
    return socket;
  };
}

async function connected(place) {
  const socket = connect(socketPath(place));
  await once(socket, 'connect');
  return socket;
}

// Only one call is ever under way, so that a value comes alone and whole.
function onlyValue(chunk) {
  if (chunk.length !== VALUE_SIZE) throw new Error(`expected one value, got ${chunk.length} bytes`);
  return chunk.readUInt32LE(0);
}

function send(socket, value) {
  const chunk = Buffer.allocUnsafe(VALUE_SIZE);
  chunk.writeUInt32LE(value, 0);
  socket.write(chunk);
}

export const links = {
  await: {
    async answer(place) {
      const accept = await listen(place);
      return async (count) => {
        const socket = await accept();
        let answered = 0;
        await new Promise((resolve, reject) => {
          socket.once('error', reject);
          socket.on('data', (chunk) => {
            send(socket, onlyValue(chunk));
            answered += 1;
            if (answered === count) resolve();
          });
        });
      };
    },
    async call(place) {
      const socket = await connected(place);
      let take;
      socket.on('data', (chunk) => take(onlyValue(chunk)));
      return (value) => {
        send(socket, value);
        return new Promise((resolve) => {
          take = resolve;
        });
      };
    },
  },
};

export const streams = { reader: listen, writer: connected };
