import { createServer } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { observeAll } from '../observe/observation.js';
import { admission } from './admission.js';
import { pageFiles } from './files.js';
import { metrics } from './metrics.js';
import { Stream } from './stream.js';

/** Where and how a monitor is to be. */
export interface MonitorOptions {
  /** Name or address to listen at. */
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** Seconds between two looks. */
  interval: number;
  /** Further names by which it may be called. */
  allowed: readonly string[];
  /** Of the package. */
  version: string;
}

/** With every answer. The page needs nothing from anywhere else, and nobody else needs anything of it. */
const HEADERS: OutgoingHttpHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

const TEXT = 'text/plain; charset=utf-8';
/** What Prometheus wants to be told. */
const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8';

/** The page of all segments, the stream that it shows, and the same figures for Prometheus. */
export class Monitor {
  readonly #server: Server;
  readonly #stream: Stream;
  readonly #options: MonitorOptions;

  constructor(options: MonitorOptions) {
    const { version, interval, host, allowed } = options;
    this.#options = options;
    this.#stream = new Stream({ version, interval });
    const files = pageFiles();
    const refused = admission([host, ...allowed]);
    this.#server = createServer((request, response) => {
      const refusal = refused(request);
      if (refusal) {
        const { status, reason, headers } = refusal;
        answer(request, response, status, { 'Content-Type': TEXT, ...headers }, `${reason}\n`);
        return;
      }
      const path = request.url!.replace(/\?.*$/s, '');
      const file = files.get(path);
      if (file) answer(request, response, 200, { 'Content-Type': file.type }, file.content);
      else if (path === '/events') this.#connect(request, response);
      else if (path === '/metrics') void measured(request, response);
      else answer(request, response, 404, { 'Content-Type': TEXT }, 'There is no such page\n');
    });
  }

  /** Listens, and resolves to where. Rejects with `EADDRINUSE`, `EACCES`, `ENOTFOUND` and the like. */
  async listen(): Promise<string> {
    const { host, port } = this.#options;
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    const { address, port: given, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${given}/`;
  }

  /** Ends all connections, and resolves when that is done. */
  async close(): Promise<void> {
    this.#stream.close();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #connect(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
    if (request.method === 'HEAD') response.end();
    else this.#stream.connect(response);
  }
}

function answer(
  { method }: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  content: string | Buffer,
): void {
  response.writeHead(status, {
    ...HEADERS,
    'Content-Length': Buffer.byteLength(content),
    ...headers,
  });
  response.end(method === 'HEAD' ? undefined : content);
}

async function measured(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const text = await metrics(observeAll());
    answer(request, response, 200, { 'Content-Type': EXPOSITION }, text);
  } catch (error) {
    const reason = `${(error as Error).message}\n`;
    answer(request, response, 500, { 'Content-Type': TEXT }, reason);
  }
}
