import { expect, test } from 'vitest';

import type { Row } from './backend/backend';
import { lay } from './sheet';

const sizes = { row: 60, heading: 28, foot: 0 };
const around = { index: 0, total: 0, hasNewer: false, hasOlder: false };

/** Rows that came one after the other, the last one first in the list; only when they were sent matters. */
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
  const sheet = lay(list, around, sizes, null);
  return sheet.days.filter((_, place) => sheet.headed[place]).map((at) => at.slice(8, 10));
};

test('a day has one heading, also when what was missed the day before comes among the notices of today', () => {
  expect(headings(rows('18T09:00', '19T09:00', '20T09:00', '19T17:00', '18T08:00', '20T09:05'))).toEqual([
    '20',
    '19',
    '18',
  ]);
});

test('what came late is listed under the day it came among, and all others under their own', () => {
  const list = rows('19T09:00', '20T09:00', '18T17:00', '20T09:05');
  expect(lay(list, around, sizes, null).days.map((at) => at.slice(8, 10))).toEqual(['20', '20', '20', '19']);
});

test('a list that goes on above begins without a heading', () => {
  const sheet = lay(
    rows('19T09:00', '20T09:00', '20T09:05'),
    { ...around, hasNewer: true, index: 3, total: 6 },
    sizes,
    null,
  );
  expect(sheet.headed).toEqual([false, false, true]);
});
