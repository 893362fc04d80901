// The monitor as a server: what it answers to whom, and how it ends.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import test from 'ava';

import type { SegmentLook } from '../../dist/monitor/look.js';
import { ring, ringOfRoles, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { word } from '../words.js';
import { command, ended, errorOf, start } from '../command/command.js';
import { ask, looks, lookWhere, monitor } from './monitoring.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

test('the page comes whole, with nothing from elsewhere and nothing for others', async (t) => {
  const running = await monitor(t);
  const page = await ask(running, { path: '/' });
  t.like(page, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
  t.regex(
    String(page.headers['content-security-policy']),
    /^default-src 'none'; script-src 'self';/,
  );
  t.is(page.headers['x-content-type-options'], 'nosniff');
  t.notRegex(page.body, /https?:|<style|style="|<script>/);
  const asked = new Set(
    [...page.body.matchAll(/(?:href|src)="(\/[\w.-]+)"/g)].map((each) => each[1]!),
  );
  for (const path of asked) {
    const { status, body, headers } = await ask(running, { path });
    t.is(status, 200, path);
    t.is(headers['access-control-allow-origin'], undefined);
    // What it imports is there as well.
    for (const each of body.matchAll(/from '\.(\/.*?)'/g)) asked.add(each[1]!);
  }
  t.true(
    asked.has('/uPlot.js') && asked.has('/uPlot.css') && asked.has('/metrics'),
    [...asked].join(),
  );
});

for (const path of [
  '/nothing',
  '/index',
  '/../server.js',
  '/%2e%2e/server.js',
  '//',
  '/events/x',
  '*',
]) {
  test(`there is no ${path}`, async (t) => {
    const { status } = await ask(await monitor(t), { path });
    t.is(status, 404);
  });
}

test('foreign names are refused: pages whose name was made to mean this machine', async (t) => {
  const running = await monitor(t, '--allow-host', 'rings.example', 'other.example');
  const { port } = running;
  for (const path of ['/', '/events', '/metrics', '/page.js', '/nothing']) {
    for (const host of [
      ...[
        'evil.example',
        `evil.example:${port}`,
        'localhost.evil.example',
        `127.0.0.1.evil.example`,
      ],
      ...['localhost@evil.example', 'evil.example/localhost', 'localhost evil', 'local', '.'],
    ]) {
      const { status } = await ask(running, { path, headers: { host } });
      t.is(status, 421, `${path} of ${host}`);
    }
  }
  for (const host of [
    ...['localhost', `localhost:${port}`, 'LOCALHOST', '127.0.0.1', `127.0.0.1:${port}`, '[::1]:1'],
    ...['rings.example', `Other.Example:${port}`],
  ]) {
    t.is((await ask(running, { path: '/', headers: { host } })).status, 200, host);
  }
});

test('whoever does not say whom it wants is refused', async (t) => {
  const { port } = await monitor(t);
  for (const head of ['GET / HTTP/1.0', 'GET / HTTP/1.1\r\nHost: ']) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.end(`${head}\r\n\r\n`);
    t.regex(await text(socket), /^HTTP\/1\.1 4\d\d /, head);
  }
});

test('only looking: other methods are refused', async (t) => {
  const running = await monitor(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
    for (const path of ['/', '/events', '/metrics']) {
      const { status, headers } = await ask(running, { method, path });
      t.deepEqual([status, headers.allow], [405, 'GET, HEAD'], `${method} ${path}`);
    }
  }
  for (const path of ['/', '/events', '/metrics', '/uPlot.js']) {
    t.like(await ask(running, { method: 'HEAD', path }), { status: 200, body: '' });
  }
});

test('the stream shows a ring as it goes on, and how fast', async (t) => {
  const made = ringOfRoles(t, { consumers: { journal: {}, audit: {} } });
  const running = await monitor(t);
  const producer = made.producer();
  const journal = made.consumer('journal');
  t.teardown(() => {
    producer.close();
    journal.close();
  });
  const seen = looks(running, made.name);
  const first = (await seen.next()).value as SegmentLook;
  t.like(first, { kind: 'disruptor', state: 'in use', geometry: '8 x 4 B', notes: [] });
  t.like(first.ring, { elements: 8, cursor: 0, used: 0, gaps: { count: 0, elements: 0 } });
  producer.tryPublishMany([word(1), word(2), word(3)]);
  journal.tryNext();
  journal.commit(0);
  let fastest = 0;
  for await (const { ring: now } of seen) {
    fastest = Math.max(fastest, now!.rate ?? 0);
    if (now!.cursor < 3 || now!.rate !== 0) continue;
    t.like(now, { next: 3, used: 3, gating: 0 });
    t.deepEqual(
      now!.consumers.map(({ name, life, sequence, lag }) => [name, life, sequence, lag]),
      [
        ['journal', 'alive', 1, 2],
        ['audit', 'never came', 0, 3],
      ],
    );
    break;
  }
  t.true(fastest > 0);
});

test('a damaged segment says so', async (t) => {
  const { name } = ring.named(t);
  const file = openSync(`/dev/shm${name}`, 'r+');
  writeSync(file, Buffer.from([77]), 0, 1, 8);
  closeSync(file);
  const look = await lookWhere(await monitor(t), name, () => true);
  t.like(look, { state: 'damaged', ring: undefined, geometry: undefined });
  t.regex(look.notes[0]!, /layout of another version/);
});

test('looking changes not a byte', async (t) => {
  const made = ringOfRoles(t, { consumers: { journal: {} } });
  const producer = made.producer();
  t.teardown(() => {
    producer.close();
  });
  producer.tryPublishMany([word(1), word(2)]);
  const before = readFileSync(`/dev/shm${made.name}`);
  const running = await monitor(t);
  const seen = looks(running, made.name);
  for (let count = 0; count < 5; count += 1) await seen.next();
  t.is((await ask(running, { path: '/metrics' })).status, 200);
  await seen.return(undefined);
  t.true(before.equals(readFileSync(`/dev/shm${made.name}`)));
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} ends it, whoever is connected`, async (t) => {
    const { name } = ring.named(t);
    const running = await monitor(t);
    const seen = looks(running, name);
    await seen.next();
    t.is(await running.end(signal), code);
    await t.notThrowsAsync(async () => {
      for await (const look of seen) t.is(look.name, name);
    }, 'the stream has an end');
  });
}

test('a port that is taken, and one that is none', async (t) => {
  const { port } = await monitor(t);
  const taken = await command(t, 'monitor', '--port', String(port), '--json');
  t.is(taken.end, 1);
  t.is(errorOf(taken).code, 'EADDRINUSE');
  for (const args of [
    ['--port', '65536'],
    ['--port', ''],
    ['--port', '1e3'],
    ['--interval', '0'],
  ]) {
    t.is((await command(t, 'monitor', ...args)).end, 2, args.join(' '));
  }
  t.is(errorOf(await command(t, 'monitor', '--host', '192.0.2.1', '--json')).code, 'EADDRNOTAVAIL');
});

test('it says where it is, and to whom else it shows', async (t) => {
  const child = start(t, 'monitor', '--port', '0', '--host', '0.0.0.0');
  child.stdout.once('data', () => child.kill('SIGINT'));
  const { output, errors } = await ended(child);
  t.regex(output, /^Segments at http:\/\/0\.0\.0\.0:\d+\/\nPrometheus at .*\/metrics\n/);
  t.regex(errors, /whoever reaches 0\.0\.0\.0 sees/);
});
