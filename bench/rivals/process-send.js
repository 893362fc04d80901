// The channel that fork() opens: a sender is its receiver's child. Buffers keep their kind with the
// serialization 'advanced' only.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SENDER = fileURLToPath(new URL('./process-send-sender.js', import.meta.url));

export const messages = {
  /** Nothing: only a child of the receiver's can send to it. */
  sender: () => () => undefined,
  async receiver({ size, crowd, messages: count }) {
    const part = count / crowd;
    // It ends with us, when the channel does.
    const child = fork(SENDER, [String(size), String(part)], { serialization: 'advanced' });
    await once(child, 'message');
    return () => {
      let received = 0;
      return new Promise((resolve, reject) => {
        child.on('message', (message) => {
          if (message.length !== size) reject(new Error(`a message of ${message.length} bytes`));
          received += 1;
          if (received === part) resolve(received);
        });
        child.send('go');
      });
    };
  },
};
