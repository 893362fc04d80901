// Several processes exchange real data through rings in shared memory: a file as a stream of bytes,
// and numbered messages. What arrives is compared with what was sent.
import { messageScenario } from './message-scenario.js';
import { showProgressOn } from './progress.js';
import { printTable } from './results-table.js';
import { streamScenario } from './stream-scenario.js';

/** Runs all scenarios; the exit code says whether all that was sent has arrived. */
export async function demo(json = false) {
  try {
    if (json) showProgressOn(process.stderr);
    const results = [await streamScenario(), await messageScenario()];
    if (json) console.log(JSON.stringify(results, undefined, 2));
    else printTable(results);
    if (!results.every(({ equal }) => equal)) process.exitCode = 1;
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
