// Converts values of settings for the controls, and back. Only Rust validates them.

import type { SettingValue } from '../backend/backend';

export type Table = Record<string, SettingValue>;

export const asText = (value: SettingValue | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

export const asTable = (value: SettingValue | undefined): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};

export const asTexts = (value: SettingValue | undefined): string[] => (Array.isArray(value) ? value.map(asText) : []);

export const asTables = (value: SettingValue | undefined): Table[] => (Array.isArray(value) ? value.map(asTable) : []);

/** One entry a line, without empty lines. */
export const fromLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** One `name: value` a line. */
export function headersOf(text: string): Table {
  return Object.fromEntries(
    fromLines(text).map((line) => {
      const [name = '', ...rest] = line.split(':');
      return [name.trim(), rest.join(':').trim()];
    }),
  );
}

export const linesOf = (headers: Table): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${asText(value)}`)
    .join('\n');

/** The names of kinds as rows; a name for all languages is in both columns. */
export const kindRows = (kinds: Table): { kind: string; en: string; zh: string }[] =>
  Object.entries(kinds).map(([kind, name]) =>
    typeof name === 'string'
      ? { kind, en: name, zh: name }
      : { kind, en: asText(asTable(name).en), zh: asText(asTable(name)['zh-CN']) },
  );

/** The names of kinds, from rows; a kind without a name is its own name. */
export const kindsOf = (rows: { [column: string]: string }[]): Table =>
  Object.fromEntries(
    rows
      .filter(({ kind }) => kind)
      .map(({ kind = '', en = '', zh = '' }) => [
        kind,
        en === zh ? en || kind : withoutEmpty({ 'en': en, 'zh-CN': zh }),
      ]),
  );

/** A table without its empty values, which a settings file leaves out. */
export const withoutEmpty = (table: Table): Table =>
  Object.fromEntries(
    Object.entries(table).filter(
      ([, value]) => value !== '' && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0),
    ),
  );
