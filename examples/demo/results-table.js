import Table from 'cli-table3';

const MEGA = 1e6;

/** Prints one line for each scenario. Bytes and messages count once, however many read them. */
export function printTable(results) {
  const table = new Table({
    head: ['scenario', 'messages', 'bytes', 'seconds', 'msg/s', 'MB/s', 'checksums equal'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
    // Colours would be noise in a file.
    style: { head: [], border: [] },
  });
  for (const { scenario, messages, bytes, seconds, equal } of results) {
    table.push([
      scenario,
      // A stream has bytes, but no messages.
      messages === undefined ? '-' : count(messages),
      count(bytes),
      seconds.toFixed(2),
      messages === undefined ? '-' : count(messages / seconds),
      (bytes / MEGA / seconds).toFixed(1),
      equal ? 'yes' : 'no',
    ]);
  }
  console.log(table.toString());
}

function count(number) {
  return Math.round(number).toLocaleString('en');
}
