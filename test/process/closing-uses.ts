// Segments of each kind, and what may still use their memory when they are closed.
import { randomFill } from 'node:crypto';
import { createReadStream, closeSync, openSync, rmSync, write } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  brotliCompress,
  brotliDecompress,
  constants,
  createGzip,
  deflate,
  gunzip,
  inflate,
} from 'node:zlib';
import { once } from 'node:events';

import { Broadcast, Queue, SharedMemory, Ring } from 'shm-disruptor';

export const KINDS = ['ring', 'queue', 'broadcast', 'memory'] as const;
export type Kind = (typeof KINDS)[number];

const SIZE = 2 << 20;
export const OWN = 0xab;
const FOREIGN = 0x5a;

export interface Open {
  view: Buffer;
  close: () => void;
}

export function open(kind: Kind, fill: number): Open {
  if (kind === 'queue') {
    const queue = Queue.create({ capacity: 2 * SIZE });
    Queue.unlink(queue.name);
    queue.enqueueSync(Buffer.alloc(SIZE, fill));
    return {
      view: queue.tryReceive()!.data,
      close: () => {
        queue.close();
      },
    };
  }
  if (kind === 'memory') {
    const memory = SharedMemory.create(SIZE);
    memory.unlink();
    return {
      view: Buffer.from(memory.buffer).fill(fill),
      close: () => {
        memory.close();
      },
    };
  }
  if (kind === 'broadcast') {
    const broadcast = Broadcast.create({ elements: 2, elementSize: SIZE });
    Broadcast.unlink(broadcast.name);
    return {
      view: broadcast.claim().view.fill(fill),
      close: () => {
        broadcast.close();
      },
    };
  }
  const ring = Ring.create({ elements: 1, elementSize: SIZE });
  const producer = ring.producer();
  Ring.unlink(ring.name);
  return {
    view: producer.claimSync().bufs[0]!.fill(fill),
    close: () => {
      producer.close();
      ring.close();
    },
  };
}

/** Other segments, where the addresses of the closed one could be. */
export function others(): Open[] {
  return KINDS.map((kind) => open(kind, FOREIGN));
}

function check(bytes: Buffer): void {
  if (bytes.length !== SIZE) throw new Error(`${bytes.length} bytes instead of ${SIZE}`);
  const wrong = bytes.findIndex((byte) => byte !== OWN && byte !== 0);
  if (wrong >= 0) throw new Error(`byte ${wrong} is ${bytes[wrong]}`);
}

type Packing = (input: Buffer, done: (error: Error | null, result: Buffer) => void) => void;

/** Begins to use the view; what it gives checks the outcome. */
type Use = (view: Buffer) => Promise<() => Promise<void>>;

const packed = (pack: Packing, unpack: Packing): Use => {
  return (view) => {
    const promise = (by: Packing, input: Buffer) =>
      new Promise<Buffer>((resolve, reject) => {
        by(input, (error, result) => {
          if (error) reject(error);
          else resolve(result);
        });
      });
    // Several, so that one still has to begin when the others are done.
    const all = Array.from({ length: 6 }, () => promise(pack, view));
    return Promise.resolve(async () => {
      for (const each of await Promise.all(all)) check(await promise(unpack, each));
    });
  };
};

const unpackedAs = async (stream: Readable) => Buffer.concat(await stream.toArray());

const quickBrotli: Packing = (input, done) => {
  brotliCompress(input, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }, done);
};

export const USES: Record<string, Use> = {
  deflate: packed(deflate, inflate),
  brotli: packed(quickBrotli, brotliDecompress),
  gzip: (view) => {
    const gzip = createGzip({ level: 0 });
    gzip.end(view);
    return Promise.resolve(async () => {
      const bytes = await unpackedAs(gzip);
      check(
        await new Promise<Buffer>((resolve) => {
          gunzip(bytes, (_, result) => {
            resolve(result);
          });
        }),
      );
    });
  },
  'random numbers': (view) => {
    const all = Array.from(
      { length: 6 },
      () =>
        new Promise<void>((resolve) => {
          randomFill(view, () => {
            resolve();
          });
        }),
    );
    // They are written to where nobody else reads.
    return Promise.resolve(async () => {
      await Promise.all(all);
    });
  },
  file: (view) => {
    const path = join(tmpdir(), `shm-disruptor-closing-${process.pid}-${Math.random()}`);
    const file = openSync(path, 'w');
    const written = new Promise<void>((resolve, reject) => {
      write(file, view, (error, count) => {
        if (error) reject(error);
        else if (count < SIZE) reject(new Error(`${count} bytes were written`));
        else resolve();
      });
    });
    return Promise.resolve(async () => {
      await written.finally(() => {
        closeSync(file);
      });
      check(await unpackedAs(createReadStream(path)));
      rmSync(path);
    });
  },
  socket: async (view) => {
    const path = join(tmpdir(), `shm-disruptor-closing-${process.pid}-${Math.random()}.sock`);
    const server = createServer({ pauseOnConnect: true }).listen(path);
    await once(server, 'listening');
    const socket = createConnection(path);
    const [peer] = (await once(server, 'connection')) as [Readable];
    socket.end(view);
    // The kernel has taken some of it, and the rest waits for the peer.
    await new Promise((resolve) => setImmediate(resolve));
    return async () => {
      const bytes = unpackedAs(peer);
      server.close();
      check(await bytes);
    };
  },
};
