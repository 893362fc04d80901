// The channel that fork() opens between a parent and its child.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ECHO = fileURLToPath(new URL('./child-process-echo.js', import.meta.url));

function link(serialization) {
  return {
    /** Nothing: only a child of the caller's can answer it. */
    answer: () => () => undefined,
    call() {
      // It ends with us: nothing but the channel keeps it alive.
      const child = fork(ECHO, { serialization });
      let take;
      child.on('message', (value) => take(value));
      return (value) => {
        child.send(value);
        return new Promise((resolve) => {
          take = resolve;
        });
      };
    },
  };
}

export const links = { json: link('json'), advanced: link('advanced') };
