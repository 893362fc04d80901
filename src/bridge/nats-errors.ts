import { Disconnected } from './endpoint.js';
import { isTlsRefusal } from './tls.js';

/** What the client throws: its own errors have a code, those of JetStream the server's answer as well. */
interface NatsFailure {
  code?: unknown;
  message?: unknown;
  api_error?: { code: number; err_code: number };
  chainedError?: { code?: unknown };
}

const REFUSALS: ReadonlySet<unknown> = new Set([
  'ACCOUNT_EXPIRED',
  'AUTHENTICATION_EXPIRED',
  'AUTHORIZATION_VIOLATION',
  'BAD_AUTHENTICATION',
  'BAD_CREDS',
  'INVALID_OPTION',
  'NOT_FUNC',
  'PERMISSIONS_VIOLATION',
  'SERVER_OPT_NA',
  'TLS',
]);

/** Codes of the server (`err_code`). */
const MESSAGE_TOO_LARGE = 10054;
const OTHER_STREAM = 10060;
const NOT_ENABLED: ReadonlySet<number> = new Set([10039, 10076]);
/** A chain of messages that another publisher, or a lost one, has broken: it begins anew. */
const CHAIN_BROKEN: ReadonlySet<number> = new Set([10070, 10071]);

/** Whether the server says that there is no such stream or consumer. */
export function isMissing(error: unknown): boolean {
  return (error as NatsFailure | undefined)?.api_error?.code === 404;
}

/** Whether the server does not let this user do it. */
export function isForbidden(error: unknown): boolean {
  return (error as NatsFailure | undefined)?.code === 'PERMISSIONS_VIOLATION';
}

/** Whether nothing listens where a request went. */
export function isUnanswered(error: unknown): boolean {
  const { code, api_error } = error as NatsFailure;
  return code === '503' && api_error === undefined;
}

/** Whether the message is longer than the server, or the stream, ever takes. */
export function isTooLarge(error: unknown): boolean {
  const { code, api_error } = error as NatsFailure;
  return code === 'MAX_PAYLOAD_EXCEEDED' || api_error?.err_code === MESSAGE_TOO_LARGE;
}

/** Whether another stream takes the message's subject. */
export function isElsewhere(error: unknown): boolean {
  return (error as NatsFailure).api_error?.err_code === OTHER_STREAM;
}

function isRefusal({ code, api_error, chainedError }: NatsFailure): boolean {
  if (api_error) {
    if (CHAIN_BROKEN.has(api_error.err_code)) return false;
    return api_error.code < 500 || NOT_ENABLED.has(api_error.err_code);
  }
  if (chainedError && isTlsRefusal(chainedError)) return true;
  return REFUSALS.has(code) || isTlsRefusal({ code });
}

/** What the client threw, as what a bridge understands. */
export function natsDisconnected(error: unknown): Disconnected {
  if (error instanceof Disconnected) return error;
  const failure = (typeof error === 'object' ? error : undefined) as NatsFailure | undefined;
  if (!failure) return new Disconnected('NATS', error ?? new Error('the connection was closed'));
  const told = isUnanswered(failure)
    ? new Error('JetStream does not answer: it is not enabled, or has no leader', { cause: error })
    : error;
  return new Disconnected('NATS', told, { retriable: !isRefusal(failure) });
}

/** The engine refuses for this reason, which no retry cures. */
export const natsRefusal = (reason: string, cause?: unknown) =>
  new Disconnected('NATS', new Error(reason, { cause }), { retriable: false });
