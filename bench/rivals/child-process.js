// The channel that fork() opens between a parent and its child.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ECHO = fileURLToPath(new URL('./child-process-echo.js', import.meta.url));

export const links = {
  await: {
    /** Nothing: only a child of the caller's can answer it. */
    answer: () => () => undefined,
    call() {
      // It ends with us: nothing but the channel keeps it alive.
      const child = fork(ECHO);
      let take;
      child.on('message', (value) => take(value));
      return (value) => {
        child.send(value);
        return new Promise((resolve) => {
          take = resolve;
        });
      };
    },
  },
};
