import { once } from 'node:events';

/** Standard input and output. */

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

/** Writes to standard output, no faster than it takes it. */
export async function writeOut(bytes: Buffer): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}
