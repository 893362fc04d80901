/**
 * Runs a child's part when the main process says so, and sends it the result; child.js is the other
 * side. An error ends the child with an exit code, which says enough.
 */
export function play(part) {
  process.once('message', async () => {
    process.send(await part(), () => process.disconnect());
  });
  // Also when the main process was killed: nobody waits for us then.
  process.once('disconnect', () => process.exit());
  process.send('ready');
}
