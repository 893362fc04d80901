// The sending process of process-send.js.
import { once } from 'node:events';

const [size, count] = process.argv.slice(2).map(Number);
const MAX_UNDER_WAY = 1000;
process.send('ready');
await once(process, 'message');
const message = Buffer.alloc(size, 'm');
for (let i = 1; i <= count; i += 1) {
  if (i % MAX_UNDER_WAY > 0) process.send(message);
  else await new Promise((resolve) => process.send(message, resolve));
}
