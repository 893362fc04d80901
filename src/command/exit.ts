import { constants } from 'node:os';

/** What a shell sees. */
export const Exit = {
  /** All is well. */
  Done: 0,
  /** It did not work: the message says why. */
  Failed: 1,
  /** The command line is wrong. */
  Usage: 2,
  /** `info`: it worked, and the segment is damaged or stuck. */
  Unsound: 3,
} as const;

/** Something that a command refuses, in words for people. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Says on standard error what went wrong; the command has failed. */
export function fail(error: unknown, json: boolean): void {
  const { message } = error as Error;
  const { code } = error as NodeJS.ErrnoException;
  const path = (error as NodeJS.ErrnoException).path;
  const where = path === undefined ? '' : `${path}: `;
  process.exitCode = Exit.Failed;
  if (json) {
    console.error(JSON.stringify({ error: { code, message: `${where}${message}` } }));
    return;
  }
  console.error(`shm-disruptor: ${where}${message}${code === undefined ? '' : ` (${code})`}`);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A signal that is aborted when somebody ends us. By then the exit code says so; whoever listens
 * finishes what can be finished at once. Who insists ends us with a second one.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      const code = 128 + constants.signals[signal];
      if (controller.signal.aborted) process.exit(code);
      process.exitCode = code;
      controller.abort();
    });
  }
  return controller.signal;
}

/** Whoever reads our output has gone, as `head` does: nothing is left to do, and nothing is wrong. */
export function endWithOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(Exit.Done);
  });
}
