// Uses one image after the other, and says on its fourth file which one it begins. Arguments: a seed,
// the first image and how many.
import { writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

import { BroadcastUse } from './broadcast-use.js';
import { Image } from './image.js';
import { QueueUse } from './queue-use.js';
import { SegmentFile } from './segment-file.js';
import { Use } from './use.js';

const REPORTS = 3;
const [seed = 0, first = 0, count = 0] = process.argv.slice(2).map(Number);

function fail(error: unknown): never {
  writeSync(REPORTS, `! ${String((error as Error).stack ?? error).replaceAll('\n', ' | ')}\n`);
  process.exit(1);
}

process.on('unhandledRejection', fail);
process.on('uncaughtException', fail);

for (let index = first; index < first + count; index += 1) {
  writeSync(REPORTS, `${index}\n`);
  const image = new Image(seed + index);
  const file = new SegmentFile(`/shm-disruptor-fuzz-${process.pid}-${index}`, image);
  const Kind = image.parameters.kind === 'queue' ? QueueUse : Use;
  try {
    await new Kind(file, image).run();
    if (index % 3 === 0) await new BroadcastUse(`${file.name}-broadcast`, image.below).run();
    // A rejection that nobody handles is told by the end of this turn: it is this image's.
    await turn();
  } catch (error) {
    fail(error);
  } finally {
    file.end();
  }
}
writeSync(REPORTS, 'done\n');
