// Two "machines" on one: a desk here and a desk there, each with a ring of its own, joined by
// nats-server. Orders go over, fills come back; one of the bridges is killed on the way.
import { Ring } from 'shm-disruptor';
import { checkpointName } from 'shm-disruptor/bridge';

import { programOf, Server } from '../../scripts/engines.js';
import { Child, removeAtEnd } from '../processes.js';

const ORDERS = 20_000;
const prefix = process.argv[2] ?? `/shm-disruptor-two-machines-${process.pid}`;

if (programOf('nats') === undefined) {
  console.error('Install nats-server first, for example: apt-get install nats-server');
  process.exit(1);
}
const { url } = await Server.start('nats');

// Each machine has a ring for what goes out and one for what comes in.
const ring = (machine, way, consumer) => {
  const options = { elements: 4096, elementSize: 64, encoding: 'json' };
  const made = Ring.create(`${prefix}-${machine}-${way}`, {
    ...options,
    consumers: { [consumer]: {} },
  });
  removeAtEnd(made);
  if (way === 'in') removeAtEnd({ name: checkpointName(made.name, 'bridge') });
  return made;
};
const here = { out: ring('here', 'out', 'bridge'), in: ring('here', 'in', 'desk') };
ring('there', 'in', 'desk');
ring('there', 'out', 'bridge');

const script = (file) => new URL(file, import.meta.url);
const bridge = (machine, way, stream) =>
  new Child(script('./bridge.js'), way, `${prefix}-${machine}-${way}`, stream, url);
const bridges = {
  ordersOut: bridge('here', 'out', 'orders'),
  ordersIn: bridge('there', 'in', 'orders'),
  fillsOut: bridge('there', 'out', 'fills'),
  fillsIn: bridge('here', 'in', 'fills'),
};
await Promise.all(Object.values(bridges).map((each) => each.answer())); // they are running
const desk = new Child(script('./desk.js'), `${prefix}-there`);
await desk.answer();

const sent = here.out
  .producer()
  .publishMany(Array.from({ length: ORDERS }, (_, number) => ({ number, quantity: number % 7 })));

let filled = 0;
let wrong = 0;
let killed;
for await (const batch of here.in.consumer('desk')) {
  for (const fill of batch) {
    if (fill.number !== filled || fill.filled !== filled % 7) wrong += 1;
    filled += 1;
  }
  if (filled >= ORDERS / 2 && !killed) {
    killed = await bridges.ordersIn.kill();
    bridges.ordersIn = bridge('there', 'in', 'orders');
  }
  if (filled === ORDERS) break;
}
await sent;

console.log(`a bridge ended by ${killed}, half way`);
console.log(`${filled} of ${ORDERS} orders filled, ${wrong} wrong or out of order`);
for (const each of Object.values(bridges)) each.tell('stop');
for (const each of Object.values(bridges)) await each.ended();
desk.tell('stop');
await desk.ended();
if (wrong > 0) process.exitCode = 1;
