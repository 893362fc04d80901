// Random torture: producers and consumers, processes and worker threads, killed at random moments.
// Each round is a ring and a TAP test.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Round } from './round.js';

const USAGE = `Usage: npm run test:torture -- [options]

  --kills <number>  how many participants to kill, default 10000
  --seed <number>   for the random choices, default from the clock
  --per-round <n>   how many of them on one ring, default 100
  --help            this text`;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    'per-round': { type: 'string', default: '100' },
    help: { type: 'boolean', default: false },
  },
});

function whole(option: 'kills' | 'seed' | 'per-round'): number {
  const number = Number(values[option]);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${option} is a whole number, not ${values[option]}\n\n${USAGE}`);
  process.exit(2);
}

let round: Round | undefined;
process.on('exit', () => round?.abandon());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}

const threads = () => readdirSync('/proc/self/task').length;

async function main(): Promise<boolean> {
  const kills = whole('kills');
  const seed = whole('seed');
  const perRound = Math.max(1, whole('per-round'));
  const folder = mkdtempSync(join(tmpdir(), 'shm-disruptor-torture-'));
  console.log(`TAP version 13\n# seed ${seed}`);
  const total = { kills: 0, messages: 0, gaps: 0, lost: 0, pauses: 0, stall: 0 };
  let number = 0;
  let well = true;
  let most = 0;
  const began = performance.now();
  try {
    while (total.kills < kills && well) {
      const deadConsumers = number % 2 === 0 ? 'hold' : 'detach';
      const options = { kills: Math.min(perRound, kills - total.kills), seed: seed + number };
      round = new Round({ ...options, deadConsumers, folder });
      const result = await round.run();
      number += 1;
      // Node's own pools are there after the first round.
      if (number === 1) most = threads();
      if (threads() > most) result.faults.push(`${threads()} threads, ${most} before`);
      for (const fault of result.faults) console.log(`# ${fault.replaceAll('\n', '\n# ')}`);
      well = result.faults.length === 0;
      const title = `${result.kills} kills, ${result.messages} messages, dead consumers ${deadConsumers}`;
      console.log(`${well ? 'ok' : 'not ok'} ${number} - ${title}`);
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
