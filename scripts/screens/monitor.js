// Makes docs/screens/monitor-light.png and -dark.png: the page over a scene of its own. To be run where
// /dev/shm is empty and nobody else's (npm run screens:monitor). Needs Debian's chromium and pngquant.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { Monitor } from '../../dist/monitor/server.js';
import { begins, ends } from './scene.js';

const FOLDER = fileURLToPath(new URL('../../docs/screens/', import.meta.url));
const MAX_BYTES = 200_000;
const seconds = Number(process.argv[2] ?? 60);

function found(name) {
  return process.env.PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const monitor = new Monitor({
  host: '127.0.0.1',
  port: 0,
  interval: 0.5,
  allowed: [],
  version: 'screens',
});
const url = await monitor.listen();
const browser = await chromium.launch({
  executablePath: found('chromium'),
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
mkdirSync(FOLDER, { recursive: true });
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.on('console', (message) => console.log(message.type(), message.text()));
  page.on('pageerror', (error) => console.log(error));
  await page.goto(url);
  await begins(seconds);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(1200);
    const path = join(FOLDER, `monitor-${colorScheme}.png`);
    await page.screenshot({ path, fullPage: true });
    execFileSync('pngquant', ['--force', '--skip-if-larger', '--output', path, '--', path]);
    const { size } = statSync(path);
    console.log(path, size);
    if (size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes`);
  }
} finally {
  await browser.close();
  await ends();
  await monitor.close();
}
