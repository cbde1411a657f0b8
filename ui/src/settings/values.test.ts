import { expect, test } from 'vitest';

import { asTexts, fromLines, headersOf, linesOf, withoutEmpty } from './values';

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
