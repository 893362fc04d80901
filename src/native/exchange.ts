/** What each number of the exchange means; the same list stands in `addon/binding/exchange.h`. */
export const Exchange = {
  Handle: 0,
  Start: 1,
  End: 2,
  Least: 3,
  Most: 4,
  Mark: 5,
  Consumer: 6,
  Milliseconds: 7,
  Word: 8,
  Key: 9,
  Status: 10,
  Outcome: 11,
} as const;
