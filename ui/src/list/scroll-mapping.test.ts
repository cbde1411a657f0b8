import { expect, test } from 'vitest';

import { scrollMapping } from './scroll-mapping';

const viewHeight = 600;

test('a list that fits is scrolled pixel by pixel', () => {
  const mapping = scrollMapping(60_000, viewHeight);
  expect(mapping.height).toBe(60_000);
  expect(mapping.toScrollTop(1234)).toBe(1234);
  expect(mapping.topAfterScroll(0, 0, 1234)).toBe(1234);
});

test('a list of a million rows fits, its ends are exact, and every position can be mapped back', () => {
  const height = 62_000_000;
  const mapping = scrollMapping(height, viewHeight);
  expect(mapping.height).toBeLessThanOrEqual(10_000_000);
  expect(mapping.toScrollTop(0)).toBe(0);
  expect(mapping.toScrollTop(height - viewHeight)).toBe(mapping.height - viewHeight);
  for (const top of [0, 1, 999_999, 2_000_000, 2_000_001, 31_000_000, 59_999_000, height - viewHeight]) {
    expect(mapping.topAfterScroll(0, -1_000_000_000, mapping.toScrollTop(top))).toBeCloseTo(top, 3);
  }
});

test('a step of the wheel moves the list by its own distance, also in the compressed middle', () => {
  const mapping = scrollMapping(62_000_000, viewHeight);
  const scrollTop = mapping.toScrollTop(31_000_000);
  expect(mapping.topAfterScroll(31_000_000, scrollTop, scrollTop + 120)).toBeCloseTo(31_000_120, 3);
  expect(mapping.needsCorrection(31_000_120, scrollTop + 120)).toBe(false);
});

test('dragging the thumb jumps', () => {
  const mapping = scrollMapping(62_000_000, viewHeight);
  expect(mapping.topAfterScroll(0, 0, mapping.height / 2)).toBeCloseTo(31_000_000, -5);
});

test('no position is beyond the ends', () => {
  const mapping = scrollMapping(62_000_000, viewHeight);
  expect(mapping.topAfterScroll(100, 5000, 4000)).toBeGreaterThanOrEqual(0);
  expect(mapping.toScrollTop(70_000_000)).toBe(mapping.height - viewHeight);
  expect(scrollMapping(100, viewHeight).topAfterScroll(0, 0, 50)).toBe(0);
});
