/** Something about a segment that somebody should know. */
export interface Finding {
  /** For programs. */
  code: string;
  /** For people: a sentence without its full stop. */
  reason: string;
}
