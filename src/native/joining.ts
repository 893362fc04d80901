/** Where a consumer begins, in the order of `Start::Kind` in `addon/core/consumers.h`. */
export const Start = { Latest: 0, Oldest: 1, Sequence: 2 } as const;

/** A consumer that joins. */
export interface Joining {
  /** Empty for none. */
  name: string;
  group: boolean;
  /** Names of those to come after; undefined for whatever the ring says. */
  after: string[] | undefined;
  start: number;
  sequence: number;
}
