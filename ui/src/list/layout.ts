// Where each loaded row stands in the whole list, in pixels. Pure: no reading, no scrolling, no DOM.
//
// The loaded rows have no gap between them. Each day has one heading; a notice that was sent on an earlier day but
// arrived among the notices of a later one is listed under the later day, because the list is in order of arrival.
// A scroll anchor (the key of a row in view) keeps that row in place when the rows change. The heights above and below
// the loaded rows are estimates; they are exact once the first or the last row of the list is loaded.

import type { Row } from '../backend/backend';

/** In pixels. */
export interface RowSizes {
  row: number;
  heading: number;
  /** The space below the last row, for the button that loads older notices. */
  footer: number;
}

export interface ListLayout {
  rows: readonly Row[];
  /** For each row, the pixels from the top of the whole list to its heading, or to the row itself without one. */
  tops: readonly number[];
  /** For each row, whether a day begins with it. */
  hasHeading: readonly boolean[];
  /** For each row, a time (RFC 3339) of the day it is listed under. */
  days: readonly string[];
  /** The first pixel of the loaded rows. */
  top: number;
  /** The first pixel below the loaded rows. */
  bottom: number;
  /** Height of the whole list. */
  height: number;
  /** How many rows of the whole list are above the loaded ones. */
  index: number;
  /** How many rows the whole list has. */
  total: number;
  hasNewer: boolean;
  hasOlder: boolean;
}

/** A row, and the pixel of the whole list at which it is to stay. */
export interface ScrollAnchor {
  seq: number;
  y: number;
}

/** Where the loaded rows are in the whole list. */
export type ListPosition = Pick<ListLayout, 'index' | 'total' | 'hasNewer' | 'hasOlder'>;

export const emptyLayout: ListLayout = {
  rows: [],
  tops: [],
  hasHeading: [],
  days: [],
  top: 0,
  bottom: 0,
  height: 0,
  index: 0,
  total: 0,
  hasNewer: false,
  hasOlder: false,
};

/** Places `rows` so that the anchor stays where it is, unless the first row of the list is among them. */
export function computeLayout(
  rows: readonly Row[],
  position: ListPosition,
  sizes: RowSizes,
  anchor: ScrollAnchor | null,
): ListLayout {
  const { hasNewer, hasOlder } = position;
  const isAll = !hasNewer && !hasOlder;
  const total = isAll ? rows.length : Math.max(position.total, rows.length);
  let index = hasNewer ? Math.max(position.index, 1) : 0;
  if (!hasOlder && hasNewer) index = Math.max(total - rows.length, 1);
  const tops: number[] = [];
  const hasHeading: boolean[] = [];
  const days = listedDays(rows);
  let y = 0;
  let day = hasNewer && days[0] !== undefined ? dayNumber(days[0]) : NaN;
  for (const at of days) {
    const nextDay = dayNumber(at);
    hasHeading.push(nextDay !== day);
    tops.push(y);
    y += nextDay === day ? sizes.row : sizes.heading + sizes.row;
    day = nextDay;
  }
  const anchorIndex = anchor ? rows.findIndex((row) => row.seq === anchor.seq) : -1;
  let top = 0;
  if (hasNewer) {
    top = anchorIndex >= 0 && anchor ? anchor.y - (tops[anchorIndex] ?? 0) : index * sizes.row;
    if (top < sizes.row) top = index * sizes.row;
  }
  const bottom = top + y;
  const below = hasOlder ? Math.max(total - index - rows.length, 1) * sizes.row : sizes.footer;
  return {
    rows,
    tops: tops.map((offset) => offset + top),
    hasHeading,
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

/** The index of the first row that ends below pixel `y`; the number of rows if there is none. */
export function rowIndexAt({ tops, bottom, rows }: ListLayout, y: number): number {
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

/** The first row at or below pixel `y` that is also in `rows`; else the last such row above it. */
export function findScrollAnchor(layout: ListLayout, rows: readonly Row[], y: number): ScrollAnchor | null {
  const remaining = new Set(rows.map((row) => row.seq));
  for (let index = rowIndexAt(layout, y); index < layout.rows.length; index += 1) {
    const row = layout.rows[index];
    if (row && remaining.has(row.seq)) return { seq: row.seq, y: layout.tops[index] ?? 0 };
  }
  const last = layout.rows.findLastIndex((row) => remaining.has(row.seq));
  const row = layout.rows[last];
  return row ? { seq: row.seq, y: layout.tops[last] ?? 0 } : null;
}

/** The pixel of a row in the whole list; null if it is not loaded. */
export function rowTop(layout: ListLayout, seq: number): number | null {
  return layout.tops[layout.rows.findIndex((row) => row.seq === seq)] ?? null;
}

/** For each row, the latest day among it and the rows that arrived before it. */
function listedDays(rows: readonly Row[]): string[] {
  const days: string[] = [];
  let latest = '';
  for (const { at } of rows.toReversed()) {
    if (latest === '' || dayNumber(at) > dayNumber(latest)) latest = at;
    days.push(latest);
  }
  return days.reverse();
}

/** A number for the local day of a time; later days have higher numbers. */
export const dayNumber = (at: string) => {
  const date = new Date(at);
  return date.getFullYear() * 400 + date.getMonth() * 32 + date.getDate();
};
