// Random torture: producers and consumers, processes and worker threads, killed at random moments.
// Each round is a ring or a queue, and a TAP test.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { manners } from './outlets.js';
import { Round } from './round.js';
import type { RoundOptions } from './round.js';
import { SharingRound } from './sharing-round.js';

const kinds: Record<string, (options: RoundOptions) => Round | SharingRound> = {
  hold: (options) => new Round('hold', options),
  detach: (options) => new Round('detach', options),
  ...Object.fromEntries(
    manners.map((manner) => [manner, (options: RoundOptions) => new SharingRound(manner, options)]),
  ),
};

const USAGE = `Usage: npm run test:torture -- [options]

  --kills <number>  how many participants to kill, default 10000
  --seed <number>   for the random choices, default from the clock
  --per-round <n>   how many of them on one ring or queue at most, default 100
  --only <kind>     rounds of one kind: see below, default all of them in turn
  --help            this text

Kinds: ${Object.keys(kinds).join(', ')}`;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    'per-round': { type: 'string', default: '100' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function whole(option: 'kills' | 'seed' | 'per-round'): number {
  const number = Number(values[option]);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${option} is a whole number, not ${values[option]}\n\n${USAGE}`);
  process.exit(2);
}

const chosen = Object.entries(kinds)
  .filter(([kind]) => values.only === undefined || values.only === kind)
  .map(([, make]) => make);
if (chosen.length === 0) {
  console.error(`--only is a kind, not ${values.only}\n\n${USAGE}`);
  process.exit(2);
}

let round: Round | SharingRound | undefined;
process.on('exit', () => round?.abandon());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}

const threads = () => readdirSync('/proc/self/task').length;

async function main(): Promise<boolean> {
  const kills = whole('kills');
  const seed = whole('seed');
  // So that each kind has its turn.
  const fair = Math.ceil(kills / chosen.length);
  const perRound = Math.max(1, Math.min(whole('per-round'), fair));
  const folder = mkdtempSync(join(tmpdir(), 'shm-disruptor-torture-'));
  console.log(`TAP version 13\n# seed ${seed}`);
  const total = { kills: 0, messages: 0, gaps: 0, lost: 0, pauses: 0, stall: 0 };
  let number = 0;
  let well = true;
  let most = 0;
  const began = performance.now();
  try {
    while (total.kills < kills && well) {
      const left = Math.min(perRound, kills - total.kills);
      const make = chosen[number % chosen.length]!;
      round = make({ kills: left, seed: seed + number, folder });
      const result = await round.run();
      number += 1;
      // Node's own pools are there after the first round.
      if (number === 1) most = threads();
      if (threads() > most) result.faults.push(`${threads()} threads, ${most} before`);
      for (const fault of result.faults) console.log(`# ${fault.replaceAll('\n', '\n# ')}`);
      well = result.faults.length === 0;
      console.log(`${well ? 'ok' : 'not ok'} ${number} - ${result.title}`);
      for (const key of ['kills', 'messages', 'gaps', 'lost', 'pauses'] as const) {
        total[key] += result[key];
      }
      total.stall = Math.max(total.stall, result.stall);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`1..${number}`);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `# ${total.kills} kills and ${total.pauses} pauses in ${seconds} s; ${total.messages} messages, ` +
      `${total.lost} lost in ${total.gaps} gaps; longest stall ${total.stall.toFixed(0)} ms`,
  );
  return well;
}

if (values.help) console.log(USAGE);
else process.exitCode = (await main()) ? 0 : 1;
