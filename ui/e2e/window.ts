// The fixture of every test of the window: opens a scene, records errors of the page, checks accessibility.

import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test as base } from '@playwright/test';

import en from '../../texts/en.json' with { type: 'json' };
import zhCN from '../../texts/zh-CN.json' with { type: 'json' };
import type { Scene } from '../src/backend/fake';

export type Language = 'en' | 'zh-CN';
export type Theme = 'light' | 'dark';
export const languages: Language[] = ['en', 'zh-CN'];
export const themes: Theme[] = ['light', 'dark'];

export interface SceneOptions {
  language?: Language;
  theme?: Theme;
  /** Milliseconds that each request to the fake server takes. */
  pace?: number;
  /** Milliseconds between two new notices. */
  every?: number;
  open?: number;
}

export class Belfry {
  readonly page: Page;
  language: Language = 'en';
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.errors.push(message.text());
    });
    page.on('dialog', (dialog) => {
      this.errors.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(process.env['BELFRY_UI'] ?? ''))
        this.errors.push(`request: ${request.url().slice(0, 200)}`);
    });
  }

  async open(
    scene: Scene,
    { language = 'en', theme = 'light', pace = 15, every = 0, open }: SceneOptions = {},
  ): Promise<void> {
    this.language = language;
    await this.page.emulateMedia({ colorScheme: theme });
    const address = new URL(process.env['BELFRY_UI'] ?? '');
    address.search = new URLSearchParams({
      scene,
      lang: language,
      theme,
      pace: String(pace),
      every: String(every),
      ...(open === undefined ? {} : { open: String(open) }),
    }).toString();
    await this.page.goto(address.href);
    await this.page.locator('main').waitFor();
  }

  /** A text of the window in its language. */
  text(key: keyof typeof en, values: Record<string, string | number> = {}): string {
    const text = (this.language === 'en' ? en : zhCN)[key];
    return text.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
  }

  button(key: keyof typeof en) {
    return this.page.getByRole('button', { name: this.text(key), exact: true });
  }

  get rows() {
    return this.page.getByRole('option').and(this.page.locator('.row'));
  }

  get article() {
    return this.page.getByRole('article');
  }

  get toast() {
    return this.page.locator('.toast');
  }

  async chooseMenuItem(menu: keyof typeof en, item: keyof typeof en): Promise<void> {
    await this.page
      .getByRole('button', { name: this.text(menu), exact: true })
      .first()
      .click();
    await this.page.getByRole('menuitem', { name: this.text(item), exact: true }).click();
  }

  /** Changes the theme and waits until the colours have changed. */
  async setTheme(theme: Theme): Promise<void> {
    await this.page.emulateMedia({ colorScheme: theme });
    await this.page.evaluate(async (look) => {
      document.documentElement.dataset['theme'] = look;
      await Promise.all(
        document
          .getAnimations()
          .filter((animation) => animation instanceof CSSTransition)
          .map((animation) => animation.finished),
      );
    }, theme);
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: `${import.meta.dirname}/../../target/ui/${name}.png` });
  }

  /** Expects that no accessibility rule is broken. */
  async expectAccessible(): Promise<void> {
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    expect(
      violations.map(({ id, nodes }) => ({
        id,
        nodes: nodes.map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`),
      })),
    ).toEqual([]);
  }
}

/** A test that also fails on an error of the page, a dialog, or a request to another address. */
export const test = base.extend<{ belfry: Belfry }>({
  belfry: async ({ page }, use) => {
    const belfry = new Belfry(page);
    await use(belfry);
    expect(belfry.errors).toEqual([]);
  },
});

export { expect };
