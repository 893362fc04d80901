// A nats-server of our own on a free port, with its files in a folder of its own; both go when we do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Its address; undefined where it is not installed. */
export async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), 'two-machines-'));
  const port = await freePort();
  const options = { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } };
  const args = ['-a', '127.0.0.1', '-p', port, '-js', '-sd', folder].map(String);
  const server = spawn('nats-server', args, options);
  let missing = false;
  server.once('error', () => (missing = true));
  server.unref();
  process.once('exit', () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  while (!missing && !(await reachable(port))) await delay(20);
  return missing ? undefined : `nats://127.0.0.1:${port}`;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function reachable(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
