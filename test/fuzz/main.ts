// Damaged segments through the public interface: no crash, no hang, no error that is not typed.
//
//   npm run test:fuzz -- --images 2000 --seed 1
//   npm run test:fuzz -- --images 1 --seed 1 --first 1234     one image again
//
// The images are used in child processes, many by each, so that a crash or a hang of one is seen and
// told with what it was made from, and the others go on.
import { spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Image } from './image.js';

const IMAGES_PER_CHILD = 500;
/** How long one image may take. Usually it is about ten milliseconds. */
const PATIENCE_MILLISECONDS = 20_000;
const MAX_FAILURES = 10;

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '2' },
  },
});
const seed = Number(values.seed);
const end = Number(values.first) + Number(values.images);
const child = fileURLToPath(new URL('child.js', import.meta.url));

let failures = 0;

function tell(index: number, what: string): void {
  failures += 1;
  console.log(`image ${index} of seed ${seed}: ${what}`);
  console.log(JSON.stringify(new Image(seed + index).parameters));
}

/** What a child that was killed could not remove. */
function clean(pid: number | undefined): void {
  const prefix = `shm-disruptor-fuzz-${pid ?? 'none'}-`;
  for (const name of readdirSync('/dev/shm')) {
    if (name.startsWith(prefix)) rmSync(`/dev/shm/${name}`, { force: true });
  }
}

/** Uses images from `first` on, and resolves to the one that is to come next. */
async function run(first: number, count: number): Promise<number> {
  const running = spawn(process.execPath, [child, seed, first, count].map(String), {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  let failure: string | undefined;
  const seen = { index: first, done: false };
  const watchdog = setTimeout(() => {
    failure = `no end within ${PATIENCE_MILLISECONDS} ms`;
    running.kill('SIGKILL');
  }, PATIENCE_MILLISECONDS);
  const reports = createInterface({ input: running.stdio[3] as Readable });
  reports.on('line', (line) => {
    watchdog.refresh();
    if (line === 'done') seen.done = true;
    else if (line.startsWith('! ')) failure = line.slice(2);
    else seen.index = Number(line);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    running.on('close', (...ending) => {
      resolve(ending);
    });
  });
  clearTimeout(watchdog);
  clean(running.pid);
  if (seen.done && code === 0) return first + count;
  tell(seen.index, failure ?? `the process ended with ${signal ?? code ?? 'nothing'}`);
  return seen.index + 1;
}

let next = Number(values.first);
const began = performance.now();

async function lane(): Promise<void> {
  while (next < end && failures < MAX_FAILURES) {
    const count = Math.min(IMAGES_PER_CHILD, end - next);
    let from = next;
    const until = (next += count);
    while (from < until && failures < MAX_FAILURES) from = await run(from, until - from);
  }
}

await Promise.all(Array.from({ length: Number(values.jobs) }, lane));
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`fuzz: ${values.images} images of seed ${seed}, ${failures} failures, ${seconds} s`);
process.exitCode = failures === 0 ? 0 : 1;
