// What is going on in a worker or a process when it is ended: see teardown.test.ts.
import { Disruptor, DisruptorReadStream, DisruptorWriteStream } from 'shm-disruptor';

/** What there is to do, on which ring. */
export interface Work {
  name: string;
  kind: 'waits' | 'loop' | 'streams';
}

/** Begins the work, which never ends by itself; returns what takes part in it. */
export function begin({ name, kind }: Work): Disruptor[] {
  const attach = (spin: boolean) => new Disruptor({ name, consumer: 0, shared: true, spin });
  if (kind === 'waits') {
    // For data, for room, and for a commit to become visible: somebody has claimed the elements 0
    // to 2, of 8, and commits 0 and 1 late or never.
    const rings = [attach(true), attach(true)];
    for (const ring of rings) {
      void ring.consumeNew().catch(() => undefined);
      ring.produceClaimMany(8, () => undefined);
    }
    void rings[0]!.produceCommit(2, 2).catch(() => undefined);
    return rings;
  }
  if (kind === 'loop') {
    const ring = attach(true);
    void (async () => {
      for await (const { bufs } of ring) Buffer.concat(bufs).fill(0);
    })();
    return [ring];
  }
  const rings = [attach(false), attach(false)];
  new DisruptorReadStream(rings[0]!).resume();
  const writes = new DisruptorWriteStream(rings[1]!);
  const more = () => {
    while (writes.write(Buffer.alloc(100)));
  };
  writes.on('drain', more);
  more();
  return rings;
}
