// A million notices: the document stays as small as with sixty, wherever the list is scrolled.
//
// Deliberately absent: how long the main thread works for it, which is the benchmark's question.

import type { Page } from '@playwright/test';

import { expect, test } from './window';

const countNodes = (page: Page) => page.evaluate(() => document.querySelectorAll('*').length);

/** The number of elements once the window has loaded: the same in ten frames in a row. */
const countSettledNodes = (page: Page) =>
  page.evaluate(async () => {
    const count = () => document.querySelectorAll('*').length;
    let last = count();
    for (let equal = 0; equal < 10;) {
      await new Promise(requestAnimationFrame);
      equal = count() === last ? equal + 1 : 0;
      last = count();
    }
    return last;
  });

test('scrolling, paging and jumping through a million notices keeps the document small', async ({ belfry, page }) => {
  test.setTimeout(120_000);
  await belfry.open('million');
  await belfry.rows.first().waitFor();
  const list = page.getByRole('listbox');
  const initialNodes = await countSettledNodes(page);
  const counts: number[] = [];
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
  expect(Math.max(...counts)).toBeLessThan(initialNodes + 150);
  expect(Math.max(...counts)).toBeLessThan(700);
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
  const few = await countSettledNodes(page);
  await belfry.open('million');
  await belfry.rows.first().waitFor();
  expect(Math.abs((await countSettledNodes(page)) - few)).toBeLessThan(20);
});
