import { expect, test } from 'vitest';

import { dayDate, dayName, longDate, shortDate, timeOf } from './dates';

const now = new Date(2026, 10, 20, 14, 30);
const at = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString();

test('today shows the time, this week the weekday, then the date, and the year only of another year', () => {
  expect(shortDate(at(2026, 10, 20, 9, 5), 'zh-CN', now)).toBe('09:05');
  expect(shortDate(at(2026, 10, 18, 9, 5), 'en', now)).toMatch(/^Wed/);
  expect(shortDate(at(2026, 2, 8, 9, 5), 'en', now)).toMatch(/^Mar 8, 9:05/);
  expect(shortDate(at(2025, 2, 8, 9, 5), 'en', now)).toMatch(/^Mar 8, 2025/);
  expect(shortDate(at(2025, 2, 8, 9, 5), 'zh-CN', now)).toBe('2025年3月8日 09:05');
});

test('a time in the future counts as today', () => {
  expect(shortDate(at(2026, 10, 20, 23, 59), 'zh-CN', now)).toBe('23:59');
});

test('a text that is not a date gives nothing', () => {
  expect(shortDate('soon', 'en', now)).toBe('');
  expect(longDate('', 'en')).toBe('');
});

test('today and yesterday have names, other days their date', () => {
  expect(dayName(at(2026, 10, 20, 0, 0), now)).toBe('today');
  expect(dayName(at(2026, 10, 21, 9, 0), now)).toBe('today');
  expect(dayName(at(2026, 10, 19, 23, 59), now)).toBe('yesterday');
  expect(dayName(at(2026, 10, 18, 23, 59), now)).toBeNull();
  expect(dayDate(at(2026, 10, 18, 9, 5), 'en', now)).toBe('Wednesday, November 18');
  expect(dayDate(at(2025, 10, 18, 9, 5), 'zh-CN', now)).toBe('2025年11月18日星期二');
  expect(timeOf(at(2026, 10, 18, 9, 5), 'zh-CN')).toBe('09:05');
});
