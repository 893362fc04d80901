// The URL of an engine's server: what it says, and what it does not tell.
import test from 'ava';

import type * as Urls from '../dist/bridge/server-url.js';

const { serverUrl } = (await import(
  new URL('../../dist/bridge/server-url.js', import.meta.url).href
)) as typeof Urls;

const parts = (text: string) => serverUrl(text, ['nats', 'tls'], 4222, 'servers');

for (const [text, expected] of Object.entries({
  'nats://host': { user: undefined, password: undefined, address: 'host:4222' },
  'nats://host:1/': { user: undefined, password: undefined, address: 'host:1' },
  'nats://user:pass@host': { user: 'user', password: 'pass' },
  'nats://token@host': { user: 'token', password: undefined },
  'nats://user:@host': { user: 'user', password: '' },
  'nats://:pass@host': { user: undefined, password: 'pass' },
  'nats://u%3A%40:4%2F2%3A@host:5': { user: 'u:@', password: '4/2:', address: 'host:5' },
  'tls://[::1]:7': { scheme: 'tls', host: '::1', address: '[::1]:7' },
})) {
  test(`what it says: ${text}`, (t) => {
    t.like(parts(text), expected);
  });
}

for (const text of ['http://user:secret@host', 'nats://user:secret@host/path', 'user:secret@']) {
  test(`an error does not tell the password: ${text.replace('secret', '...')}`, (t) => {
    const error = t.throws(() => parts(text), { code: 'ERR_INVALID_ARG_VALUE' });
    t.notRegex(error.message, /secret/);
  });
}
