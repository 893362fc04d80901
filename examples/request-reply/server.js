// Answers whatever comes, to wherever that says.
import { Queue } from 'shm-disruptor';

import { answer, whenTold } from '../processes.js';

const [name, server] = process.argv.slice(2);
const requests = Queue.open(name, { encoding: 'json' });
const signal = whenTold();
const clients = new Map();

function queueOf(client) {
  if (!clients.has(client)) clients.set(client, Queue.open(client, { encoding: 'json' }));
  return clients.get(client);
}

function add(numbers) {
  if (!numbers.every(Number.isFinite)) return { error: 'these are no numbers' };
  return { sum: numbers.reduce((total, number) => total + number, 0) };
}

answer('ready');

try {
  for (;;) {
    const { id, numbers, replyTo } = await requests.dequeue({ signal });
    await queueOf(replyTo).enqueue({ id, server: Number(server), ...add(numbers) });
  }
} catch (error) {
  if (error.name !== 'AbortError') throw error;
}
requests.close();
