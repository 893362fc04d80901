// The `shm-disruptor` command on a terminal.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ExecutionContext } from 'ava';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';
import { PROGRAM } from './command.js';

/** The command on a terminal of its own; the terminal's settings are printed after it. */
export class Terminal {
  readonly #child;
  readonly #closed;
  #output = '';

  constructor(t: ExecutionContext, ...args: string[]) {
    const shell = [
      'stty rows 30 cols 100',
      'before=$(stty -g)',
      `sh -c 'echo pid $$; exec ${process.execPath} ${PROGRAM} ${args.join(' ')}'`,
      'echo "code $?"',
      '[ "$before" = "$(stty -g)" ] && echo as it was',
    ].join('\n');
    // `script` gives it a terminal.
    const env = { ...process.env, COMMANDS: shell, SHELL: '/bin/sh', TERM: 'xterm-256color' };
    // Whatever is wanted of ourselves.
    for (const name of ['NO_COLOR', 'FORCE_COLOR', 'CI']) Reflect.deleteProperty(env, name);
    this.#child = spawn('script', ['-qec', 'eval "$COMMANDS"', '/dev/null'], { env });
    t.teardown(() => this.#child.kill('SIGKILL'));
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    this.#closed = once(this.#child, 'close');
  }

  get output(): string {
    return this.#output;
  }

  /** Waits until `pattern` was shown after the last of these. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (const end = Date.now() + WATCHDOG_MILLISECONDS; Date.now() < end;) {
      const found = pattern.exec(this.#output);
      if (found) {
        this.#output = this.#output.slice(found.index + found[0].length);
        return found;
      }
      await sleep(20);
    }
    throw new Error(`Waited for ${String(pattern)} in vain: ${JSON.stringify(this.#output)}`);
  }

  press(keys: string): void {
    this.#child.stdin.write(keys);
  }

  async closed(): Promise<void> {
    await this.#closed;
  }
}
