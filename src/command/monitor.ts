import { once } from 'node:events';
import { isIP } from 'node:net';

import { Monitor } from '../monitor/server.js';
import { interruption } from './exit.js';
import { printJson } from './output.js';
import { print } from './standard.js';

/** What `monitor` takes. */
export interface MonitorOptions {
  json?: boolean;
  host: string;
  port: number;
  /** Seconds between looks. */
  interval: number;
  /** Further names in Host headers. */
  allowHost?: string[];
}

const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** Serves the page until somebody interrupts it. */
export async function monitor(options: MonitorOptions, version: string): Promise<void> {
  const { json = false, host, port, interval, allowHost: allowed = [] } = options;
  const signal = interruption();
  const served = new Monitor({ host, port, interval, allowed, version });
  const url = await served.listen();
  try {
    await (json
      ? printJson({ url, metrics: `${url}metrics` })
      : print(`Segments at ${url}\nPrometheus at ${url}metrics\nEnds with ^C.`));
    if (!isLoopback(host)) {
      console.error(`shm-disruptor: whoever reaches ${host} sees names, owners and figures.`);
    }
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await served.close();
  }
}
