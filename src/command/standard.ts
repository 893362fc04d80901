import { once } from 'node:events';
import { closeSync, fstatSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { getSystemErrorMap, promisify } from 'node:util';

/** Standard input and output. */

/** How long after an interrupt what is under way may take, in milliseconds. */
export const PATIENCE = 500;

/** What comes from standard input until somebody interrupts us. */
export async function* input(signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const stop = () => {
    process.stdin.destroy();
  };
  signal.addEventListener('abort', stop);
  try {
    for await (const chunk of process.stdin) yield chunk as Buffer;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Standard output has not taken all of what was written to it. */
export class OutputError extends Error {
  readonly code: string | undefined;
  /** How many of the bytes it took, as far as that is known. */
  readonly written: number;

  constructor({ code, errno = 0, message }: NodeJS.ErrnoException, written = 0) {
    const reason = getSystemErrorMap().get(errno)?.[1] ?? message;
    super(`Failed to write to standard output: ${reason}`);
    this.code = code;
    this.written = written;
  }

  /** The reader has gone, as `head` does: nothing is left to do, and nothing is wrong. */
  get readerGone(): boolean {
    return this.code === 'EPIPE' || this.code === 'ECONNRESET';
  }
}

const DESCRIPTOR = 1;
const writeSome = promisify(write);
/** Errors of the stream that a caller of {@link writeOut} has got. */
const delivered = new WeakSet<Error>();

/** A pipe, socket or terminal: the stream writes all of it, and knows when it cannot. */
async function toStream(bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (!error) {
        resolve();
        return;
      }
      delivered.add(error);
      // Every write after the one that failed fails for its own reason: the stream is destroyed.
      reject(new OutputError(process.stdout.errored ?? error));
    });
  });
}

/** A file or a device: Node's stream over these takes a write that was cut short for a whole one. */
async function toFile(bytes: Buffer): Promise<void> {
  let written = 0;
  try {
    while (written < bytes.length) {
      written += (await writeSome(DESCRIPTOR, bytes, written)).bytesWritten;
    }
  } catch (error) {
    throw new OutputError(error as Error, written);
  }
}

/** Waits for `writing`; after an interrupt, for a while. */
async function patiently(writing: Promise<void>, interrupt: AbortSignal): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  const patience = async () => {
    if (!interrupt.aborted) await once(interrupt, 'abort', { signal });
    await sleep(PATIENCE, undefined, { signal });
    throw interrupt.reason as Error;
  };
  try {
    await Promise.race([writing, patience()]);
  } finally {
    over.abort();
  }
}

/**
 * Writes to standard output, no faster than it takes it.
 *
 * @param signal - an interrupt, after which a reader that does not read is waited for no longer
 * @returns when the system has taken all of it
 * @throws OutputError
 */
export async function writeOut(data: Buffer | string, signal?: AbortSignal): Promise<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const writing = process.stdout instanceof Socket ? toStream(bytes) : toFile(bytes);
  await (signal ? patiently(writing, signal) : writing);
}

/** Writes a line to standard output, as {@link writeOut}. */
export const print = (line: string) => writeOut(`${line}\n`);

/** Calls `failed` when standard output fails and no caller of {@link writeOut} learns of it. */
export function watchOutput(failed: (error: OutputError) => void): void {
  process.stdout.on('error', (error: Error) => {
    if (!delivered.has(error)) failed(new OutputError(error));
  });
}

/**
 * For the process's end. Node gives terminals their settings back and aborts when it cannot, as after a
 * hang-up; it passes over descriptors that are closed.
 */
export function leaveDeadTerminals(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      if (fstatSync(descriptor).isCharacterDevice() && !isatty(descriptor)) closeSync(descriptor);
    } catch {
      // Closed already.
    }
  }
}
