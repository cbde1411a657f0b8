// A million notices: the document is as small as with sixty, and no task of the main thread is long.
//
// Tasks are measured in processor time of the main thread, so that a busy machine does not matter.

import type { CDPSession, Page } from '@playwright/test';

import { expect, test } from './window';

const maxTaskMs = 50;

const countNodes = (page: Page) => page.evaluate(() => document.querySelectorAll('*').length);

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  tdur?: number;
  args: { name?: string };
}

/** The longest tasks of the page's main thread while `work` runs, in milliseconds of processor time. */
async function longestTasks(session: CDPSession, work: () => Promise<void>): Promise<number[]> {
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const done = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'devtools.timeline', '__metadata'] },
  });
  await work();
  await session.send('Tracing.end');
  await done;
  const mains = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const tasks = events.filter(
    (event) => /RunTask$/.test(event.name) && event.tdur !== undefined && mains.has(`${event.pid}/${event.tid}`),
  );
  expect(tasks.length).toBeGreaterThan(100);
  return tasks
    .map(({ tdur = 0 }) => tdur / 1000)
    .sort((a, b) => b - a)
    .slice(0, 5);
}

test('scrolling, paging and jumping through a million notices keeps the document small and the thread free', async ({
  belfry,
  page,
}) => {
  test.setTimeout(120_000);
  await page.addInitScript(() => {
    const watch = new MutationObserver(() => {
      if (!document.querySelector('.row')) return;
      performance.mark('first-rows');
      watch.disconnect();
    });
    watch.observe(document, { childList: true, subtree: true });
  });
  await belfry.open('million');
  await belfry.rows.first().waitFor();
  const firstRows = await page.evaluate(() =>
    Math.round(performance.getEntriesByName('first-rows')[0]?.startTime ?? NaN),
  );
  const list = page.getByRole('listbox');
  const initialNodes = await countNodes(page);
  const counts: number[] = [];
  const longest = await longestTasks(await page.context().newCDPSession(page), async () => {
    const box = await list.boundingBox();
    await page.mouse.move((box?.x ?? 0) + 100, (box?.y ?? 0) + 200);
    for (let step = 0; step < 60; step += 1) {
      await page.mouse.wheel(0, 900);
      await page.waitForFunction(
        () =>
          new Promise((resolve) =>
            requestAnimationFrame(() => {
              resolve(true);
            }),
          ),
      );
      if (step % 10 === 0) counts.push(await countNodes(page));
    }
    for (const part of [0.25, 0.9, 0.5, 1, 0.1]) {
      await list.evaluate((element, to) => {
        element.scrollTop = to * (element.scrollHeight - element.clientHeight);
      }, part);
      await expect(belfry.rows.nth(6)).toBeInViewport();
      counts.push(await countNodes(page));
      for (let step = 0; step < 10; step += 1) await page.mouse.wheel(0, step % 2 ? 600 : -600);
    }
    await list.focus();
    for (let step = 0; step < 15; step += 1) await page.keyboard.press('PageDown');
    counts.push(await countNodes(page));
  });
  console.log(
    `first rows after ${firstRows} ms; ` +
      `nodes ${initialNodes}, then ${Math.min(...counts)} to ${Math.max(...counts)}; ` +
      `longest tasks ${longest.map((ms) => ms.toFixed(1)).join(', ')} ms`,
  );
  expect(Math.max(...counts)).toBeLessThan(initialNodes + 150);
  expect(Math.max(...counts)).toBeLessThan(700);
  expect(longest[0]).toBeLessThan(maxTaskMs);
});

test('both ends are reached exactly, with the thumb and with the keys', async ({ belfry, page }) => {
  await belfry.open('million');
  await belfry.rows.first().waitFor();
  await page.getByRole('listbox').evaluate((list) => {
    list.scrollTop = list.scrollHeight;
  });
  await expect(page.locator('#notice-1')).toBeInViewport();
  await expect(page.locator('#notice-1')).toHaveAttribute('aria-posinset', '1000000');
  await page.keyboard.press('Home');
  await expect(page.locator('#notice-1000000')).toBeInViewport();
  await expect(page.locator('#notice-1000000')).toHaveAttribute('aria-posinset', '1');
  await page.keyboard.press('End');
  await expect(page.locator('#notice-1')).toBeInViewport();
  await belfry.screenshot('million-end');
});

test('the document is as small as with sixty notices', async ({ belfry, page }) => {
  await belfry.open('live');
  await belfry.rows.first().waitFor();
  const few = await countNodes(page);
  await belfry.open('million');
  await belfry.rows.first().waitFor();
  expect(Math.abs((await countNodes(page)) - few)).toBeLessThan(20);
});
