// Worker threads as the parts of a measurement. They belong into a participant: a thread that
// hangs in a blocking call ends only with its process, and a thread that fails ends that.
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';

const PROGRAM = new URL('./thread.js', import.meta.url);

/**
 * As `together` for threads of this process. Each of the first two also gets one end of a
 * MessageChannel as its parameter `port`.
 *
 * @returns a function that has all begin, and resolves to when each began and ended
 */
export async function inThreads(scenario, parts) {
  const { port1, port2 } = new MessageChannel();
  const ports = [port1, port2];
  const workers = [];
  for (const [i, part] of parts.entries()) {
    const port = ports[i];
    const workerData = { scenario, part: { ...part, port } };
    const worker = new Worker(PROGRAM, { workerData, transferList: port ? [port] : [] });
    await once(worker, 'message');
    workers.push(worker);
  }
  return () =>
    Promise.all(
      workers.map(async (worker) => {
        const answer = once(worker, 'message');
        worker.postMessage('go');
        const [times] = await answer;
        return times;
      }),
    );
}
