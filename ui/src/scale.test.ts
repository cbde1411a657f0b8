import { expect, test } from 'vitest';

import { scaleOf } from './scale';

const view = 600;

test('a list that fits is scrolled as it is', () => {
  const scale = scaleOf(60_000, view);
  expect(scale.height).toBe(60_000);
  expect(scale.toNative(1234)).toBe(1234);
  expect(scale.follow(0, 0, 1234)).toBe(1234);
});

test('a list of a million rows fits, its ends are exact, and every place goes there and back', () => {
  const height = 62_000_000;
  const scale = scaleOf(height, view);
  expect(scale.height).toBeLessThanOrEqual(10_000_000);
  expect(scale.toNative(0)).toBe(0);
  expect(scale.toNative(height - view)).toBe(scale.height - view);
  for (const top of [0, 1, 999_999, 2_000_000, 2_000_001, 31_000_000, 59_999_000, height - view]) {
    expect(scale.follow(0, -1_000_000_000, scale.toNative(top))).toBeCloseTo(top, 3);
  }
});

test('a step of the wheel moves the list by what it says, also in the compressed middle', () => {
  const scale = scaleOf(62_000_000, view);
  const native = scale.toNative(31_000_000);
  expect(scale.follow(31_000_000, native, native + 120)).toBeCloseTo(31_000_120, 3);
  expect(scale.isOff(31_000_120, native + 120)).toBe(false);
});

test('dragging the thumb jumps', () => {
  const scale = scaleOf(62_000_000, view);
  expect(scale.follow(0, 0, scale.height / 2)).toBeCloseTo(31_000_000, -5);
});

test('no place is beyond the ends', () => {
  const scale = scaleOf(62_000_000, view);
  expect(scale.follow(100, 5000, 4000)).toBeGreaterThanOrEqual(0);
  expect(scale.toNative(70_000_000)).toBe(scale.height - view);
  expect(scaleOf(100, view).follow(0, 0, 50)).toBe(0);
});
