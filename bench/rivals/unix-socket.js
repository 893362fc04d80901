// A stream socket in the file system: what one uses without shared memory.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

import { socketPath } from '../harness/place.js';
import { answerFrom, askThrough } from './byte-links.js';

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

export const links = {
  await: {
    async answer(place) {
      const accept = await listen(place);
      return async (count) => answerFrom(await accept(), count);
    },
    async call(place) {
      const socket = await connected(place);
      return askThrough(socket, socket);
    },
  },
};

export const streams = { reader: listen, writer: connected };
