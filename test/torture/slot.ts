// One place among the participants: whoever is there is killed and somebody else takes it.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/** A participant that runs. */
export interface Life {
  /** Resolves when it takes part. */
  readonly ready: Promise<unknown>;
  /** Resolves when it is gone: to what went wrong if it was not killed, or undefined. */
  readonly end: Promise<string | undefined>;
  kill(): void;
  /** Stops it for so long, if it can be stopped. */
  pause(milliseconds: number): Promise<void>;
}

function processLife(script: URL, part: object): Life {
  const child: ChildProcess = fork(fileURLToPath(script), [JSON.stringify(part)], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let errors = '';
  let killed = false;
  child.stderr!.on('data', (text: Buffer) => (errors += text.toString()));
  const end = once(child, 'close').then(([code, signal]: unknown[]) => {
    if (code === 0 || (killed && signal === 'SIGKILL')) return undefined;
    return `A process ended with ${String(code ?? signal)}: ${errors}`;
  });
  return {
    ready: Promise.race([once(child, 'message'), end]),
    end,
    kill() {
      killed = true;
      child.kill('SIGKILL');
    },
    async pause(milliseconds) {
      child.kill('SIGSTOP');
      await sleep(milliseconds);
      child.kill('SIGCONT');
    },
  };
}

function workerLife(script: URL, part: object): Life {
  const worker = new Worker(script, { workerData: part });
  let killed = false;
  const end = new Promise<string | undefined>((resolve) => {
    let error: Error | undefined;
    worker.once('error', (thrown: Error) => (error = thrown));
    worker.once('exit', (code) => {
      const well = !error && (code === 0 || killed);
      resolve(well ? undefined : `A worker ended with ${code}: ${error?.stack ?? ''}`);
    });
  });
  return {
    ready: Promise.race([once(worker, 'message'), end]),
    end,
    kill() {
      killed = true;
      void worker.terminate();
    },
    pause: (milliseconds) => sleep(milliseconds),
  };
}

/** What a place is for. */
export interface Place {
  kind: 'process' | 'worker';
  /** How long anybody is there at most, in milliseconds. */
  stay: number;
  /** Undefined: produces. */
  consumer?: number;
}

/** Starts a participant there. */
export function start({ kind }: Place, script: URL, part: object): Life {
  return kind === 'process' ? processLife(script, part) : workerLife(script, part);
}

/** What a participant was told, in its process or thread. */
export function told(): unknown {
  return workerData ?? JSON.parse(process.argv[2]!);
}

/** Says that a participant takes part; the result lets its process end. */
export function begin(): () => void {
  if (parentPort) {
    parentPort.postMessage('ready');
    return () => undefined;
  }
  // It does not outlive the one who kills.
  process.once('disconnect', () => process.exit(1));
  process.send!('ready');
  return () => {
    process.removeAllListeners('disconnect');
    process.disconnect();
  };
}
