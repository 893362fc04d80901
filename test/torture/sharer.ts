// A producer or one of the consumers who share the messages, and who is to be killed: a process or a
// worker thread.
import { setTimeout as sleep } from 'node:timers/promises';

import { random } from '../compat/random.js';
import { Deliveries } from './deliveries.js';
import { Entry, Ledger } from './ledger.js';
import { open } from './outlets.js';
import type { Manner } from './outlets.js';
import { read, write } from './parcel.js';
import { Phase } from './phase.js';
import { begin, told } from './slot.js';

/** What a sharer is told. */
export interface Sharing {
  name: string;
  manner: Manner;
  ledger: string;
  deliveries: string;
  consumes: boolean;
  incarnation: number;
  seed: number;
}

const part = told() as Sharing;
const { incarnation } = part;
const below = random(part.seed);
const ledger = new Ledger(part.ledger);
const outlet = open(part.name, part.manner, below);

const phase = (): number => ledger.read(0, Entry.Phase);

async function produce(): Promise<void> {
  let number = 0;
  let dropped = 0;
  const next = (into: Buffer) => write(into, { sender: incarnation, number: (number += 1) });
  while (phase() === (Phase.Run as number)) {
    for (let burst = 1 + below(100); burst > 0; burst -= 1) {
      const before = number;
      const { sent, dropped: more } = await outlet.send(next);
      if (number !== before + sent) throw new Error(`Sent ${sent} messages instead of others`);
      dropped += more;
      if (more > 0) ledger.write(incarnation, Entry.Dropped, dropped);
      ledger.write(incarnation, Entry.Committed, number);
    }
    if (below(3) > 0) await sleep(below(4));
  }
}

async function consume(): Promise<void> {
  const deliveries = new Deliveries(part.deliveries);
  for (;;) {
    const last = phase() === (Phase.Drain as number);
    const taken = await outlet.take();
    if (taken.length > 0) {
      const noted = taken.map(({ data, redelivered }) => {
        return { ...read(data), redelivered, incarnation };
      });
      deliveries.write(noted);
      if (below(20) === 0) await sleep(below(5));
      for (const { end } of below(2) === 0 ? taken : taken.reverse()) end();
    } else if (last) {
      break;
    }
    if (below(50) === 0) await sleep(below(3));
  }
  deliveries.close();
}

const end = begin();
await (part.consumes ? consume() : produce());
outlet.close();
ledger.close();
end();
