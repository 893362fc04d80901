// Servers of the engines on this machine, for tests, benchmarks and examples: started on a free port of
// the loopback with an empty folder of their own, and gone with us.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PROGRAMS = { nats: 'nats-server', redis: 'redis-server' };

const ARGUMENTS = {
  nats: (port, folder) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
  redis: (port, folder) => [
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
    // What was acknowledged is in a file: it outlives a kill.
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
    // Shortening its log takes a processor from whoever is measured.
    ...['--auto-aof-rewrite-percentage', '0'],
  ],
};

/** Where the server's program is; undefined where it is not installed. */
export function programOf(engine) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, PROGRAMS[engine])).find((file) => existsSync(file));
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

/** One server: `nats` or `redis`. */
export class Server {
  #engine;
  #port;
  #folder;
  #more;
  #process;
  #atExit = () => {
    this.#process?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  /**
   * Starts one. Its program must be installed. `more` gives further arguments for its command line: of
   * users, of certificates.
   */
  static async start(engine, more = () => []) {
    const server = new Server();
    server.#engine = engine;
    server.#port = await freePort();
    server.#more = more(server.#port);
    server.#folder = mkdtempSync(join(tmpdir(), `shm-disruptor-${engine}-`));
    process.once('exit', server.#atExit);
    await server.again();
    return server;
  }

  get url() {
    return `${this.#engine}://127.0.0.1:${this.#port}`;
  }

  /** Host and port. */
  get address() {
    return `127.0.0.1:${this.#port}`;
  }

  /** Starts it again, with its data. */
  async again() {
    const args = [...ARGUMENTS[this.#engine](this.#port, this.#folder), ...this.#more];
    const child = spawn(programOf(this.#engine), args, { stdio: 'ignore' });
    // It is no reason to live.
    child.unref();
    this.#process = child;
    while (!(await reachable(this.#port))) {
      if (child.exitCode !== null) throw new Error(`${this.#engine} ended: ${child.exitCode}`);
      await delay(20);
    }
  }

  /** Ends it at once, as a crash would. */
  async kill() {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.ref();
    child.kill('SIGKILL');
    await gone;
  }

  /** Stops it where it is (`SIGSTOP`), or has it go on (`SIGCONT`). */
  signal(signal) {
    this.#process?.kill(signal);
  }

  /** Ends it, and removes its data. */
  async end() {
    await this.kill();
    process.off('exit', this.#atExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
