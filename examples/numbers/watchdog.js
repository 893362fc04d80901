// With `spin` a producer waits for its consumer for ever, and the other way round. Both sides see
// how far the consumer has come: when that stands still, the other side is not there.

/** Ends this process with `hint` when the consumer has not moved for PATIENCE seconds. */
export function exitWhenStuck(ring, hint) {
  const patience = Number(process.env.PATIENCE ?? 30);
  let before = ring.consumers.readBigUInt64LE();
  const timer = setInterval(() => {
    const now = ring.consumers.readBigUInt64LE();
    if (now === before) {
      console.error(`Nothing was read for ${patience} s. ${hint}`);
      process.exit(1);
    }
    before = now;
  }, patience * 1000);
  timer.unref();
}
