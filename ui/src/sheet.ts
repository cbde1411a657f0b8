// The part of the list that is in memory: rows without a gap, and where each is in the height of the whole list.
//
// A day begins with a heading, and each day has one: what was sent earlier and came late, among the notices of a later day,
// is listed under that one, since the list is in the order in which they came. Pure: whoever reads rows lays them here anew; the row a person looks at is held in place
// by its key. Above and below the sheet the height is an estimate, which becomes exact at both ends.

import type { Row } from './backend/backend';

export interface Sizes {
  row: number;
  heading: number;
  /** What stands below the last row. */
  foot: number;
}

export interface Sheet {
  rows: readonly Row[];
  /** Pixels from the top of the whole list to each row's heading, or to the row where it has none. */
  tops: readonly number[];
  /** Whether a day begins with this row. */
  headed: readonly boolean[];
  /** A time of the day each row is listed under. */
  days: readonly string[];
  top: number;
  bottom: number;
  /** Of the whole list. */
  height: number;
  /** How many rows are above. */
  index: number;
  total: number;
  hasNewer: boolean;
  hasOlder: boolean;
}

export type Around = Pick<Sheet, 'index' | 'total' | 'hasNewer' | 'hasOlder'>;

export const noSheet: Sheet = {
  rows: [],
  tops: [],
  headed: [],
  days: [],
  top: 0,
  bottom: 0,
  height: 0,
  index: 0,
  total: 0,
  hasNewer: false,
  hasOlder: false,
};

/** Lays rows so that the row `held.seq` is at `held.y`; at the ends of the list the ends decide. */
export function lay(
  rows: readonly Row[],
  around: Around,
  sizes: Sizes,
  held: { seq: number; y: number } | null,
): Sheet {
  const { hasNewer, hasOlder } = around;
  const isAll = !hasNewer && !hasOlder;
  const total = isAll ? rows.length : Math.max(around.total, rows.length);
  let index = hasNewer ? Math.max(around.index, 1) : 0;
  if (!hasOlder && hasNewer) index = Math.max(total - rows.length, 1);
  const tops: number[] = [];
  const headed: boolean[] = [];
  const days = daysOf(rows);
  let y = 0;
  let day = hasNewer && days[0] !== undefined ? dayOf(days[0]) : NaN;
  for (const at of days) {
    const its = dayOf(at);
    headed.push(its !== day);
    tops.push(y);
    y += its === day ? sizes.row : sizes.heading + sizes.row;
    day = its;
  }
  const place = held ? rows.findIndex((row) => row.seq === held.seq) : -1;
  let top = 0;
  if (hasNewer) {
    top = place >= 0 && held ? held.y - (tops[place] ?? 0) : index * sizes.row;
    if (top < sizes.row) top = index * sizes.row;
  }
  const bottom = top + y;
  const below = hasOlder ? Math.max(total - index - rows.length, 1) * sizes.row : sizes.foot;
  return {
    rows,
    tops: tops.map((own) => own + top),
    headed,
    days,
    top,
    bottom,
    height: bottom + below,
    index,
    total,
    hasNewer,
    hasOlder,
  };
}

/** The first row that ends below `y`; the number of rows if there is none. */
export function rowAt({ tops, bottom, rows }: Sheet, y: number): number {
  if (y >= bottom) return rows.length;
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tops[middle + 1] ?? bottom) <= y) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The row to hold in place: the first one in view that is still among `rows`. */
export function heldBy(sheet: Sheet, rows: readonly Row[], y: number): { seq: number; y: number } | null {
  const kept = new Set(rows.map((row) => row.seq));
  for (let place = rowAt(sheet, y); place < sheet.rows.length; place += 1) {
    const row = sheet.rows[place];
    if (row && kept.has(row.seq)) return { seq: row.seq, y: sheet.tops[place] ?? 0 };
  }
  const last = sheet.rows.findLastIndex((row) => kept.has(row.seq));
  const row = sheet.rows[last];
  return row ? { seq: row.seq, y: sheet.tops[last] ?? 0 } : null;
}

export function topOf(sheet: Sheet, seq: number): number | null {
  return sheet.tops[sheet.rows.findIndex((row) => row.seq === seq)] ?? null;
}

/** For each row, the latest day of it and all that came before it. */
function daysOf(rows: readonly Row[]): string[] {
  const days: string[] = [];
  let latest = '';
  for (const { at } of rows.toReversed()) {
    if (latest === '' || dayOf(at) > dayOf(latest)) latest = at;
    days.push(latest);
  }
  return days.reverse();
}

/** A number for each day, the later the higher. */
export const dayOf = (at: string) => {
  const date = new Date(at);
  return date.getFullYear() * 400 + date.getMonth() * 32 + date.getDate();
};
