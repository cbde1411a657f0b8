import { expect, test } from 'vitest';

import type { Row } from '../backend/backend';
import { computeLayout } from './layout';

const sizes = { row: 60, heading: 28, footer: 0 };
const position = { index: 0, total: 0, hasNewer: false, hasOlder: false };

/** Rows in order of arrival, given by the times at which they were sent; the list shows the last one first. */
const rows = (...sent: string[]): Row[] =>
  sent
    .map(
      (at, index) =>
        ({
          seq: index + 1,
          title: '',
          preview: '',
          kind: '',
          sender: '',
          at: `2026-11-${at}:00`,
          read: true,
          state: 'open',
          priority: 'normal',
          needsAction: false,
        }) satisfies Row,
    )
    .toReversed();

const headings = (list: Row[]) => {
  const layout = computeLayout(list, position, sizes, null);
  return layout.days.filter((_, index) => layout.hasHeading[index]).map((at) => at.slice(8, 10));
};

test('a day has one heading, also when notices missed the day before arrive among those of today', () => {
  expect(headings(rows('18T09:00', '19T09:00', '20T09:00', '19T17:00', '18T08:00', '20T09:05'))).toEqual([
    '20',
    '19',
    '18',
  ]);
});

test('a late notice is listed under the day it arrived among, every other one under its own', () => {
  const list = rows('19T09:00', '20T09:00', '18T17:00', '20T09:05');
  expect(computeLayout(list, position, sizes, null).days.map((at) => at.slice(8, 10))).toEqual([
    '20',
    '20',
    '20',
    '19',
  ]);
});

test('rows with newer ones above them begin without a heading', () => {
  const layout = computeLayout(
    rows('19T09:00', '20T09:00', '20T09:05'),
    { ...position, hasNewer: true, index: 3, total: 6 },
    sizes,
    null,
  );
  expect(layout.hasHeading).toEqual([false, false, true]);
});
