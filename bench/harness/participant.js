// One process of a measurement: `node participant.js SCENARIO PART`.
//
//   participants.js               this process
//        |  <------- { ready } ------  attached
//        |  -------- { go } -------->  begin
//        |  <- { begin, end, result }  done, or { error } at any time
//        |  -------- kills --------->
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { prepare } from './part.js';

// Where the main thread is not blocked.
process.once('disconnect', () => process.exit());
const watch = new Worker(new URL('./orphan.js', import.meta.url));
await once(watch, 'online');
watch.unref();

const [scenario, part] = process.argv.slice(2);
try {
  const run = await prepare(scenario, JSON.parse(part));
  process.send({ ready: true });
  await once(process, 'message');
  process.send(await run());
} catch (error) {
  process.send({ error: error.message, stack: error.stack });
}
