// Servers of the engines, on this machine and for one test: started on a free port of the loopback,
// killed and started again with the same data, and gone at the end.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The engines that can be had here. */
export type Engine = 'nats' | 'redis';

const PROGRAMS: Record<Engine, string> = { nats: 'nats-server', redis: 'redis-server' };

const ARGUMENTS: Record<Engine, (port: number, folder: string) => string[]> = {
  nats: (port, folder) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
  redis: (port, folder) => [
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
    // What was acknowledged is in a file: it outlives a kill.
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
  ],
};

/** Where the server's program is; undefined where it is not installed. */
export function programOf(engine: Engine): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, PROGRAMS[engine])).find((file) => existsSync(file));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function reachable(port: number): Promise<boolean> {
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

/** A server that belongs to the test. */
export class Server {
  readonly #engine: Engine;
  readonly #port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(engine: Engine, port: number, folder: string) {
    this.#engine = engine;
    this.#port = port;
    this.#folder = folder;
  }

  /** Starts one, with nothing in it. */
  static async start(engine: Engine): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), `shm-disruptor-${engine}-`));
    const server = new Server(engine, await freePort(), folder);
    await server.again();
    return server;
  }

  get url(): string {
    return `${this.#engine}://127.0.0.1:${this.#port}`;
  }

  /** Starts it again, with its data. */
  async again(): Promise<void> {
    const args = ARGUMENTS[this.#engine](this.#port, this.#folder);
    const child = spawn(programOf(this.#engine)!, args, { stdio: 'ignore' });
    this.#process = child;
    while (!(await reachable(this.#port))) {
      if (child.exitCode !== null) throw new Error(`${this.#engine} ended: ${child.exitCode}`);
      await delay(20);
    }
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await gone;
  }

  /** Stops it where it is, or has it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  /** Ends it, and removes its data. */
  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
