// The crossing in full: `npm run test:bridge -- [--messages N] [--kills N] [--restarts N] [engine...]`.
import { parseArgs } from 'node:util';

import { crossing } from './crossing.js';
import { programOf } from './servers.js';
import type { Engine } from './servers.js';

const number = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { messages: number, kills: number, restarts: number },
});
const size = {
  messages: Number(values.messages ?? 1_000_000),
  kills: Number(values.kills ?? 20),
  restarts: Number(values.restarts ?? 3),
};
const engines = positionals.length > 0 ? (positionals as Engine[]) : (['nats', 'redis'] as const);

for (const engine of engines) {
  if (programOf(engine) === undefined && process.env.REQUIRE_ENGINES === undefined) {
    console.log(`# ${engine}: its server is not installed here`);
    continue;
  }
  let shown = 0;
  const result = await crossing(
    engine,
    `/shm-disruptor-crossing-${process.pid}-${engine}`,
    size,
    (arrived) => {
      if (arrived - shown < size.messages / 10) return;
      shown = arrived;
      console.log(`# ${engine}: ${arrived} have arrived`);
    },
  );
  const { lost, disordered, repeated, counted, seconds } = result;
  const good = lost === 0 && disordered === 0;
  console.log(
    `${good ? 'ok' : 'not ok'} - ${engine}: ${size.messages} messages, ${size.kills} kills, ` +
      `${size.restarts} restarts in ${seconds.toFixed(1)} s: ${lost} lost, ${disordered} out of order, ` +
      `${repeated} came twice; bridges sent ${counted.repeated} again, dropped ${counted.duplicates}, ` +
      `and lost the engine ${counted.reconnects} times`,
  );
  if (!good) process.exitCode = 1;
}
