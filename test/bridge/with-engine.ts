// Tests that need a server, which is not everywhere installed.
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';
import { programOf, Server } from './servers.js';
import type { Engine } from './servers.js';

/**
 * Declares a test that needs that server. Without it the test is skipped, and says so; where the server
 * is required, as in CI, it runs all the same, and fails.
 */
export const withEngine = (engine: Engine) =>
  programOf(engine) === undefined && process.env.REQUIRE_ENGINES === undefined
    ? test.serial.skip
    : test.serial;

/** A server with such arguments, as long as the test runs. */
export async function started(
  t: ExecutionContext,
  engine: Engine,
  more?: (port: number) => string[],
): Promise<Server> {
  t.timeout(WATCHDOG_MILLISECONDS);
  const server = await Server.start(engine, more);
  t.teardown(() => server.end());
  return server;
}

/** One test of that engine, with a server of its own. */
export function withServer(
  engine: Engine,
  title: string,
  body: (t: ExecutionContext, server: Server) => Promise<void>,
): void {
  withEngine(engine)(`${engine}: ${title}`, async (t) => {
    await body(t, await started(t, engine));
  });
}
