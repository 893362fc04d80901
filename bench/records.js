// What it costs to get the same values into a slot and out of it, as a record and by serializing.
import { deserialize, serialize } from 'node:v8';

import { ascii, defineRecord } from 'shm-disruptor';

import { lessIsBetter } from './harness/chart.js';
import { commandLineOf } from './harness/command-line.js';
import { alternate, summary } from './harness/samples.js';
import { column, costColumns, nameColumn } from './harness/table.js';

const SLOTS = 4096;
const SLOT_SIZE = 256;
const LENGTH_SIZE = 4;

const Tick = defineRecord({
  time: 'f64',
  price: 'f64',
  quantity: 'u32',
  flags: 'u8',
  symbol: ascii(8),
});
const Numbers = defineRecord({ time: 'f64', price: 'f64', quantity: 'u32', flags: 'u8' });

const SYMBOLS = ['ESZ6', 'NQZ6', 'CLF7', 'GCG7'];

// The same memory for all, as a ring has it.
const memory = Buffer.from(new ArrayBuffer(SLOTS * SLOT_SIZE));

/** The values of message `i`. */
const tick = (i) => ({
  time: 1.7e12 + i,
  price: 4000.25 + (i % 64),
  quantity: i,
  flags: i & 0xff,
  symbol: SYMBOLS[i & 3],
});

/** What is added up to see that everything arrived. */
const digest = (value) => value.price + value.quantity + value.flags + value.symbol.length;

function ofCursor() {
  const cursor = Tick.cursor();
  return {
    write(i, start) {
      cursor.moveTo(memory, start);
      cursor.time = 1.7e12 + i;
      cursor.price = 4000.25 + (i % 64);
      cursor.quantity = i;
      cursor.flags = i & 0xff;
      cursor.symbol = SYMBOLS[i & 3];
    },
    read: (start) => digest(cursor.moveTo(memory, start)),
  };
}

function ofNumbers() {
  const cursor = Numbers.cursor();
  return {
    write(i, start) {
      cursor.moveTo(memory, start);
      cursor.time = 1.7e12 + i;
      cursor.price = 4000.25 + (i % 64);
      cursor.quantity = i;
      cursor.flags = i & 0xff;
    },
    read(start) {
      cursor.moveTo(memory, start);
      return cursor.price + cursor.quantity + cursor.flags + 4;
    },
  };
}

function ofObjects() {
  return {
    write: (i, start) => Tick.write(memory, tick(i), start),
    read: (start) => digest(Tick.read(memory, start)),
  };
}

function ofJson() {
  return {
    write(i, start) {
      const length = memory.write(JSON.stringify(tick(i)), start + LENGTH_SIZE);
      memory.writeUInt32LE(length, start);
    },
    read(start) {
      const begin = start + LENGTH_SIZE;
      return digest(JSON.parse(memory.toString('utf8', begin, begin + memory.readUInt32LE(start))));
    },
  };
}

function ofV8() {
  return {
    write(i, start) {
      const bytes = serialize(tick(i));
      memory.set(bytes, start + LENGTH_SIZE);
      memory.writeUInt32LE(bytes.length, start);
    },
    read(start) {
      const begin = start + LENGTH_SIZE;
      return digest(deserialize(memory.subarray(begin, begin + memory.readUInt32LE(start))));
    },
  };
}

const JSON_NAME = 'JSON';
const CONTESTANTS = [
  { name: 'record, numbers only', ...ofNumbers() },
  { name: 'record', ...ofCursor() },
  { name: 'record, from and to objects', ...ofObjects() },
  { name: JSON_NAME, ...ofJson() },
  { name: 'v8.serialize', ...ofV8() },
];

function expectedSum(messages) {
  let sum = 0;
  for (let i = 0; i < messages; i += 1) sum += digest(tick(i));
  return sum;
}

/** Nanoseconds for each message: written and read, a lap of all slots at a time. */
function measure({ write, read }, messages, expected) {
  let sum = 0;
  const begin = performance.now();
  for (let first = 0; first < messages; first += SLOTS) {
    for (let slot = 0; slot < SLOTS; slot += 1) write(first + slot, slot * SLOT_SIZE);
    for (let slot = 0; slot < SLOTS; slot += 1) sum += read(slot * SLOT_SIZE);
  }
  const took = performance.now() - begin;
  if (sum !== expected) throw new Error(`expected a sum of ${expected}, read ${sum}`);
  return (took * 1e6) / messages;
}

async function run({ laps, rounds }) {
  const messages = laps * SLOTS;
  const expected = expectedSum(messages);
  const once = (contestant) => measure(contestant, messages, expected);
  // Once for the compiler.
  for (const contestant of CONTESTANTS) once(contestant);
  const costs = (await alternate(CONTESTANTS, rounds, once)).map(summary);
  const json = costs[CONTESTANTS.findIndex(({ name }) => name === JSON_NAME)];
  return CONTESTANTS.map(({ name }, i) => ({
    name,
    cost: costs[i],
    timesJson: json.median / costs[i].median,
  }));
}

export const scenario = {
  name: 'records',
  about: 'a message of five fields written into a slot and read from it, in one process',
  sizes: {
    short: { laps: 25, rounds: 5 },
    long: { laps: 250, rounds: 15 },
  },
  columns: [
    nameColumn,
    ...costColumns('message'),
    column('x JSON', ({ timesJson }) => timesJson, 2),
  ],
  chart: lessIsBetter('ns per message', ({ cost }) => cost.median),
  run,
};

await commandLineOf(import.meta.url, scenario);
