// Text from messages stays text: no markup, no script, no request, no navigation, whatever its length or direction.

import { hostile } from '../src/backend/fake/samples';
import { type Belfry, expect, test } from './window';

/** The scene repeats the samples by key; the newest key is 12. */
const rowIndexOf = (sample: number) =>
  Array.from({ length: 12 }, (_, index) => 12 - index).findIndex((seq) => seq % hostile.length === sample);

async function openSample(belfry: Belfry, sample: number): Promise<void> {
  await belfry.open('hostile');
  await belfry.rows.nth(rowIndexOf(sample)).click();
  await belfry.article.getByRole('heading', { level: 2 }).waitFor();
}

test('markup and scripts in every field stay text', async ({ belfry }) => {
  const { page } = belfry;
  for (let sample = 0; sample < hostile.length; sample += 1) {
    await openSample(belfry, sample);
    await expect(page).toHaveTitle(/Belfry$/);
    expect(
      await page.locator('img, iframe, a, object, embed, svg[onload], .body *, dd b, dd script, .row script').count(),
    ).toBe(0);
    expect(await page.locator('script:not([src])').count()).toBe(0);
  }
  await openSample(belfry, 0);
  await expect(belfry.article.locator('.body')).toHaveText(hostile[0].body);
});

test('a link to a file or a script is shown and not opened', async ({ belfry }) => {
  const { page } = belfry;
  for (const [sample, link] of hostile.entries()) {
    if (!link.link) continue;
    await openSample(belfry, sample);
    const address = page.url();
    await belfry.button('notice.openLink').click();
    await expect(page.getByRole('alert')).toContainText(belfry.text('error.link-refused'));
    expect(page.url()).toBe(address);
    expect(page.context().pages()).toHaveLength(1);
  }
});

test('a megabyte of text is shown in part at once, and whole on request', async ({ belfry }) => {
  await openSample(belfry, 1);
  const body = belfry.article.locator('.body');
  expect((await body.textContent())?.length).toBe(20_000);
  await belfry.article.getByRole('button', { name: /^Show full text/ }).click();
  await expect.poll(async () => (await body.textContent())?.length).toBe(1_050_000);
  await belfry.screenshot('megabyte');
});

test('direction and control characters affect only their own text', async ({ belfry }) => {
  await openSample(belfry, 2);
  const title = await belfry.article.getByRole('heading', { level: 2 }).textContent();
  expect(title).not.toMatch(/[\u202A-\u202E\u2066-\u2069\p{Cc}]/u);
  expect(await belfry.article.locator('.body').evaluate((body) => getComputedStyle(body).unicodeBidi)).toBe(
    'plaintext',
  );
  await openSample(belfry, 3);
  expect(await belfry.article.locator('h2').evaluate((heading) => getComputedStyle(heading).direction)).toBe('rtl');
  expect(await belfry.article.locator('.toolbar').evaluate((toolbar) => getComputedStyle(toolbar).direction)).toBe(
    'ltr',
  );
  await belfry.screenshot('right-to-left');
});

test('an action with a hostile label asks for confirmation', async ({ belfry }) => {
  await openSample(belfry, 3);
  await belfry.article.getByRole('group').getByRole('button').click();
  await expect(belfry.page.getByRole('dialog')).toContainText('<b>موافق</b>?');
  await belfry.expectAccessible();
});
