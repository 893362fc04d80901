// The examples of queues, as a user would start them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

let names = 0;

/** Runs an example with a name that all its queues' names begin with; gives the lines it prints. */
async function run(t: ExecutionContext, example: string): Promise<string[]> {
  t.timeout(WATCHDOG_MILLISECONDS);
  names += 1;
  const name = `shm-disruptor-queue-examples-${process.pid}-${names}`;
  const queues = () => readdirSync('/dev/shm').filter((file) => file.startsWith(name));
  t.teardown(() => {
    for (const file of queues()) rmSync(join('/dev/shm', file), { force: true });
  });
  const child = spawn(process.execPath, [join('examples', example, 'main.js'), `/${name}`], {
    cwd: ROOT,
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [[code, signal], output, errors] = await Promise.all([
    once(child, 'close') as Promise<[number | null, string | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  t.deepEqual([code ?? signal, errors], [0, ''], output);
  t.deepEqual(queues(), [], 'nothing is left');
  return output.trim().split('\n');
}

test.serial('worker-pool: every job is done though a worker is killed', async (t) => {
  t.deepEqual(await run(t, 'worker-pool'), [
    'worker 0 ended by SIGKILL',
    '1000 of 1000 jobs done, 0 wrong, 0 bytes left',
    '1 given again',
  ]);
});

test.serial('log-shipper: what is not shipped was dropped, and the newest is there', async (t) => {
  const [logged, shipped, order] = await run(t, 'log-shipper');
  t.is(logged, '2 programs logged 20000 lines each, and a last one');
  t.regex(shipped!, /^\d+ dropped, \d+ shipped, 0 missing$/);
  t.is(order, '0 out of order, the newest there: true');
});

test.serial('request-reply: every request is answered or refused', async (t) => {
  const [requests] = await run(t, 'request-reply');
  t.is(requests, '2000 requests: 1800 answered, 200 refused, 0 open');
});
