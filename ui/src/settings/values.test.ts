import { expect, test } from 'vitest';

import { asTexts, fromLines, headersOf, kindRows, kindsOf, linesOf, withoutEmpty } from './values';

test('lines become a list, without empty lines', () => {
  expect(fromLines(' wss://a \n\n wss://b')).toEqual(['wss://a', 'wss://b']);
  expect(asTexts(['a', 1])).toEqual(['a', '1']);
  expect(asTexts('a')).toEqual([]);
});

test('headers become lines and back, also with colons in their values', () => {
  const headers = { 'x-queue-name': 'belfry.{login}.{device}', 'x-when': '10:30' };
  expect(headersOf(linesOf(headers))).toEqual(headers);
});

test('empty values are left out of a table', () => {
  expect(withoutEmpty({ kind: '3', sender: '', show: 'mute', headers: {} })).toEqual({ kind: '3', show: 'mute' });
});

test('names of kinds become rows and back', () => {
  const kinds = { 3: 'Leave', 4: { 'en': 'Expense', 'zh-CN': '报销' }, 5: { en: 'Trip' } };
  expect(kindRows(kinds)[1]).toEqual({ kind: '4', en: 'Expense', zh: '报销' });
  expect(kindsOf(kindRows(kinds))).toEqual(kinds);
  expect(kindsOf([{ kind: '6', en: '', zh: '' }])).toEqual({ 6: '6' });
});
