import { Disconnected } from './endpoint.js';
import { isTlsRefusal } from './tls.js';

interface KafkaFailure {
  name?: unknown;
  /** Of an error of the protocol: what the broker said. */
  type?: unknown;
  code?: unknown;
  cause?: unknown;
}

// The client's own `retriable` says whether it goes on by itself: a new connection also cures timeouts and
// what a rebalance has left behind.
const REFUSALS =
  /AUTHORIZATION_FAILED$|SASL_|^(MESSAGE|RECORD_LIST)_TOO_LARGE$|^INVALID_TOPIC_|^UNSUPPORTED_VERSION$/;

function isRefusal(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, type, code, cause } = error as KafkaFailure;
  if (name === 'KafkaJSSASLAuthenticationError' || isTlsRefusal({ code })) return true;
  return (typeof type === 'string' && REFUSALS.test(type)) || isRefusal(cause);
}

/** What the client threw, as what a bridge understands. */
export const kafkaDisconnected = (error: unknown) =>
  new Disconnected('Kafka', error, { retriable: !isRefusal(error) });
