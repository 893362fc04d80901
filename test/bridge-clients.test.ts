// The clients of the engines are loaded when they are used, and said to be missing when they are.
import test from 'ava';

import type * as Clients from '../dist/bridge/client.js';

const { clientOf } = (await import(
  new URL('../../dist/bridge/client.js', import.meta.url).href
)) as typeof Clients;

test('a client that is not installed is named, with the command that installs it', async (t) => {
  const name = 'shm-disruptor-has-no-such-client';
  const error = await t.throwsAsync(clientOf('Nowhere', name, () => import(name)));
  t.like(error, {
    code: 'ERR_CLIENT_MISSING',
    message: `A bridge to Nowhere needs the package ${name}. Install it with: npm install ${name}`,
  });
});

test('a client that fails by itself says so', async (t) => {
  const failure = new Error('broken');
  const error = await t.throwsAsync(clientOf('Nowhere', 'x', () => Promise.reject(failure)));
  t.is(error, failure);
});
