// Every face as a promise: what the suites that run over all faces are written with.
import type { ResultCallback } from 'shm-disruptor';

/** A promise of what a callback is given. What the call itself throws rejects it, too. */
export function given<T>(call: (done: ResultCallback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let returned = false;
    call((error, result) => {
      if (!returned) reject(new Error('called back before the method had returned'));
      if (error) reject(error);
      else resolve(result);
    });
    returned = true;
  });
}

/** A promise of what `call` returns or throws. */
export function settled<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(call());
  });
}
