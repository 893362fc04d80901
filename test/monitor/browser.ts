// The monitor's page in a real browser: Debian's Chromium, or whatever goes by its name on the PATH.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import type { ExecutionContext } from 'ava';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

import { WATCHDOG_MILLISECONDS } from '../fixture.js';

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where the browser is; undefined where there is none. */
export const browserPath = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((at) => join(at, name)))
  .find(executable);

/** Whether it is an error that there is none: CI brings one. */
export const browserIsRequired = process.env.REQUIRE_BROWSER === '1';

/** Starts it. Whoever may not have a sandbox, as root, does without: it only sees our own page. */
export async function browse(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath!,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: 2 * WATCHDOG_MILLISECONDS,
  });
}

/** A page, and what it said. */
export interface Opened {
  page: Page;
  /** Errors and warnings in its console, and what it threw. */
  errors: string[];
  /** All that it asked for. */
  asked: string[];
}

/** Opens a page, which is closed when the test ends. */
export async function open(t: ExecutionContext, browser: Browser, url: string): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
  t.teardown(() => context.close());
  context.setDefaultTimeout(WATCHDOG_MILLISECONDS);
  const page = await context.newPage();
  const errors: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    // The last is about the test itself, which looks at pixels.
    const bad = ['error', 'warning'].includes(message.type());
    if (bad && !message.text().startsWith('Canvas2D: ')) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, errors, asked };
}
