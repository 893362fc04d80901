// One process of a measurement: `node participant.js SCENARIO PART`.
//
//   participants.js               this process
//        |  <------- { ready } ------  attached
//        |  -------- { go } -------->  begin
//        |  <- { begin, end, result }  done, or { error } at any time
//        |  -------- kills --------->
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

// Monotonic and the same for all processes of a machine.
const now = () => Number(process.hrtime.bigint());

async function take(scenario, { role, ...parameters }) {
  const { roles } = await import(`../${scenario}.js`);
  const run = await roles[role](parameters);
  process.send({ ready: true });
  await once(process, 'message');
  const begin = now();
  const result = await run();
  return { begin, end: now(), result };
}

// Where the main thread is not blocked.
process.once('disconnect', () => process.exit());
const watch = new Worker(new URL('./orphan.js', import.meta.url));
await once(watch, 'online');
watch.unref();

const [scenario, part] = process.argv.slice(2);
try {
  process.send(await take(scenario, JSON.parse(part)));
} catch (error) {
  process.send({ error: error.message, stack: error.stack });
}
