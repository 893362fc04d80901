import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** Why somebody is refused. */
export interface Refused {
  status: number;
  /** For people. */
  reason: string;
  headers?: Record<string, string>;
}

/** The name in a Host header, without its port. Undefined where it is none. */
function hostName(host: string | undefined): string | undefined {
  if (host === undefined || !URL.canParse(`http://${host}`)) return undefined;
  const url = new URL(`http://${host}`);
  // A user or a path in it is somebody's trick.
  if (url.username !== '' || url.password !== '' || url.pathname !== '/') return undefined;
  return url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}

/**
 * Who may ask, and how. A foreign page can have its own name resolve to this machine and would then
 * count as the same origin as the monitor (DNS rebinding). What it cannot do is to send another name in
 * the Host header: addresses and names that are known are safe, all others are refused.
 *
 * @param names - by which the monitor may be called beside `localhost` and all addresses
 */
export function admission(
  names: readonly string[],
): (request: IncomingMessage) => Refused | undefined {
  const known = new Set(['localhost', ...names.map((name) => name.toLowerCase())]);
  return ({ method, headers }) => {
    const name = hostName(headers.host);
    if (name === undefined || !(known.has(name) || isIP(name))) {
      return { status: 421, reason: 'This monitor has another name: see --allow-host' };
    }
    if (method !== 'GET' && method !== 'HEAD') {
      return { status: 405, reason: 'This monitor only shows', headers: { Allow: 'GET, HEAD' } };
    }
    return undefined;
  };
}
