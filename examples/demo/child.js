import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { atEnd } from './undo.js';

/** A process that runs a part of a scenario; part.js is its side of the conversation. */
export class Child {
  #process;
  #ready;
  #ended;

  constructor(script, ...args) {
    this.#process = fork(fileURLToPath(new URL(script, import.meta.url)), args.map(String));
    atEnd(() => this.#process.kill('SIGKILL'));
    this.#ended = once(this.#process, 'exit').then(([code, signal]) => {
      if (code !== 0) throw new Error(`${script} ended with ${signal ?? `code ${code}`}`);
    });
    this.#ready = this.#message();
  }

  /** Until the child says something; rejects if it ends instead. */
  async #message() {
    const silent = this.#ended.then(() => {
      throw new Error('a child ended without a result');
    });
    const [message] = await Promise.race([once(this.#process, 'message'), silent]);
    return message;
  }

  async ready() {
    await this.#ready;
  }

  /** Has it do its part, and resolves to the result. */
  run() {
    this.#process.send('go');
    return this.#message();
  }

  /** Rejects if the child does not end well. */
  async ended() {
    await this.#ended;
  }
}

/** Starts all parts at the same moment. Resolves to their results. */
export async function runTogether(children) {
  await Promise.all(children.map((child) => child.ready()));
  const results = await Promise.all(children.map((child) => child.run()));
  await Promise.all(children.map((child) => child.ended()));
  return results;
}
