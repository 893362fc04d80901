import type { ServerResponse } from 'node:http';

import { Watching } from '../command/watching.js';
import type { Hello } from './look.js';
import { segmentLook } from './looking.js';
import { clearInterval, setInterval } from '../timers.js';

/** Milliseconds after which a page whose stream has ended comes again. */
const RETRY = 1000;

/** One event of a stream of Server-Sent Events. JSON has no newlines. */
const event = (type: string, value: unknown) =>
  `event: ${type}\ndata: ${JSON.stringify(value)}\n\n`;

/**
 * What all pages see: a look at all segments at every interval, as Server-Sent Events. While no page is
 * connected nobody looks.
 */
export class Stream {
  readonly #hello: Hello;
  readonly #pages = new Set<ServerResponse>();
  #watching = new Watching();
  #timer: NodeJS.Timeout | undefined;
  #last: string | undefined;

  constructor(hello: Hello) {
    this.#hello = hello;
  }

  /** Sends every look to a page, until it goes. */
  connect(page: ServerResponse): void {
    page.write(`retry: ${RETRY}\n${event('hello', this.#hello)}`);
    this.#pages.add(page);
    page.on('close', () => {
      this.#pages.delete(page);
      if (this.#pages.size === 0) this.#rest();
    });
    if (this.#timer) {
      if (this.#last !== undefined) page.write(this.#last);
      return;
    }
    this.#look();
    this.#timer = setInterval(() => {
      this.#look();
    }, this.#hello.interval * 1000);
  }

  /** Ends all streams; the pages come again. */
  close(): void {
    for (const page of this.#pages) page.end();
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#last = undefined;
    this.#watching = new Watching();
  }

  #look(): void {
    this.#last = this.#seen();
    for (const page of this.#pages) {
      // Whoever does not keep up misses looks instead of having them kept for it.
      if (!page.writableNeedDrain) page.write(this.#last);
    }
  }

  #seen(): string {
    try {
      return event('look', this.#watching.look().map(segmentLook));
    } catch (error) {
      return event('failure', (error as Error).message);
    }
  }
}
