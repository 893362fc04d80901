// Datagrams over the loopback interface, one to each subscriber: who is too slow loses, and is not told.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { socketPath } from '../harness/place.js';

const HOST = '127.0.0.1';
const IN_FLIGHT = 64;
const ENDS = 20;
const BUFFER_BYTES = 4 << 20;
const END = Buffer.alloc(0);

/** Bound to a port of its own, which a file of the place tells. */
async function bound(place, which) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES });
  socket.bind(0, HOST);
  await once(socket, 'listening');
  writeFileSync(socketPath(place, which), String(socket.address().port));
  return socket;
}

const portOf = (place, which) => Number(readFileSync(socketPath(place, which), 'utf8'));

export const news = {
  async publisher({ place, crowd }) {
    const socket = createSocket('udp4');
    const ports = Array.from({ length: crowd }, (_, index) => portOf(place, `udp-${index}`));
    const send = (message) =>
      Promise.all(
        ports.map(
          (port) =>
            new Promise((resolve, reject) => {
              socket.send(message, port, HOST, (error) => (error ? reject(error) : resolve()));
            }),
        ),
      );
    return {
      async publish(message, count) {
        for (let left = count; left > 0; left -= IN_FLIGHT) {
          const sent = [];
          for (let i = 0; i < Math.min(IN_FLIGHT, left); i += 1) sent.push(send(message));
          await Promise.all(sent);
        }
      },
      async end() {
        // Some may not arrive.
        for (let i = 0; i < ENDS; i += 1) {
          await sleep(20);
          await send(END);
        }
        socket.close();
      },
    };
  },
  async subscriber({ place, index }) {
    const socket = await bound(place, `udp-${index}`);
    return () =>
      new Promise((resolve) => {
        let received = 0;
        socket.on('message', (message) => {
          if (message.length > 0) received += 1;
          else resolve(received);
        });
      });
  },
};

function told(socket, port) {
  const message = Buffer.alloc(8);
  return (value) => {
    message.writeDoubleLE(value);
    // Copied by then: the next is sent when this one was answered.
    socket.send(message, port, HOST);
  };
}

export const links = {
  await: {
    async answer(place) {
      const socket = await bound(place, 'udp-asked');
      return (count) =>
        new Promise((resolve) => {
          let answered = 0;
          socket.on('message', (message, { port }) => {
            socket.send(message, port, HOST);
            answered += 1;
            if (answered === count) resolve();
          });
        });
    },
    async call(place) {
      const socket = await bound(place, 'udp-answered');
      const ask = told(socket, portOf(place, 'udp-asked'));
      return async (value) => {
        const answer = once(socket, 'message');
        ask(value);
        return (await answer)[0].readDoubleLE();
      };
    },
  },
};
