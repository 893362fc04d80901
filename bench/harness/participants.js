// Starting the processes of one measurement and seeing to it that they end.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { leftover } from './leftovers.js';
import { LIMIT_MILLISECONDS } from './time-limit.js';

const PROGRAM = fileURLToPath(new URL('./participant.js', import.meta.url));

/** One process of a measurement. */
export class Participant {
  #child;
  #kill;
  #role;

  constructor(scenario, part, stdin = 'inherit') {
    this.#role = part.role;
    this.#child = fork(PROGRAM, [scenario, JSON.stringify(part)], {
      stdio: [stdin, 'inherit', 'inherit', 'ipc'],
      timeout: LIMIT_MILLISECONDS,
      killSignal: 'SIGKILL',
    });
    this.#kill = leftover(() => this.#child.kill('SIGKILL'));
  }

  /** Its next message. Rejects if that tells of an error, or if the process ends without one. */
  answer() {
    return new Promise((resolve, reject) => {
      const ended = (code, signal) => {
        reject(new Error(`the ${this.#role} ended early: ${signal ?? `exit code ${code}`}`));
      };
      this.#child.once('exit', ended);
      this.#child.once('error', reject);
      this.#child.once('message', (message) => {
        this.#child.off('exit', ended);
        this.#child.off('error', reject);
        const { error, stack } = message;
        if (error === undefined) resolve(message);
        else reject(new Error(`the ${this.#role} failed: ${error}`, { cause: stack }));
      });
    });
  }

  go() {
    this.#child.send({ go: true });
    return this.answer();
  }

  /** Its standard input, if that was to be a `pipe`. */
  get stdin() {
    return this.#child.stdin;
  }

  end() {
    // Whatever it does now, it has answered or will not.
    this.#kill();
  }
}

/**
 * Runs each of `parts` ({ role, ...parameters }) in a process of its own, which calls the scenario's
 * function `roles[role](parameters)` and, once all are ready, the function that this returned.
 *
 * They get ready one after the other, so that one can attach to what the one before has created.
 *
 * @returns when each began and ended, in nanoseconds on one clock, and what it returned; undefined if
 * that took longer than `limit` milliseconds
 */
export async function together(scenario, parts, limit = LIMIT_MILLISECONDS) {
  const participants = [];
  let timer;
  try {
    for (const part of parts) {
      const participant = new Participant(scenario, part);
      participants.push(participant);
      await participant.answer();
    }
    return await Promise.race([
      Promise.all(participants.map((participant) => participant.go())),
      new Promise((resolve) => {
        timer = setTimeout(resolve, limit);
      }),
    ]);
  } finally {
    clearTimeout(timer);
    for (const participant of participants) participant.end();
  }
}
