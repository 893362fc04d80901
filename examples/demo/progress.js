import cliProgress from 'cli-progress';

import { atEnd } from './undo.js';

let stream = process.stdout;

/** Has progress shown there instead of on standard output. */
export function showProgressOn(other) {
  stream = other;
}

/**
 * Shows how far a scenario has come, which `look` tells: a bar on a terminal, and a line a second
 * elsewhere. Returns what ends the display.
 */
export function showProgress(title, total, look) {
  const bar = new cliProgress.SingleBar({
    format: `${title} {bar} {percentage} %`,
    stream,
    noTTYOutput: true,
    notTTYSchedule: 1000,
  });
  bar.start(total, 0);
  // The bar has changed the terminal's settings.
  atEnd(() => bar.stop());
  const timer = setInterval(() => bar.update(look()), 100);
  return () => {
    clearInterval(timer);
    bar.update(look());
    bar.stop();
  };
}
