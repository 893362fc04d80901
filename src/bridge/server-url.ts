import { wrongValue } from '../validate.js';

/** What the URL of an engine's server says. */
export interface ServerUrl {
  /** In lower case, without the colon. */
  scheme: string;
  /** Without the brackets of an IPv6 address. */
  host: string;
  /** Host and port, as a client takes them. */
  address: string;
  /** Decoded; undefined where there is none. */
  user: string | undefined;
  /** Decoded; empty in `user:@`, and undefined in `user@`. */
  password: string | undefined;
}

/** A URL, or what was to be one, that may be shown: without the credentials. */
export function withoutCredentials(text: string): string {
  // Up to the last @: a password that is not encoded may have others in it.
  return text.replace(/^([^/]*\/\/)?.*@/s, '$1***@');
}

/**
 * Takes the URL of a server apart. No error has the credentials in it.
 *
 * @param defaultPort - where the URL names none
 * @throws TypeError `ERR_INVALID_ARG_VALUE`
 */
export function serverUrl(
  text: string,
  schemes: readonly string[],
  defaultPort: number,
  name: string,
): ServerUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url?.protocol.slice(0, -1);
  const plain = url && (url.pathname === '' || url.pathname === '/') && url.search === '';
  if (!url || scheme === undefined || !schemes.includes(scheme) || url.hostname === '' || !plain) {
    const expected = schemes.map((each) => `${each}://[user:password@]host[:port]`).join(' or ');
    throw wrongValue(expected, name, withoutCredentials(text));
  }
  return {
    scheme,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    address: `${url.hostname}:${url.port === '' ? defaultPort : url.port}`,
    user: decoded(url.username, name, text),
    password: isPasswordEmpty(text) ? '' : decoded(url.password, name, text),
  };
}

// `user:@` is a user and `user@` may be a token. A parsed URL does not tell one from the other.
function isPasswordEmpty(text: string): boolean {
  return /^[^/]*\/\/[^/?#@:]*:@/.test(text);
}

function decoded(part: string, name: string, text: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    const expected = 'a URL whose user and password are percent-encoded (% is %25)';
    throw wrongValue(expected, name, withoutCredentials(text));
  }
}
