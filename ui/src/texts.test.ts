import { expect, test, vi } from 'vitest';

import en from '../../texts/en.json';
import zhCN from '../../texts/zh-CN.json';
import { groups } from './settings/keys';
import { formatNumber, setLanguage, t, tn } from './texts.svelte';

vi.stubGlobal('document', { documentElement: {} });

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();

const sources = import.meta.glob<string>(['./**/*.{ts,svelte}', '!./**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

test('both languages have the same keys, in the same order, with the same placeholders', () => {
  expect(Object.keys(zhCN)).toEqual(Object.keys(en));
  for (const [key, text] of Object.entries(en))
    expect([key, placeholders(zhCN[key as keyof typeof en])]).toEqual([key, placeholders(text)]);
});

test('no text is empty, and every Chinese text has Chinese characters', () => {
  // Names, technical terms and texts of placeholders only.
  const sameInBoth =
    /^(app\.name|window\.unread|choice\..*|settings\.group\.api|setting\.auth\.oidc|doctor\.step\.websocket|popup\..*)$/;
  for (const [key, text] of Object.entries(zhCN)) {
    expect([key, text.trim() !== '']).toEqual([key, true]);
    if (!sameInBoth.test(key)) expect([key, /\p{Script=Han}/u.test(text)]).toEqual([key, true]);
  }
});

test('every text is used by the window or by Rust', () => {
  const source = Object.values(sources).join('\n');
  const prefixes = [...source.matchAll(/`([a-zA-Z.]+\.)\$\{/g)].map((found) => found[1] ?? '');
  const isUsedByRust = (key: string) => /^(tray|popup|panicked|browser|smoke|app|window\.unavailable)\./.test(key);
  const unused = Object.keys(en).filter((key) => {
    const stem = key.replace(/\.one$/, '');
    return !isUsedByRust(key) && !source.includes(`'${stem}'`) && !prefixes.some((start) => key.startsWith(start));
  });
  expect(unused).toEqual([]);
});

test('every setting a person may change has texts and is on exactly one page', () => {
  const listed = Object.values(groups)
    .flat()
    .map((entry) => entry.key);
  const withTexts = Object.keys(en).flatMap((key) => /^setting\.(\w+\.\w+)\.help$/.exec(key)?.[1] ?? []);
  expect([...listed].sort()).toEqual([...withTexts].sort());
  expect(new Set(listed).size).toBe(listed.length);
});

test('placeholders are filled, numbers formatted for the language, and one has its own form', () => {
  setLanguage('en');
  expect(t('inbox.unread', { n: 12_345 })).toBe('12,345 unread');
  expect(tn('toast.removed', 1)).toBe('1 notice deleted');
  expect(tn('toast.removed', 2)).toBe('2 notices deleted');
  setLanguage('zh-CN');
  expect(tn('toast.removed', 1)).toBe('已删除 1 条通知');
  expect(formatNumber(1234.5)).toBe('1,234.5');
});
