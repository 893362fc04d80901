import { constants } from 'node:os';

const steps = [];

/** Has `step` done when this process ends, for whatever reason; the latest step goes first. */
export function atEnd(step) {
  steps.push(step);
}

process.once('exit', () => {
  for (const step of steps.reverse()) step();
});

// A signal that nobody listens to would end us without 'exit'.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
