import { emitKeypressEvents } from 'node:readline';

import {
  clearViewport,
  cursorHide,
  cursorShow,
  cursorTo,
  enterAlternativeScreen,
  eraseDown,
  eraseEndLine,
  exitAlternativeScreen,
} from 'ansi-escapes';
import cliTruncate from 'cli-truncate';

/** A key that was pressed. */
export interface Key {
  name: string | undefined;
  ctrl: boolean;
  /** The character. */
  sequence: string;
}

/**
 * The whole terminal, for as long as it is open. However the process ends, short of `kill -9`, the
 * terminal is then as it was.
 */
export class Screen {
  readonly #input = process.stdin;
  readonly #output = process.stdout;
  #open = false;
  readonly #close = () => {
    this.close();
  };

  /** Takes the terminal. */
  open(onKey: (key: Key) => void, onResize: () => void): void {
    this.#open = true;
    this.#output.write(enterAlternativeScreen + cursorHide + clearViewport);
    process.on('exit', this.#close);
    // Before Node says what it was.
    process.on('uncaughtExceptionMonitor', this.#close);
    this.#output.on('resize', onResize);
    if (!this.#input.isTTY) return;
    emitKeypressEvents(this.#input);
    this.#input.setRawMode(true);
    this.#input.on('keypress', (_, key: Key) => {
      onKey(key);
    });
  }

  get columns(): number {
    return this.#output.columns;
  }

  get rows(): number {
    return this.#output.rows;
  }

  /** Shows these lines, cut to what fits. */
  draw(lines: readonly string[]): void {
    if (!this.#open) return;
    const { columns, rows } = this;
    const shown = lines.slice(0, rows).map((line) => cliTruncate(line, columns) + eraseEndLine);
    // At once, so that nobody sees half of it; and no newline at the end, which would scroll.
    this.#output.write(cursorTo(0, 0) + shown.join('\r\n') + eraseDown);
  }

  /** Gives the terminal back. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#input.isTTY) this.#input.setRawMode(false);
    this.#input.pause();
    this.#output.write(cursorShow + exitAlternativeScreen);
  }
}
