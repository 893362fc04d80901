// How participants are told to end.

/** What the application's status word says. */
export enum Phase {
  Run,
  /** Producers end. */
  Stop,
  /** Consumers end when they have everything. */
  Drain,
}
