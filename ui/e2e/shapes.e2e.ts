// The window at other sizes and preferences: narrow, zoomed, large text, high contrast, reduced motion.

import { expect, test } from './window';

const expectNothingCutOff = async (page: import('@playwright/test').Page) => {
  expect(
    await page.evaluate(
      () => document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth,
    ),
  ).toBe(true);
};

for (const [name, width, height] of [
  ['narrow', 360, 640],
  ['zoomed', 500, 340],
] as const) {
  test(`${name}: the list and the notice alternate, nothing is cut off, settings and first run fit`, async ({
    belfry,
  }) => {
    const { page } = belfry;
    await page.setViewportSize({ width, height });
    await belfry.open('live');
    await belfry.rows.first().waitFor();
    await expectNothingCutOff(page);
    await belfry.screenshot(`${name}-list`);
    await belfry.expectAccessible();
    await belfry.rows.first().click();
    await expect(belfry.article).toBeVisible();
    await expect(page.getByRole('listbox')).toBeHidden();
    await expectNothingCutOff(page);
    await belfry.screenshot(`${name}-detail`);
    await belfry.expectAccessible();
    await page.getByRole('button', { name: 'Back to the list' }).click();
    await expect(page.getByRole('listbox')).toBeVisible();
    await belfry.button('settings.title').click();
    await page.locator('.field').first().waitFor();
    await expectNothingCutOff(page);
    await belfry.screenshot(`${name}-settings`);
    await belfry.expectAccessible();
    await belfry.open('first-run');
    await expectNothingCutOff(page);
    await belfry.screenshot(`${name}-first-run`);
    await belfry.expectAccessible();
  });
}

test('text twice as large makes rows twice as high', async ({ belfry }) => {
  await belfry.open('live');
  const before = (await belfry.rows.first().boundingBox())?.height ?? 0;
  await belfry.page.evaluate(() => {
    document.documentElement.style.fontSize = '30px';
    dispatchEvent(new Event('resize'));
  });
  await expect
    .poll(async () => Math.round((await belfry.rows.first().boundingBox())?.height ?? 0))
    .toBe(Math.round(30 * 4.125));
  expect(before).toBeLessThan(70);
  await belfry.screenshot('large-text');
});

test('high contrast shows the current notice', async ({ belfry }) => {
  const { page } = belfry;
  await page.emulateMedia({ forcedColors: 'active' });
  await belfry.open('live');
  await belfry.rows.nth(1).click();
  expect(await belfry.rows.nth(1).evaluate((row) => getComputedStyle(row).outlineStyle)).toBe('solid');
  await belfry.screenshot('forced-colours');
  await page.emulateMedia({ forcedColors: 'none', contrast: 'more' });
  await belfry.expectAccessible();
  await belfry.screenshot('more-contrast');
});

test('nothing moves with reduced motion', async ({ belfry }) => {
  const { page } = belfry;
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await belfry.open('first-run', { pace: 400 });
  await page.locator('#address').fill('push.example.com');
  await page.keyboard.press('Enter');
  await page.locator('#login').fill('alice');
  await page.locator('#secret').fill('x');
  await page.keyboard.press('Enter');
  await page.locator('.running').waitFor();
  expect(
    await page.evaluate(() => document.getAnimations().filter((animation) => animation.playState === 'running').length),
  ).toBe(0);
});
