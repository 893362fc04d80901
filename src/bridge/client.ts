import { DisruptorError } from '../errors.js';

/**
 * Loads the client of an engine: an optional peer dependency, so that who does not use the engine
 * need not have it.
 *
 * @param load - `() => import('...')`
 * @throws DisruptorError `ERR_CLIENT_MISSING`, whose message says what to install
 */
export async function clientOf<T>(
  engine: string,
  module: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw cause;
    throw new DisruptorError(
      'ERR_CLIENT_MISSING',
      `A bridge to ${engine} needs the package ${module}. Install it with: npm install ${module}`,
      { cause },
    );
  }
}
