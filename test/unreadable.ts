// What the tests of messages that cannot be read share.
import { UnreadableMessageError } from 'shm-disruptor';

/** What an error for such a message says: for `t.like`. */
export function unreadable(
  kind: 'queue' | 'ring' | 'broadcast',
  segment: string,
  sequence: number,
) {
  return { code: 'ERR_MESSAGE_UNREADABLE', kind, segment, sequence, encoding: 'json' };
}

/** The error with which `call` fails. */
export async function failure(call: () => unknown): Promise<UnreadableMessageError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof UnreadableMessageError) return error;
    throw error;
  }
  throw new Error('It did not fail');
}
