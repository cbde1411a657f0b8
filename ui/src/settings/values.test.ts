import { expect, test } from 'vitest';

import { asTexts, fromLines, headersOf, linesOf, withoutEmpty } from './values';

test('lines become a list, without what is empty', () => {
  expect(fromLines(' wss://a \n\n wss://b')).toEqual(['wss://a', 'wss://b']);
  expect(asTexts(['a', 1])).toEqual(['a', '1']);
  expect(asTexts('a')).toEqual([]);
});

test('headers go to lines and back, colons in values included', () => {
  const headers = { 'x-queue-name': 'belfry.{login}.{device}', 'x-when': '10:30' };
  expect(headersOf(linesOf(headers))).toEqual(headers);
});

test('what is empty is left out of a table', () => {
  expect(withoutEmpty({ kind: '3', sender: '', show: 'mute', headers: {} })).toEqual({ kind: '3', show: 'mute' });
});
