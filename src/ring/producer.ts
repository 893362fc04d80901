import type { Attachment } from '../segment/attachment.js';
import { Commit, Outcome } from '../native/ring.js';
import type { RingHandle } from '../native/ring.js';
import type { Slots } from '../segment/slots.js';
import { blockUntil, SLICE_MILLISECONDS } from '../waiting/waiter.js';
import type { Operation, Waiter } from '../waiting/waiter.js';

/** The sequences of a claim: `claimStart` is 1 and `claimEnd` 0 when it gave nothing. */
export interface ClaimRange {
  /** First sequence claimed. */
  claimStart: number;
  /** Last sequence claimed. */
  claimEnd: number;
  /** Nothing was given because every consumer was released for good: nobody would read it. */
  allConsumersIgnoring: boolean;
}

/** One claimed element. */
export interface Claimed extends ClaimRange {
  /** The element, to be filled in; empty when there was no room. */
  buf: Buffer;
}

/** Several claimed elements. */
export interface ClaimedMany extends ClaimRange {
  /** The elements: one Buffer, two when the range runs over the ring's end, none without room. */
  bufs: Buffer[];
}

const NO_ELEMENT = Buffer.alloc(0);

/** Claiming and committing. A *claim* below is what the core answers: a slot or an `Outcome`. */
export class Producer {
  readonly #attachment: Attachment;
  readonly #ring: RingHandle;
  readonly #slots: Slots;
  readonly #waiter: Waiter;
  readonly #spin: boolean;
  readonly #single: boolean;
  readonly #patience: number;
  readonly #mark: 0 | 1;

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
    this.#ring = attachment.ring;
    this.#slots = attachment.slots;
    this.#waiter = attachment.waiter;
    this.#single = attachment.ring.single;
    this.#spin = attachment.spin;
    this.#patience = attachment.spin ? SLICE_MILLISECONDS : 0;
    this.#mark = attachment.spin ? 1 : 0;
  }

  #waits(claim: number): boolean {
    return claim === Outcome.Nothing && this.#spin;
  }

  // The latest claim is what was given last: a claim that still waits does not count.
  #give(claim: number): number {
    if (claim < 0) this.#ring.forgetClaim();
    return claim;
  }

  /** One element of the one producer's lease; negative where there is none. */
  #leased(most: number): number {
    return this.#single && most === 1 ? this.#ring.claimLeased() : -1;
  }

  /** Claims from `least` to `most` elements; 0 elements are given at once. */
  claim<T>(least: number, most: number, shape: (claim: number) => T): Operation<T> {
    const attempt = () => {
      this.#attachment.check();
      const claim = most === 0 ? Outcome.Nothing : this.#ring.claim(least, most, 0);
      return most > 0 && this.#waits(claim) ? undefined : shape(this.#give(claim));
    };
    return { attempt };
  }

  claimSync(least: number, most: number, timeout?: number): number {
    this.#attachment.check();
    if (most === 0) return this.#give(Outcome.Nothing);
    const leased = this.#leased(most);
    if (leased >= 0) return leased;
    let claim = this.#ring.claim(least, most, timeout === undefined ? this.#patience : 0);
    if (this.#waits(claim)) {
      const tries = (milliseconds: number) => this.#ring.claim(least, most, milliseconds);
      claim = blockUntil(this.#waiter, tries, claim, timeout);
    }
    return this.#give(claim);
  }

  /** Claims from `least` to `most` elements, at least 1, without waiting. */
  claimAtOnce(least: number, most: number): number {
    return this.claimWithin(least, most, 0);
  }

  /** The same; blocks the thread for so many milliseconds at most, once. */
  claimWithin(least: number, most: number, milliseconds: number): number {
    this.#attachment.check();
    const leased = this.#leased(most);
    return leased >= 0 ? leased : this.#give(this.#ring.claim(least, most, milliseconds));
  }

  /** As `claimSync` for one element: the path of every message that is sent on its own. */
  claimOneSync(): Buffer {
    this.#attachment.check();
    const leased = this.#single ? this.#ring.claimLeased() : -1;
    if (leased >= 0) return this.#slots.at(leased);
    const claim = this.#ring.claim(1, 1, this.#patience);
    return claim >= 0 ? this.#slots.at(claim) : this.element(this.claimSync(1, 1));
  }

  /** `count` cut to the size of the ring. */
  atMostAll(count: number): number {
    return Math.min(count, this.#ring.elementCount);
  }

  element(claim: number): Buffer {
    return claim < 0 ? NO_ELEMENT : this.#slots.at(claim);
  }

  elements(claim: number): Buffer[] {
    if (claim < 0) return [];
    const { claimStart, claimEnd } = this.latest;
    return this.#slots.spans(claim, claimEnd - claimStart + 1);
  }

  one(claim: number): Claimed {
    return {
      buf: this.element(claim),
      claimStart: this.#ring.claimStart,
      claimEnd: this.#ring.claimEnd,
      allConsumersIgnoring: claim === Outcome.AllIgnored,
    };
  }

  many(claim: number): ClaimedMany {
    return {
      bufs: this.elements(claim),
      claimStart: this.#ring.claimStart,
      claimEnd: this.#ring.claimEnd,
      allConsumersIgnoring: claim === Outcome.AllIgnored,
    };
  }

  /** The range that was claimed last. */
  get latest(): { claimStart: number; claimEnd: number } {
    return {
      claimStart: this.#ring.claimStart,
      claimEnd: this.#ring.claimEnd,
    };
  }

  commit(claimStart: number, claimEnd: number): Operation<boolean> {
    let outcome: number | undefined;
    const attempt = () => {
      outcome =
        outcome === Commit.Pending
          ? this.#ring.awaitVisible(claimEnd, 0)
          : this.#ring.commit(claimStart, claimEnd, this.#mark);
      return outcome === Commit.Pending ? undefined : outcome === Commit.Visible;
    };
    return { attempt };
  }

  commitSync(claimStart: number, claimEnd: number, timeout?: number): boolean {
    const outcome = this.#ring.commit(claimStart, claimEnd, this.#mark);
    return this.#settled(outcome, claimEnd, timeout);
  }

  /** As `commitSync` for the range that was claimed last. */
  commitLatestSync(timeout?: number): boolean {
    const outcome = this.#ring.commitLatest(this.#mark);
    return outcome === Commit.Visible || this.#settled(outcome, this.#ring.claimEnd, timeout);
  }

  /** Whether the commit up to `claimEnd` has become visible, waiting for that if it is pending. */
  #settled(outcome: number, claimEnd: number, timeout: number | undefined): boolean {
    if (outcome !== Commit.Pending) return outcome === Commit.Visible;
    const tries = (milliseconds: number) => this.#ring.awaitVisible(claimEnd, milliseconds);
    const visible = blockUntil(this.#waiter, tries, outcome, timeout);
    return visible === Commit.Visible;
  }

  /**
   * Commits without waiting and for certain: as soon as the claims before it are committed, the range
   * is visible.
   */
  commitAnyway(claimStart: number, claimEnd: number): boolean {
    return this.#ring.commit(claimStart, claimEnd, 1) !== Commit.Refused;
  }

  recover(claimStart: number, claimEnd: number): Buffer[] {
    if (!this.#ring.takeOver(claimStart, claimEnd)) return [];
    return this.#slots.spans(claimStart % this.#ring.elementCount, claimEnd - claimStart + 1);
  }
}
