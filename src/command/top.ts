import { setTimeout as sleep } from 'node:timers/promises';

import type { SegmentDirectory } from '../index.js';
import { placeOf } from '../segment/location.js';
import { interruption } from './exit.js';
import { paintFor } from './output.js';
import { print } from './standard.js';
import { checkPlace } from './usage.js';
import { Screen } from './screen.js';
import type { Key } from './screen.js';
import { plainLine, SORTS, sorted, view } from './view.js';
import type { Sort } from './view.js';
import { Watching } from './watching.js';
import type { Watched } from './watching.js';

/** What `top` takes. */
export interface TopOptions extends SegmentDirectory {
  json?: boolean;
  /** Seconds between looks. */
  interval: number;
  /** Ends after so many of them. */
  count?: number;
  sort: Sort;
}

/** Resolves at the next look, or when somebody has interrupted us. */
async function pass(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
}

async function plain(watching: Watching, options: TopOptions, signal: AbortSignal): Promise<void> {
  const { json = false, interval, count = Infinity, sort } = options;
  watching.look();
  for (let round = 0; round < count; round += 1) {
    await pass(interval, signal);
    if (signal.aborted) return;
    for (const watched of sorted(watching.look(), sort)) {
      const { seen, rates } = watched;
      await print(json ? JSON.stringify({ ...seen, rates }) : plainLine(watched));
    }
  }
}

/** The live view: what it shows, and what keys do to it. */
class Live {
  readonly #watching: Watching;
  readonly #screen = new Screen();
  readonly #paint = paintFor(process.stdout);
  readonly #end = new AbortController();
  #sort: Sort;
  #paused = false;
  #first = 0;
  #watched: Watched[] = [];

  constructor(watching: Watching, sort: Sort) {
    this.#watching = watching;
    this.#sort = sort;
  }

  async run({ interval, count = Infinity }: TopOptions, signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#end.signal]);
    // An error is for the terminal as it was.
    this.#watched = this.#watching.look();
    this.#screen.open(
      (key) => {
        this.#press(key);
      },
      () => {
        this.#draw();
      },
    );
    try {
      for (let round = 0; round < count && !ended.aborted; round += 1) {
        if (!this.#paused) this.#watched = this.#watching.look();
        this.#draw();
        await pass(interval, ended);
      }
    } finally {
      this.#screen.close();
    }
  }

  #draw(): void {
    const { columns, rows } = this.#screen;
    const [head, ...lines] = view(this.#watched, {
      sort: this.#sort,
      paused: this.#paused,
      paint: this.#paint,
      columns,
    });
    this.#first = Math.max(0, Math.min(this.#first, lines.length - rows + 2));
    this.#screen.draw([head!, ...lines.slice(this.#first)]);
  }

  #press({ name, ctrl, sequence }: Key): void {
    if (ctrl && name === 'c') {
      process.exitCode = 130;
      this.#end.abort();
    } else if (name === 'q' || name === 'escape') {
      this.#end.abort();
    } else if (name === 's') {
      this.#sort = SORTS[(SORTS.indexOf(this.#sort) + 1) % SORTS.length]!;
    } else if (name === 'p' || sequence === ' ') {
      this.#paused = !this.#paused;
    } else if (name === 'down' || name === 'j') {
      this.#first += 1;
    } else if (name === 'up' || name === 'k') {
      this.#first -= 1;
    }
    this.#draw();
  }
}

/** Shows segments live: on a terminal as a screen, elsewhere as a line each at every look. */
export async function top(name: string | undefined, options: TopOptions): Promise<void> {
  checkPlace(name === undefined ? [] : [name], options);
  const watching = new Watching(name, placeOf(options));
  const signal = interruption();
  if (process.stdout.isTTY && options.json !== true)
    await new Live(watching, options.sort).run(options, signal);
  else await plain(watching, options, signal);
}
