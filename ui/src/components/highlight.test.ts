import { expect, test } from 'vitest';

import { segments } from './highlight';

const shown = (...given: Parameters<typeof segments>) =>
  segments(...given)
    .map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
    .join('');

test('a text is cut at the ranges that matched', () => {
  expect(
    shown('invoice 12 paid', [
      [0, 7],
      [11, 15],
    ]),
  ).toBe('[invoice] 12 [paid]');
  expect(shown('报销单 4711', [[0, 2]])).toBe('[报销]单 4711');
  expect(shown('nothing', [])).toBe('nothing');
  expect(shown('', [[0, 3]])).toBe('');
});

test('ranges that overlap, end beyond the text or are invalid lose no text', () => {
  expect(
    shown('abcdef', [
      [1, 3],
      [2, 5],
    ]),
  ).toBe('a[bc][de]f');
  expect(shown('abc', [[1, 99]])).toBe('a[bc]');
  expect(
    shown('abc', [
      [2, 1],
      [-4, -1],
      [7, 9],
    ]),
  ).toBe('abc');
});

test('a part of a text takes its part of the ranges', () => {
  expect(
    shown(
      'cdef',
      [
        [0, 1],
        [1, 4],
      ],
      2,
    ),
  ).toBe('[cd]ef');
});
