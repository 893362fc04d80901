// What a call on damaged memory may come to: a result, or an error that says by its type and code
// what it is. Everything else is a bug of ours.
import { DisruptorError } from 'shm-disruptor';

/** What the streams say without a code, as documented. */
const STREAM_MESSAGES = ['writer errored', 'no consumers'];

export class Broken extends Error {}

export function requireThat(promise: boolean, text: string): void {
  if (!promise) throw new Broken(text);
}

/** What `call` gives; undefined when it throws what it may throw. */
export function attempt<T>(where: string, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    requireTyped(error, where);
    return undefined;
  }
}

/** What `call` gives; undefined when it rejects with what it may reject with. */
export async function attempted<T>(where: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    requireTyped(error, where);
    return undefined;
  }
}

/** Fails for an error that no caller could tell from a bug. */
export function requireTyped(error: unknown, where: string): void {
  if (error instanceof Broken) throw error;
  const { code, message, stack } = error as { code?: unknown; message?: string; stack?: string };
  const coded = error instanceof Error && typeof code === 'string' && /^[A-Z]+(_|$)/.test(code);
  const known = error instanceof DisruptorError ? (code as string).startsWith('ERR_') : coded;
  const told = where === 'stream' && STREAM_MESSAGES.includes(message ?? '');
  if (!known && !told) throw new Broken(`${where}: ${stack ?? String(error)}`);
}
