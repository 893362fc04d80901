/// <reference lib="dom" />
// The page in a real browser shows what a ring does that the test drives.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { Queue } from 'shm-disruptor';

import type { SegmentLook } from '../../dist/monitor/look.js';
import { ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import type { RawRing } from '../fixture.js';
import { peers } from '../ring-peers.js';
import { word } from '../words.js';
import { browse, browserIsRequired, browserPath, open } from './browser.js';
import { monitor } from './monitoring.js';

const inBrowser = browserPath === undefined && !browserIsRequired ? test.serial.skip : test.serial;

let browser: Browser | undefined;

test.before(async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  if (browserPath !== undefined) browser = await browse();
  else if (browserIsRequired) t.fail('there is no chromium on the PATH');
  else t.log('no chromium on the PATH: the page is not tested');
});

test.after.always(async () => {
  await browser?.close();
});

test.beforeEach((t) => {
  t.timeout(6 * WATCHDOG_MILLISECONDS);
});

/** A ring with a producer and the consumers `journal`, which is there, and `audit`, which is not. */
function scene(t: ExecutionContext, options: Partial<Parameters<typeof ringOfRoles>[1]> = {}) {
  const ring = ringOfRoles(t, { consumers: { journal: {}, audit: {} }, ...options });
  const producer = ring.producer();
  t.teardown(() => {
    producer.close();
  });
  return { ring, producer };
}

const alone = (url: string, { name }: Pick<RawRing, 'name'>) => `${url}#${name}`;

const article = (page: Page, { name }: Pick<RawRing, 'name'>) =>
  page.getByRole('article', { name, exact: true });

const row = (page: Page, name: string) =>
  page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });

/** Waits until it can be seen. */
const seen = (page: Page, text: string | RegExp) =>
  page.getByText(text).filter({ visible: true }).first().waitFor();

const drawing = (page: Page, name: RegExp) => page.getByRole('img', { name }).waitFor();

/** Turns, from 0 to 1, at which something in the drawing stands. */
const turn = async (page: Page, selector: string) => {
  const transform = await page.locator(selector).getAttribute('transform');
  const degrees = Number(/rotate\((.*)\)/.exec(transform!)![1]);
  return (((degrees / 360) % 1) + 1) % 1;
};

inBrowser('it shows the figures of a ring, at their places', async (t) => {
  const { ring, producer } = scene(t);
  const journal = ring.consumer('journal');
  t.teardown(() => {
    journal.close();
  });
  const { url } = await monitor(t);
  const { page, errors, asked } = await open(t, browser!, alone(url, ring));
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await drawing(
    page,
    /of 8 elements, 0% full, written to 0; journal at 0, 0 behind; audit at 0, 0/,
  );
  producer.tryPublishMany([1, 2, 3, 4, 5].map(word));
  journal.tryNext();
  journal.commit(2);
  await drawing(page, /, 63% full, written to 5; journal at 3, 2 behind; audit at 0, 5 behind$/);
  t.is(await turn(page, '.ring .head'), 5 / 8);
  t.is(await turn(page, '[data-consumer="journal"]'), 3 / 8);
  t.is(await turn(page, '[data-consumer="audit"]'), 0);
  await seen(page, 'audit (never came) is 5 behind, 63% of the ring');
  t.is(await row(page, 'journal').getByRole('meter').getAttribute('aria-valuenow'), '2');
  t.regex(await row(page, 'journal').innerText(), new RegExp(`2\\s.*pid ${process.pid}`, 's'));
  t.regex(await row(page, 'audit').innerText(), /5\s.*never came/s);
  // Round the ring, on to the true place.
  for (const value of [6, 7, 8]) producer.tryPublish(word(value));
  await seen(page, /producers wait for it|There is no room/);
  await drawing(page, /, 100% full, written to 8; journal at 3, 5 behind/);
  t.is(await turn(page, '.ring .head'), 0);
  await page.getByRole('img', { name: /^Elements behind, .* Now: journal 5, audit 8$/ }).waitFor();
  t.is(await page.locator('.chart canvas').count(), 2);
  t.deepEqual(errors, []);
  t.deepEqual(
    asked.filter((each) => !each.startsWith(url)),
    [],
  );
});

inBrowser('what moves comes to the true place', async (t) => {
  const { ring, producer } = scene(t, { elements: 64 });
  const { url } = await monitor(t);
  const { page, errors } = await open(t, browser!, alone(url, ring));
  await drawing(page, /written to 0;/);
  producer.tryPublishMany(Array.from({ length: 48 }, (_, i) => word(i)));
  await drawing(page, /written to 48;/);
  await page.locator('.ring .head[transform="rotate(270.00)"]').waitFor();
  t.deepEqual(errors, []);
});

inBrowser('a consumer dies, and comes again', async (t) => {
  const { ring, producer } = scene(t);
  const { url } = await monitor(t);
  const { page, errors } = await open(t, browser!, alone(url, ring));
  const first = await peers.process(t, ring.name);
  await first.ask({ do: 'consumer', name: 'journal' });
  await seen(page, /consumer journal has come, pid \d+/);
  producer.tryPublishMany([1, 2, 3].map(word));
  await drawing(page, /journal at 0, 3 behind/);
  await first.end();
  await row(page, 'journal')
    .getByText(/^dead, pid \d+$/)
    .waitFor();
  await seen(page, /consumer journal is dead, pid \d+/);
  t.is(await page.locator('[data-consumer="journal"] .cross').count(), 1);
  const second = await peers.process(t, ring.name);
  await second.ask({ do: 'consumer', name: 'journal' });
  await row(page, 'journal')
    .getByText(/^pid \d+$/)
    .waitFor();
  await second.ask({ do: 'take' });
  await second.ask({ do: 'commit' });
  await drawing(page, /journal at 3, 0 behind/);
  t.is(await page.locator('[data-consumer="journal"] .dot').count(), 1);
  t.deepEqual(errors, []);
});

/** Whether a chart has a pixel of a colour of the style sheet. */
async function charted(page: Page, name: string): Promise<boolean> {
  return page.evaluate((wanted) => {
    const style = getComputedStyle(document.documentElement).getPropertyValue(`--${wanted}`);
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(style.trim().slice(at, at + 2), 16));
    return [...document.querySelectorAll('canvas')].some((canvas) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) {
        // Edges are smoothed.
        const off = [red!, green!, blue!, 255].map((value, nth) => value - data[at + nth]!);
        if (off.every((each) => Math.abs(each) < 24)) return true;
      }
      return false;
    });
  }, name);
}

/** Waits until a chart has such a pixel. */
async function charts(page: Page, name: string): Promise<void> {
  const until = Date.now() + WATCHDOG_MILLISECONDS;
  while (!(await charted(page, name))) {
    if (Date.now() > until) throw new Error(`No chart shows ${name}`);
    await page.waitForTimeout(100);
  }
}

inBrowser('deaths and gaps are marked', async (t) => {
  const { ring } = scene(t);
  const journal = ring.consumer('journal');
  t.teardown(() => {
    journal.close();
  });
  const { url } = await monitor(t);
  const { page, errors } = await open(t, browser!, alone(url, ring));
  const peer = await peers.process(t, ring.name);
  await peer.ask({ do: 'producer' });
  await peer.ask({ do: 'claim', values: [1, 2, 3] });
  await seen(page, /^pid \d+ 3 claimed$/);
  t.false(await charted(page, 'bad'));
  t.is(await page.locator('circle.orphaned').getAttribute('visibility'), 'hidden');
  await peer.end();
  await seen(page, /a producer is dead, pid \d+, with 3 elements claimed/);
  await seen(page, /A dead producer had claimed 0 to 2/);
  await page.locator('circle.orphaned:not([visibility])').waitFor();
  t.false(await charted(page, 'warn'));
  const waited = journal.next({ timeout: WATCHDOG_MILLISECONDS });
  waited.catch(() => undefined);
  await seen(page, '3 elements lost with their producer, in a gap');
  await seen(page, '3 elements lost with their producers, in 1 gap');
  await page.locator('circle.orphaned[visibility=hidden]').waitFor({ state: 'attached' });
  await charts(page, 'bad');
  await charts(page, 'warn');
  t.deepEqual(errors, []);
});

inBrowser('the monitor goes and comes again', async (t) => {
  const { ring, producer } = scene(t);
  const first = await monitor(t);
  const { page, errors } = await open(t, browser!, alone(first.url, ring));
  await drawing(page, /written to 0;/);
  t.is(await page.getByRole('status').innerText(), 'live');
  t.is(await first.end('SIGKILL'), 'SIGKILL');
  await seen(page, 'not connected, trying again');
  producer.tryPublishMany([1, 2].map(word));
  await monitor(t, '--port', String(first.port));
  await drawing(page, /written to 2;/);
  t.is(await page.getByRole('status').innerText(), 'live');
  // What browsers say themselves about connections that fail.
  const rest = errors.filter((text) => !/net::ERR_\w*(CONNECTION|CHUNKED|EMPTY)/.test(text));
  t.deepEqual(rest, []);
});

inBrowser('keys do all that the mouse does', async (t) => {
  const { ring: one, producer } = scene(t);
  const { ring: other } = scene(t);
  const { url } = await monitor(t);
  const { page, errors } = await open(t, browser!, url);
  await article(page, one).waitFor();
  await page.keyboard.press('/');
  t.is(await page.evaluate(() => document.activeElement!.id), 'filter');
  // Others' segments come and go meanwhile; those of this test begin alike.
  await page.keyboard.type(one.name.slice(1).replace(/-\d+$/, '-'));
  await page.locator('#filter').blur();
  await page.keyboard.press('j');
  const focused = () => page.evaluate(() => document.activeElement!.textContent);
  const names = await page.locator('h2 a').allInnerTexts();
  t.true(names.includes(one.name) && names.includes(other.name));
  t.is(await focused(), names[0]!);
  await page.keyboard.press('j');
  t.is(await focused(), names[1]!);
  await page.keyboard.press('k');
  t.is(await focused(), names[0]!);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}#${names[0]}`);
  await article(page, { name: names[1]! }).waitFor({ state: 'detached' });
  t.is(await page.getByRole('article').count(), 1);
  await page.keyboard.press('Escape');
  await article(page, one).waitFor();
  await article(page, other).waitFor();
  await page.keyboard.press('p');
  t.is(await page.locator('#pause').getAttribute('aria-pressed'), 'true');
  producer.tryPublish(word(1));
  // By then the page has been told, several times.
  await page.waitForTimeout(1000);
  t.is(
    await article(page, one)
      .getByRole('img', { name: /written to 0;/ })
      .count(),
    1,
  );
  await page.keyboard.press('p');
  await article(page, one)
    .getByRole('img', { name: /written to 1;/ })
    .waitFor();
  await page.keyboard.press('?');
  await seen(page, /Each inner track is a consumer/);
  t.deepEqual(errors, []);
});

inBrowser('it is dark where all is dark, also the charts', async (t) => {
  const { ring, producer } = scene(t);
  const { url } = await monitor(t);
  const { page, errors } = await open(t, browser!, alone(url, ring));
  await drawing(page, /written to 0;/);
  producer.tryPublishMany([1, 2, 3].map(word));
  await drawing(page, /written to 3;/);
  const luminance = () =>
    page.evaluate(() => {
      const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g)!;
      return (Number(red) + Number(green) + Number(blue)) / 3;
    });
  for (const [colorScheme, dark] of [
    ['light', false],
    ['dark', true],
    ['light', false],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    t.is((await luminance()) < 128, dark);
    await charts(page, 'consumer-1');
  }
  t.deepEqual(errors, []);
});

inBrowser('a queue is drawn as one', async (t) => {
  const queue = Queue.create(uniqueName(t), { capacity: 4096 });
  t.teardown(() => {
    queue.close();
  });
  const { url } = await monitor(t);
  const { page, errors } = await open(t, browser!, alone(url, queue));
  await drawing(page, /^Queue .* of 128 cells, 0% full, 0 cells wait, 0 are held by receivers$/);
  for (let i = 0; i < 3; i += 1) queue.enqueueSync('x');
  const message = queue.receiveSync();
  await drawing(page, /2 cells wait, 1 are held by receivers$/);
  await page.getByRole('meter', { name: 'consumers holds' }).waitFor();
  message.ack();
  await drawing(page, /2 cells wait, 0 are held by receivers$/);
  t.deepEqual(errors, []);
});

inBrowser('what is no ring is a block, and whatever it is called is text', async (t) => {
  const { url } = await monitor(t);
  const { page, errors } = await open(t, browser!, 'about:blank');
  const about = { object: '1', owner: 'me', created: 0, seen: Date.now(), notes: [] };
  const looks: SegmentLook[] = [
    { ...about, name: '/<b>memory', kind: 'memory', bytes: 1_572_864, state: 'in use' },
    {
      ...about,
      name: '/spoilt',
      kind: 'unknown',
      bytes: 4096,
      state: 'damaged',
      notes: ['It is bad'],
    },
  ];
  await page.route('**/events', (route) =>
    route.fulfill({
      contentType: 'text/event-stream',
      body: `event: look\ndata: ${JSON.stringify(looks)}\n\n`,
    }),
  );
  await page.goto(url);
  await drawing(page, /^Segment \/<b>memory, 1.5 MiB: memory$/);
  await drawing(page, /^Segment \/spoilt, 4 KiB: cannot be read$/);
  await article(page, { name: '/spoilt' }).getByText('It is bad').waitFor();
  await page.getByRole('link', { name: '/<b>memory' }).click();
  await article(page, { name: '/spoilt' }).waitFor({ state: 'detached' });
  await article(page, { name: '/<b>memory' }).waitFor();
  t.deepEqual(errors, []);
});

inBrowser('all that can be used or seen has a name', async (t) => {
  const { ring } = scene(t);
  const { url } = await monitor(t);
  const { page } = await open(t, browser!, alone(url, ring));
  await article(page, ring).waitFor();
  const tree = await page.locator('body').ariaSnapshot();
  t.deepEqual(tree.match(/^ *- (button|link|img|meter|searchbox|textbox|article)(:.*)?$/gm), null);
  t.regex(tree, /searchbox "Filter/);
  t.regex(tree, /button "Pause/);
  t.regex(tree, /meter "journal is behind"/);
});
