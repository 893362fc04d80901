// Certificates, and users of NATS with keys, made for one test.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ExecutionContext } from 'ava';
import * as client from 'nats';

/** An empty folder, as long as the test runs. */
export function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shm-disruptor-secrets-'));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** Paths of PEM files. */
export interface Certificates {
  ca: string;
  /** Of an authority that has signed nothing. */
  otherCa: string;
  /** For 127.0.0.1 alone, and for no name. */
  server: { cert: string; key: string };
  client: { cert: string; key: string };
}

/** An authority, and what it has signed. */
export function certificates(t: ExecutionContext): Certificates {
  const path = folder(t);
  const file = (name: string) => join(path, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = (name: string) => [
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', file(`${name}.key`), '-subj', `/CN=${name}`],
  ];
  const authority = (name: string) => {
    openssl('req', '-x509', ...newKey(name), '-days', '2', '-out', file(`${name}.pem`));
    return file(`${name}.pem`);
  };
  const signed = (name: string, extensions: string) => {
    writeFileSync(file('extensions'), extensions);
    openssl('req', ...newKey(name), '-out', file(`${name}.csr`));
    openssl(
      ...['x509', '-req', '-in', file(`${name}.csr`), '-days', '2', '-out', file(`${name}.pem`)],
      ...['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'],
      ...['-extfile', file('extensions')],
    );
    return { cert: file(`${name}.pem`), key: file(`${name}.key`) };
  };
  return {
    ca: authority('ca'),
    otherCa: authority('other'),
    server: signed('server', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth'),
    client: signed('client', 'subjectAltName=DNS:client\nextendedKeyUsage=clientAuth'),
  };
}

/** A pair of keys, as the client makes it. */
interface Key {
  getPublicKey(): string;
  getSeed(): Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

const nkeys = client.nkeys as Record<'createOperator' | 'createAccount' | 'createUser', () => Key>;

/** A JWT as NATS has it. */
function token(issuer: Key, subject: Key, name: string, nats: object): string {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    jti: name,
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats: { ...nats, version: 2 },
  };
  const body = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`;
  return `${body}.${Buffer.from(issuer.sign(Buffer.from(body))).toString('base64url')}`;
}

/** The configuration of a server that knows users by their keys, and the credentials of one of them. */
export function natsUser(t: ExecutionContext): { config: string; creds: string } {
  const path = folder(t);
  const operator = nkeys.createOperator();
  // JetStream keeps its own affairs in an account of the system.
  const [system, account] = [nkeys.createAccount(), nkeys.createAccount()];
  const user = nkeys.createUser();
  const all = -1;
  const limits = {
    ...{ subs: all, data: all, payload: all, imports: all, exports: all, wildcards: true },
    ...{ conn: all, leaf: all, mem_storage: all, disk_storage: all, streams: all, consumer: all },
  };
  const seal = (type: string, key: Key, more: object) =>
    token(key === user ? account : operator, key, type, { ...more, type });
  const config = join(path, 'server.conf');
  writeFileSync(
    config,
    `operator: ${seal('operator', operator, {})}
resolver: MEMORY
resolver_preload: {
  ${account.getPublicKey()}: ${seal('account', account, { limits })}
  ${system.getPublicKey()}: ${seal('account', system, {})}
}
system_account: ${system.getPublicKey()}
`,
  );
  const creds = join(path, 'user.creds');
  const jwt = seal('user', user, { subs: all, data: all, payload: all, pub: {}, sub: {} });
  const seed = Buffer.from(user.getSeed()).toString();
  writeFileSync(
    creds,
    `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`,
  );
  return { config, creds };
}
