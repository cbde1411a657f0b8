// What the window says, in the person's language.
//
// The files are shared with Rust. The type check fails when a language lacks a key or has one too many.

import en from '../../texts/en.json';
import zhCN from '../../texts/zh-CN.json';
import type { Language } from './backend/backend';

export type Key = keyof typeof en;
type SameKeys = [Exclude<Key, keyof typeof zhCN>, Exclude<keyof typeof zhCN, Key>];
const tables: SameKeys extends [never, never] ? Record<Language, Record<Key, string>> : SameKeys = { en, 'zh-CN': zhCN };

let language = $state<Language>('en');

export const speaks = (): Language => language;

export function speak(next: Language): void {
  language = next;
  document.documentElement.lang = next;
}

/** The sentence for a key, with its `{places}` filled. */
export function t(key: Key, places: Record<string, string | number> = {}): string {
  return tables[language][key].replaceAll(/\{(\w+)\}/g, (place, name: string) => String(places[name] ?? place));
}
