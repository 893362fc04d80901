import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import { optionsObject, wrongType, wrongValue } from '../validate.js';
import type { OptionNames } from '../validate.js';

/**
 * How an engine is reached over TLS. The files are PEM, and are read anew for each connection, so that
 * renewed certificates are used from the next one on.
 */
export interface EngineTls {
  /** A file with the certificates of the authorities that the server's is checked against. Default: Node's. */
  caFile?: string;
  /** A file with this client's certificate, where the server asks for one. Needs `keyFile`. */
  certFile?: string;
  /** A file with the key of that certificate. */
  keyFile?: string;
  /** The name that the server's certificate must have. Default: the host of the URL. */
  servername?: string;
}

const TLS: OptionNames<EngineTls> = {
  caFile: true,
  certFile: true,
  keyFile: true,
  servername: true,
};

/** @throws TypeError */
export function checkTls(tls: EngineTls | undefined): EngineTls | undefined {
  if (tls === undefined) return undefined;
  for (const [key, value] of Object.entries(optionsObject<EngineTls>(tls, TLS, 'tls'))) {
    checkFile(value, `tls.${key}`);
  }
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    throw wrongValue('both of certFile and keyFile, or none of them,', 'tls', tls);
  }
  return tls;
}

/** @throws TypeError for what cannot be a path */
export function checkFile(value: unknown, name: string): void {
  if (value !== undefined && (typeof value !== 'string' || value === '')) {
    throw wrongType('a path', name, value);
  }
}

/**
 * The same for Node's `tls.connect`.
 *
 * @param host - where to, for a client that does not say it itself
 * @throws Error of the system, with the path, for a file that cannot be read
 */
export function readTls({ caFile, certFile, keyFile, servername }: EngineTls, host = ''): object {
  return {
    ...(caFile !== undefined && { ca: readFileSync(caFile) }),
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) }),
    ...(servername !== undefined && { servername }),
    // A client that upgrades a connection may not say whose certificate it expects: Node then expects
    // that of `localhost`.
    ...(isIP(host) !== 0 && { host }),
  };
}

const REFUSALS =
  /^(ERR_(TLS|SSL|OSSL)_|CERT_|UNABLE_TO_(GET|VERIFY|DECODE|DECRYPT)_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_)/;

/** Whether this side, or the other, refuses the certificate or the protocol of the other. */
export function isTlsRefusal({ code }: { code?: unknown }): boolean {
  return typeof code === 'string' && REFUSALS.test(code) && code !== 'ERR_TLS_HANDSHAKE_TIMEOUT';
}
