// The texts of the window, in the person's language.
//
// The files are shared with Rust. The type check fails when the languages do not have the same keys, and when code uses
// a key that does not exist. Numbers are formatted for the language.

import en from '../../texts/en.json';
import zhCN from '../../texts/zh-CN.json';
import type { Language } from './backend/backend';

export type Key = keyof typeof en;
type SameKeys = [Exclude<Key, keyof typeof zhCN>, Exclude<keyof typeof zhCN, Key>];
const tables: SameKeys extends [never, never] ? Record<Language, Record<Key, string>> : SameKeys = {
  en,
  'zh-CN': zhCN,
};

/** Keys of texts with a number, which have a second form for one. */
type PluralKey = { [K in Key]: `${K}.one` extends Key ? K : never }[Key];

let language = $state<Language>('en');

export const currentLanguage = (): Language => language;

export function setLanguage(next: Language): void {
  language = next;
  document.documentElement.lang = next;
}

/** The text for a key, with its `{placeholders}` filled. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return tables[language][key].replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = values[name];
    return typeof value === 'number' ? formatNumber(value) : (value ?? placeholder);
  });
}

/** The text for a number of things. */
export function tn(key: PluralKey, n: number, values: Record<string, string | number> = {}): string {
  const isOne = new Intl.PluralRules(language).select(n) === 'one';
  return t(isOne ? (`${key}.one` as Key) : key, { n, ...values });
}

export function formatNumber(value: number): string {
  return new Intl.NumberFormat(language).format(value);
}
