import type { SegmentLook } from '../look.js';
import { happenings } from './happenings.js';
import type { Happening } from './happenings.js';

/** Seconds that the charts show. */
export const SHOWN = 120;
/** Happenings that are kept. */
const KEPT = 50;

/** What was seen of one name, as long as the page is open: the page's, so that it outlives the monitor. */
export class History {
  readonly looks: SegmentLook[] = [];
  readonly happenings: Happening[] = [];

  /** Adds a look; returns what has happened since the last one. */
  add(look: SegmentLook): Happening[] {
    const before = this.looks.at(-1);
    const news = before ? happenings(before, look) : [];
    // Figures of another object have nothing to do with these.
    if (before && before.object !== look.object) this.looks.length = 0;
    this.looks.push(look);
    while (look.seen - this.looks[0]!.seen > (SHOWN + 2) * 1000) this.looks.shift();
    this.happenings.push(...news);
    this.happenings.splice(0, this.happenings.length - KEPT);
    return news;
  }
}
