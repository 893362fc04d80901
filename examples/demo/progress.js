import cliProgress from 'cli-progress';

import { SECONDS } from './pace.js';
import { atEnd } from './undo.js';

let stream = process.stdout;

/** Has progress shown there instead of on standard output. */
export function showProgressOn(other) {
  stream = other;
}

/**
 * Shows how much of its time a scenario has had: a bar on a terminal, and a line a second elsewhere.
 * Returns what ends the display.
 */
export function showProgress(title) {
  const bar = new cliProgress.SingleBar({
    format: `${title} {bar} {percentage} %`,
    stream,
    noTTYOutput: true,
    notTTYSchedule: 1000,
  });
  const begin = performance.now();
  bar.start(SECONDS, 0);
  // The bar has changed the terminal's settings.
  atEnd(() => bar.stop());
  const look = () => bar.update(Math.min(SECONDS, (performance.now() - begin) / 1000));
  const timer = setInterval(look, 100);
  return () => {
    clearInterval(timer);
    look();
    bar.stop();
  };
}
