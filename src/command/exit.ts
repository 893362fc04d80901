import { constants } from 'node:os';

import { OutputError } from './standard.js';
import { UsageError } from './usage.js';

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

/** An error as both forms tell it. */
interface Told {
  code: string | undefined;
  message: string;
}

function told(error: unknown): Told {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const { code, path, name, message } = error as NodeJS.ErrnoException;
  const where = path === undefined || message.startsWith(path) ? '' : `${path}: `;
  // An AggregateError of Node's, of a connection tried at several addresses, has no message.
  return { code, message: where + (message === '' ? (code ?? name) : message) };
}

/** What an error was caused by, and what that was caused by: each once. */
function* causesOf(error: unknown, seen = new Set([error])): Generator<unknown, void> {
  const { cause, errors = [] } = error as Partial<AggregateError>;
  for (const each of [cause, ...(errors as unknown[])]) {
    if (each === undefined || each === null || seen.has(each)) continue;
    seen.add(each);
    yield each;
    yield* causesOf(each, seen);
  }
}

const sentence = ({ code, message }: Told) => message + (code === undefined ? '' : ` (${code})`);

/** Says on standard error what went wrong, and sets the exit code. */
export function fail(error: unknown, json: boolean): void {
  if (error instanceof OutputError && error.readerGone) return;
  process.exitCode = error instanceof UsageError ? Exit.Usage : Exit.Failed;
  const main = told(error);
  const causes = [...causesOf(error)].map(told);
  if (json) {
    console.error(JSON.stringify({ error: { ...main, ...(causes.length > 0 && { causes }) } }));
    return;
  }
  const lines = causes.map((cause) => `\n  caused by: ${sentence(cause)}`);
  console.error(`shm-disruptor: ${sentence(main)}${lines.join('')}`);
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
