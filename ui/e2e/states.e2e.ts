// Every state of the window, in both languages and both themes: is accessible, and leaves a screenshot.

import type { Scene } from '../src/backend/fake';
import { type Belfry, expect, languages, test, themes } from './window';

interface State {
  name: string;
  scene: Scene;
  reach?: (belfry: Belfry) => Promise<void>;
}

const inSettings = (page: string): State => ({
  name: `settings-${page}`,
  scene: 'live',
  async reach(belfry) {
    await belfry.button('settings.title').click();
    await belfry.page
      .getByRole('navigation')
      .getByRole('button', { name: belfry.text(`settings.${page}` as 'settings.about'), exact: true })
      .click();
    await belfry.page.locator('.content h2').waitFor();
    if (page === 'devices') await belfry.page.locator('.content li').first().waitFor();
    if (page === 'about') await belfry.page.locator('dl').waitFor();
  },
});

const signIn = async (belfry: Belfry, secret: string, address = 'push.example.com') => {
  await belfry.page.locator('#address').fill(address);
  await belfry.page.keyboard.press('Enter');
  await belfry.page.locator('#login').fill('alice');
  await belfry.page.locator('#secret').fill(secret);
  await belfry.page.keyboard.press('Enter');
};

const states: State[] = [
  { name: 'inbox', scene: 'live' },
  {
    name: 'detail',
    scene: 'live',
    reach: async (belfry) => {
      await belfry.rows.nth(4).click();
      await belfry.article.getByRole('heading', { level: 2 }).waitFor();
    },
  },
  {
    name: 'selection',
    scene: 'live',
    reach: async (belfry) => {
      await belfry.rows.nth(0).click();
      await belfry.rows.nth(2).click({ modifiers: ['Shift'] });
      await belfry.page.getByRole('toolbar').waitFor();
    },
  },
  {
    name: 'search',
    scene: 'live',
    async reach(belfry) {
      await belfry.page.getByRole('searchbox').fill(belfry.language === 'en' ? 'cost centre' : '成本');
      await belfry.page.locator('mark').first().waitFor();
      await belfry.rows.nth(0).click();
      await belfry.article.locator('mark').first().waitFor();
    },
  },
  {
    name: 'nothing-found',
    scene: 'live',
    reach: async (belfry) => {
      await belfry.page.getByRole('searchbox').fill('xyzzy');
      await belfry.button('inbox.nothing.all').waitFor();
    },
  },
  {
    name: 'menu',
    scene: 'live',
    reach: async (belfry) => {
      await belfry.page.getByRole('button', { name: belfry.text('list.more') }).click();
      await belfry.page.getByRole('menu').waitFor();
    },
  },
  {
    name: 'deleted',
    scene: 'live',
    reach: async (belfry) => {
      await belfry.rows.nth(1).click();
      await belfry.article.getByRole('heading', { level: 2 }).waitFor();
      await belfry.page.keyboard.press('e');
      await belfry.toast.waitFor();
    },
  },
  {
    name: 'server-delete',
    scene: 'live',
    reach: async (belfry) => {
      await belfry.rows.nth(1).click();
      await belfry.chooseMenuItem('notice.more', 'serverDelete.menu');
      await belfry.page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'shortcuts',
    scene: 'live',
    reach: async (belfry) => {
      await belfry.rows.nth(0).waitFor();
      await belfry.page.keyboard.press('?');
      await belfry.page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'guide',
    scene: 'live',
    reach: async (belfry) => {
      await belfry.rows.nth(0).waitFor();
      await belfry.page.keyboard.press('F1');
      await belfry.page.getByRole('dialog').getByRole('table').waitFor();
    },
  },
  {
    name: 'error',
    scene: 'offline',
    async reach(belfry) {
      await belfry.rows
        .filter({ hasText: belfry.text('notice.needsAction') })
        .first()
        .click();
      await belfry.article.getByRole('group').getByRole('button').first().click();
      await belfry.page.getByRole('dialog').getByRole('button').last().click();
      await belfry.page.getByRole('alert').waitFor();
    },
  },
  { name: 'empty', scene: 'empty' },
  { name: 'loading', scene: 'loading', reach: (belfry) => belfry.page.locator('.skeleton').first().waitFor() },
  { name: 'offline', scene: 'offline' },
  { name: 'connecting', scene: 'connecting' },
  { name: 'catching-up', scene: 'catching-up' },
  { name: 'polling', scene: 'polling' },
  { name: 'action-needed', scene: 'action-needed' },
  { name: 'broken', scene: 'broken' },
  { name: 'bare', scene: 'bare' },
  {
    name: 'hostile',
    scene: 'hostile',
    reach: async (belfry) => {
      await belfry.rows.nth(2).click();
      await belfry.article.getByRole('heading', { level: 2 }).waitFor();
    },
  },
  { name: 'first-run', scene: 'first-run' },
  {
    name: 'first-run-unreachable',
    scene: 'first-run',
    reach: async (belfry) => {
      await belfry.page.locator('#address').fill('nowhere.example.com');
      await belfry.page.keyboard.press('Enter');
      await belfry.page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'first-run-sign-in',
    scene: 'first-run',
    reach: async (belfry) => {
      await belfry.page.locator('#address').fill('push.example.com');
      await belfry.page.keyboard.press('Enter');
      await belfry.page.locator('#secret').waitFor();
    },
  },
  {
    name: 'first-run-refused',
    scene: 'first-run',
    reach: async (belfry) => {
      await signIn(belfry, 'wrong');
      await belfry.page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'first-run-works',
    scene: 'first-run',
    reach: async (belfry) => {
      await signIn(belfry, 'good');
      await belfry.button('setup.done').waitFor();
    },
  },
  {
    name: 'first-run-not-kept',
    scene: 'first-run',
    reach: async (belfry) => {
      await signIn(belfry, 'brief');
      await belfry.button('setup.done').waitFor();
    },
  },
  { name: 'managed', scene: 'managed' },
  ...['general', 'notifications', 'account', 'server', 'network', 'message', 'devices', 'diagnostics', 'about'].map(
    inSettings,
  ),
  {
    name: 'diagnosed',
    scene: 'live',
    async reach(belfry) {
      await inSettings('diagnostics').reach?.(belfry);
      await belfry.button('doctor.run').click();
      await belfry.button('doctor.copy').waitFor();
    },
  },
  {
    name: 'diagnosed-offline',
    scene: 'offline',
    async reach(belfry) {
      await inSettings('diagnostics').reach?.(belfry);
      await belfry.button('doctor.run').click();
      await belfry.button('doctor.copy').waitFor();
    },
  },
];

for (const { name, scene, reach } of states) {
  for (const language of languages) {
    test(`${name} is accessible, in ${language}, light and dark`, async ({ belfry }) => {
      await belfry.open(scene, { language });
      await reach?.(belfry);
      await expect(belfry.page.locator('html')).toHaveAttribute('lang', language);
      for (const theme of themes) {
        await belfry.setTheme(theme);
        await belfry.expectAccessible();
        await belfry.screenshot(`${name}-${language}-${theme}`);
      }
    });
  }
}
