import { Disconnected } from './endpoint.js';
import { isTlsRefusal } from './tls.js';

// What begins the server's answer. A script of a server before 7.0 has its own words in front of it.
const REFUSALS = new RegExp(
  '^(ERR Error running script.*?: )?(?:-?' +
    [
      'NOAUTH|WRONGPASS|NOPERM|WRONGTYPE|NOGROUP|DENIED|NOPROTO',
      'ERR (invalid password|Client sent AUTH|AUTH |DB index|invalid DB index|unknown command)',
      'ERR (The user executing the script can.t|ACL failure)',
    ].join('|') +
    ')',
  'i',
);

/** The server ends a connection whose request has an argument that is longer than it takes. */
export function isTooLarge(error: unknown): boolean {
  return String((error as { message?: unknown }).message).includes('invalid bulk length');
}

/** What the client threw, as what a bridge understands. */
export function redisDisconnected(error: unknown): Disconnected {
  const failure = error as { code?: unknown; message?: unknown; command?: Command } | undefined;
  hideSecrets(failure?.command);
  const refused =
    failure !== undefined &&
    (REFUSALS.test(String(failure.message)) || isTlsRefusal({ code: failure.code }));
  return new Disconnected('Redis', error, { retriable: !refused });
}

interface Command {
  name?: unknown;
  args?: unknown;
}

// The client tells with an error which command it was, and so the password.
function hideSecrets(command: Command | undefined): void {
  if (command?.name === 'auth' || command?.name === 'hello') command.args = [];
}
