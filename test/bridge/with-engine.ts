// Tests that need a server, which is not everywhere installed.
import test from 'ava';

import { programOf } from './servers.js';
import type { Engine } from './servers.js';

/**
 * Declares a test that needs that server. Without it the test is skipped, and says so; where the server
 * is required, as in CI, it runs all the same, and fails.
 */
export const withEngine = (engine: Engine) =>
  programOf(engine) === undefined && process.env.REQUIRE_ENGINES === undefined
    ? test.serial.skip
    : test.serial;
