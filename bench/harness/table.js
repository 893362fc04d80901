// Rows as a table. A column is a heading and how to say a row's value.
import Table from 'cli-table3';

const number = (value, digits) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const range = ({ min, max }, digits) => `${number(min, digits)} - ${number(max, digits)}`;

/** A number, or nothing where the row has none. */
export function column(heading, value, digits) {
  return [
    heading,
    (row) => {
      const shown = value(row);
      return shown === undefined ? '' : number(shown, digits);
    },
  ];
}

/** Nanoseconds for one `thing`, and what that amounts to in a second. */
export function costColumns(thing) {
  return [
    column(`ns/${thing}`, ({ cost }) => cost.median, 1),
    ['min - max', ({ cost }) => range(cost, 1)],
    column(`million ${thing}s/s`, ({ cost }) => 1e3 / cost.median, 2),
  ];
}

export function rateColumns(unit) {
  return [column(unit, ({ rate }) => rate.median, 2), ['min - max', ({ rate }) => range(rate, 2)]];
}

export const nameColumn = ['name', ({ name }) => name];

/** How many times faster than the rival; more is better. */
export const ratioColumn = column('x rival', ({ timesRival }) => timesRival, 2);

export function formatTable(columns, rows) {
  const table = new Table({
    head: columns.map(([heading]) => heading),
    colAligns: columns.map((_, i) => (i === 0 ? 'left' : 'right')),
    // No colours: the output goes into files as often as onto terminals.
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push(columns.map(([, value]) => value(row)));
  return table.toString();
}
