import { expect, test } from 'vitest';

import { assignElements } from './row-elements';

test('rows that replace all others take over their elements in order', () => {
  const before = assignElements([3, 2, 1], new Map());
  expect([...assignElements([103, 102, 101], before)]).toEqual([
    [103, 0],
    [102, 1],
    [101, 2],
  ]);
});

test('a row that stays keeps its element, and the others share what is left', () => {
  const before = assignElements([4, 3, 2, 1], new Map());
  const after = assignElements([6, 5, 4, 3, 2], before);
  expect([...after]).toEqual([
    [6, 3],
    [5, 4],
    [4, 0],
    [3, 1],
    [2, 2],
  ]);
});

test('no two rows ever share an element', () => {
  let elements = assignElements([], new Map());
  for (const [first, count] of [
    [10, 4],
    [12, 6],
    [3, 2],
    [90, 9],
    [88, 5],
    [100, 0],
    [7, 3],
  ] as const) {
    const seqs = Array.from({ length: count }, (_, index) => first - index);
    elements = assignElements(seqs, elements);
    expect([...elements.keys()]).toEqual(seqs);
    expect(new Set(elements.values()).size).toBe(count);
  }
});
