// Questions go through one queue to whichever server is free, and answers come back through another,
// which belongs to the client that asked.
import { Queue } from 'shm-disruptor';

import { Child, removeAtEnd } from '../processes.js';

const SERVERS = 2;
const REQUESTS = 2000;
const AT_A_TIME = 16;
const name = process.argv[2] ?? `/shm-disruptor-request-reply-${process.pid}`;

const json = { capacity: 65_536, encoding: 'json' };
const requests = Queue.create(name, json);
removeAtEnd(requests);
const replies = Queue.create(`${name}-replies`, json);
removeAtEnd(replies);

const script = new URL('./server.js', import.meta.url);
const servers = Array.from({ length: SERVERS }, (_, id) => new Child(script, name, id));
await Promise.all(servers.map((server) => server.answer())); // they are ready

// Replies come in any order: each says what it is the answer to.
const waiting = new Map();
const served = servers.map(() => 0);
async function dispatch() {
  for (let count = 0; count < REQUESTS; count += 1) {
    const { id, sum, error, server } = await replies.dequeue();
    served[server] += 1;
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(sum);
  }
}
const dispatched = dispatch();

let ids = 0;
/** As if it were a function here. */
async function ask(numbers) {
  const id = (ids += 1);
  const reply = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  await requests.enqueue({ id, numbers, replyTo: replies.name });
  return reply;
}

let right = 0;
let refused = 0;
async function client() {
  while (ids < REQUESTS) {
    const number = ids;
    const numbers = number % 10 === 9 ? ['nonsense'] : [number, 1, 2];
    try {
      if ((await ask(numbers)) === number + 3) right += 1;
    } catch {
      refused += 1;
    }
  }
}
await Promise.all(Array.from({ length: AT_A_TIME }, client));
await dispatched;

for (const server of servers) server.tell('stop');
for (const server of servers) await server.ended();
console.log(`${REQUESTS} requests: ${right} answered, ${refused} refused, ${waiting.size} open`);
console.log(`every server had some: ${served.every((count) => count > 0)}`);
if (right + refused !== REQUESTS) process.exitCode = 1;
