// What must not outlive this process, however it ends: child processes, segments, sockets.

const removals = new Set();

/** Has `remove` called when the process ends, unless the function that it returns was called. */
export function leftover(remove) {
  removals.add(remove);
  return () => {
    removals.delete(remove);
    remove();
  };
}

// The latest first: processes before the segments that they might create.
process.on('exit', () => {
  for (const remove of [...removals].reverse()) remove();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
