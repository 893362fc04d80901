// A redis-server for one measurement: on a unix socket, and nothing of it is written to disk.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { leftover } from './leftovers.js';
import { socketPath } from './place.js';

const PROGRAM = 'redis-server';
const START_MILLISECONDS = 30_000;

/** Whether it is installed. */
export function redisInstalled() {
  return spawnSync(PROGRAM, ['--version']).status === 0;
}

/** Where a place's server listens. */
export const redisPath = (place) => socketPath(place, 'redis');

async function listening(server, path) {
  const end = performance.now() + START_MILLISECONDS;
  while (server.exitCode === null && performance.now() < end) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await sleep(10);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`${PROGRAM} does not listen`);
}

/** Calls `measure` while a server listens. */
export async function withRedis(place, measure) {
  const path = redisPath(place);
  const options = { port: 0, unixsocket: path, save: '', appendonly: 'no', dir: tmpdir() };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn(PROGRAM, args, { stdio: 'ignore' });
  const kill = leftover(() => server.kill('SIGKILL'));
  try {
    await listening(server, path);
    return await measure();
  } finally {
    kill();
  }
}
