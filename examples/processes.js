// What the examples of several processes share: starting them, hearing from them, and leaving
// nothing behind.
import { fork } from 'node:child_process';
import { on, once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

import { unlinkSegment } from 'shm-disruptor';

const children = new Set();
const names = new Set();

/** A ring outlives those who use it, so somebody must take its name away: this process at its end. */
export function removeAtEnd({ name }) {
  names.add(name);
}

/** A process that runs `script`, a URL, and tells with `answer` what it has come to. */
export class Child {
  #process;
  #ended;
  #messages;
  #silent;

  constructor(script, ...args) {
    this.#process = fork(fileURLToPath(script), args.map(String));
    children.add(this.#process);
    this.#messages = on(this.#process, 'message');
    this.#silent = once(this.#process, 'disconnect');
    this.#ended = once(this.#process, 'exit').then(([code, signal]) => {
      children.delete(this.#process);
      if (code > 0) fail(`${script.pathname} failed: exit code ${code}`);
      return signal ?? code;
    });
  }

  /** What it says next; rejects if it ends instead. */
  async answer() {
    // An exit may be seen before the last message; the end of the connection comes after it.
    const early = this.#silent.then(async () => {
      throw new Error(`a process said nothing and ended: ${await this.#ended}`);
    });
    const { value } = await Promise.race([this.#messages.next(), early]);
    return value[0];
  }

  tell(message) {
    this.#process.send(message);
  }

  /** Ends it as a crash would: it can put nothing in order. */
  async kill() {
    this.#process.kill('SIGKILL');
    return this.#ended;
  }

  /** The exit code, or the signal. */
  async ended() {
    return this.#ended;
  }
}

// Everything else would wait for the messages of a process that has failed.
function fail(message) {
  console.error(message);
  process.exit(1);
}

/** In a child: tells the parent. */
export function answer(message) {
  process.send(message);
}

/** In a child: a signal that is aborted when the parent says anything. */
export function whenTold() {
  const controller = new AbortController();
  process.once('message', () => controller.abort());
  return controller.signal;
}

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const name of names) unlinkSegment(name);
});

// A signal that nobody listens to would end us without 'exit'.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
// A child whose parent has gone has nobody to work for. To listen for that is no reason to live.
process.once('disconnect', () => process.exit(1));
process.channel?.unref();
