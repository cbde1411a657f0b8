// What the window says, in the person's language.
//
// The files are shared with Rust. The type check fails when a language lacks a key or has one too many, and when a key is
// asked for that is not there. Numbers are written as the language writes them.

import en from '../../texts/en.json';
import zhCN from '../../texts/zh-CN.json';
import type { Language } from './backend/backend';

export type Key = keyof typeof en;
type SameKeys = [Exclude<Key, keyof typeof zhCN>, Exclude<keyof typeof zhCN, Key>];
const tables: SameKeys extends [never, never] ? Record<Language, Record<Key, string>> : SameKeys = {
  en,
  'zh-CN': zhCN,
};

/** Keys of sentences with a number, which have a second form for one. */
type Counted = { [K in Key]: `${K}.one` extends Key ? K : never }[Key];

let language = $state<Language>('en');

export const speaks = (): Language => language;

export function speak(next: Language): void {
  language = next;
  document.documentElement.lang = next;
}

/** The sentence for a key, with its `{places}` filled. */
export function t(key: Key, places: Record<string, string | number> = {}): string {
  return tables[language][key].replaceAll(/\{(\w+)\}/g, (place, name: string) => {
    const value = places[name];
    return typeof value === 'number' ? number(value) : (value ?? place);
  });
}

/** The sentence for a number of things. */
export function tn(key: Counted, n: number, places: Record<string, string | number> = {}): string {
  const isOne = new Intl.PluralRules(language).select(n) === 'one';
  return t(isOne ? (`${key}.one` as Key) : key, { n, ...places });
}

export function number(value: number): string {
  return new Intl.NumberFormat(language).format(value);
}
