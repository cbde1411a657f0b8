// The virtual list: which rows are loaded, which page is read next, and where the view is. No DOM.
//
// At most a few hundred rows are loaded, read by key in both directions, one page at a time. The row at the viewTop edge
// stays there when rows above it arrive or go. Holds no truth: after an update it reads the loaded rows again.

import {
  type Backend,
  everything,
  type Filter,
  messageOf,
  type Page,
  type PageQuery,
  type Row,
} from '../backend/backend';
import {
  computeLayout,
  emptyLayout,
  findScrollAnchor,
  type ListLayout,
  type ListPosition,
  rowIndexAt,
  type RowSizes,
  rowTop,
} from './layout';

/** Rows read at once. */
const pageSize = 100;
/** The most rows that stay loaded. */
const maxRows = 400;
/** How many rows beyond the view are read in advance. */
const prefetchRows = 40;
/** A view further than this many rows from the loaded ones is read directly, without the rows between. */
const jumpRows = 300;
/** Below every notice. */
const lowestSeq = Number.MIN_SAFE_INTEGER;

type Step = 'reload' | 'older' | 'newer' | 'jump';

export class VirtualList {
  layout = $state.raw<ListLayout>(emptyLayout);
  /** Pixels of the whole list above the view. */
  top = $state(0);
  /** Height of the view, in pixels. */
  viewHeight = $state(600);
  sizes = $state.raw<RowSizes>({ row: 62, heading: 30, footer: 0 });
  filter = $state.raw<Filter>(everything);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** The rows are still those of the filter before. */
  isOutdated = $state(false);
  /** Why the last page could not be read. */
  failure = $state('');
  /** The number of matching notices is an estimate. */
  isEstimate = $state(false);
  /** Unread notices of the whole inbox. */
  unread = $state(0);
  /** A row that stays although it no longer matches, because its notice is open. */
  pinnedRow: Row | null = null;

  readonly #backend: Backend;
  #newestSeq = 0;
  #oldestSeq = 1;
  #running: Promise<void> | null = null;
  #isStale = false;
  /** Grows with each filter, so that an answer for an earlier one is dropped. */
  #generation = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The newest notice that was read: "all" means up to this one. */
  get newestSeq(): number {
    return this.#newestSeq;
  }

  /** Reads the loaded rows again. */
  refresh(): Promise<void> {
    this.#isStale = true;
    return this.loadVisible();
  }

  /** Shows the notices that match `filter`, beginning with the newest. Until they are there, the rows stay. */
  setFilter(filter: Filter): Promise<void> {
    this.filter = filter;
    this.pinnedRow = null;
    this.#generation += 1;
    this.#newestSeq = 0;
    this.#oldestSeq = 1;
    this.isOutdated = true;
    return this.refresh();
  }

  /** Reads the rows that the view needs and that are not loaded. */
  loadVisible(): Promise<void> {
    this.#running ??= this.#runSteps().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  resize(sizes: RowSizes): void {
    this.sizes = sizes;
    this.#setRows(this.layout.rows, this.layout);
  }

  scrollTo(top: number): void {
    this.top = Math.max(0, Math.min(top, this.layout.height - this.viewHeight));
    void this.loadVisible();
  }

  /** The row `by` rows below (or above) a notice, which need not be loaded and need not match. */
  async neighbour(seq: number | null, by: number): Promise<Row | null> {
    if (by === -Infinity) this.scrollTo(0);
    if (by === Infinity) this.scrollTo(this.layout.height);
    await this.loadVisible();
    if (!Number.isFinite(by)) return (by < 0 ? this.layout.rows[0] : this.layout.rows.at(-1)) ?? null;
    if (seq === null) return this.layout.rows[rowIndexAt(this.layout, this.top)] ?? null;
    if (!this.#covers(seq)) await this.#loadAround(seq);
    const target = () => {
      const { rows } = this.layout;
      const index = rows.findIndex((row) => row.seq <= seq);
      const isListed = rows[index]?.seq === seq;
      if (index < 0) return by < 0 ? rows.length + by : rows.length;
      return index + by - (!isListed && by > 0 ? 1 : 0);
    };
    if (target() >= this.layout.rows.length && this.layout.hasOlder) await this.#read('older');
    if (target() < 0 && this.layout.hasNewer) await this.#read('newer');
    return this.layout.rows[Math.min(Math.max(target(), 0), this.layout.rows.length - 1)] ?? null;
  }

  /** Scrolls so that a notice is in view. */
  async reveal(seq: number): Promise<void> {
    await this.loadVisible();
    const isLoaded = this.layout.rows.some((row) => row.seq === seq);
    if (!isLoaded && !this.#covers(seq)) await this.#loadAround(seq);
    const index = this.layout.rows.findIndex((row) => row.seq === seq);
    const rowTop = this.layout.tops[index];
    if (rowTop === undefined) return;
    const rowBottom = this.layout.tops[index + 1] ?? this.layout.bottom;
    // The heading of a day sticks to the viewTop edge and covers what is behind it.
    const covered = this.layout.hasHeading[index] === true ? 0 : this.sizes.heading;
    if (rowTop - covered < this.top) this.scrollTo(rowTop - covered);
    else if (rowBottom > this.top + this.viewHeight) this.scrollTo(rowBottom - this.viewHeight);
  }

  /** Whether a notice with this key would be among the loaded rows if it matched. */
  #covers(seq: number): boolean {
    const { rows, hasNewer, hasOlder } = this.layout;
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return true;
    return (seq <= first.seq || !hasNewer) && (seq >= last.seq || !hasOlder);
  }

  async #runSteps(): Promise<void> {
    for (let step = this.#nextStep(); step; step = this.#nextStep()) {
      if (!(await this.#read(step))) return;
    }
  }

  #nextStep(): Step | null {
    if (this.#isStale) return 'reload';
    const { top, bottom, rows, hasNewer, hasOlder } = this.layout;
    if (rows.length === 0 || this.phase === 'failed') return null;
    const [viewTop, viewBottom] = [this.top, this.top + this.viewHeight];
    const jumpDistance = jumpRows * this.sizes.row;
    if ((hasOlder && viewTop > bottom + jumpDistance) || (hasNewer && viewBottom < top - jumpDistance)) return 'jump';
    if (hasOlder && viewBottom + prefetchRows * this.sizes.row > bottom) return 'older';
    if (hasNewer && viewTop - prefetchRows * this.sizes.row < top) return 'newer';
    return null;
  }

  /** False when the page could not be read; an answer for an earlier filter counts as read. */
  async #read(step: Step): Promise<boolean> {
    const generation = this.#generation;
    try {
      const apply = await this.#steps[step]();
      if (generation === this.#generation) {
        apply();
        this.phase = 'ready';
      }
      return true;
    } catch (thrown) {
      if (generation !== this.#generation) return true;
      this.failure = messageOf(thrown);
      this.phase = 'failed';
      return false;
    }
  }

  readonly #steps: Record<Step, () => Promise<() => void>> = {
    reload: async () => {
      this.#isStale = false;
      const { isOutdated } = this;
      const { rows, hasNewer, index, total } = isOutdated ? emptyLayout : this.layout;
      const isAtTop = !hasNewer;
      const before = isAtTop ? null : (rows[0]?.seq ?? 0) + 1;
      const page = await this.#page({ before, limit: Math.max(rows.length, pageSize) });
      return () => {
        if (isOutdated) {
          this.layout = { ...emptyLayout };
          this.top = 0;
          this.isOutdated = false;
        }
        this.#updateCounts(page);
        const hasOlder = page.next !== null;
        const added = page.matching - total;
        this.#setRows(this.#withPinnedRow(page.rows, isAtTop, hasOlder), {
          index: Math.max(0, index + added),
          total: page.matching,
          hasNewer: !isAtTop && page.hasNewer,
          hasOlder,
        });
      };
    },
    older: async () => {
      const { rows } = this.layout;
      const page = await this.#page({ before: rows.at(-1)?.seq ?? null, limit: pageSize });
      return () => {
        this.#updateCounts(page);
        const all = [...rows, ...page.rows];
        const removed = Math.max(0, Math.min(all.length - maxRows, this.#removable('above')));
        const hasOlder = page.next !== null && page.rows.length > 0;
        this.#setRows(all.slice(removed), {
          index: this.layout.index + removed,
          total: page.matching,
          hasNewer: this.layout.hasNewer || removed > 0,
          hasOlder,
        });
      };
    },
    newer: async () => {
      const { rows, index } = this.layout;
      const page = await this.#page({ after: rows[0]?.seq ?? null, limit: pageSize });
      return () => {
        this.#updateCounts(page);
        const all = [...page.rows, ...rows];
        const removed = Math.max(0, Math.min(all.length - maxRows, this.#removable('below')));
        this.#setRows(all.slice(0, all.length - removed), {
          index: index - page.rows.length,
          total: page.matching,
          hasNewer: page.rows.length > 0 && page.hasNewer,
          hasOlder: this.layout.hasOlder || removed > 0,
        });
      };
    },
    jump: async () => {
      const { height } = this.layout;
      const fraction = this.top / Math.max(1, height - this.viewHeight);
      const isAtEnd = this.top + this.viewHeight > height - jumpRows * this.sizes.row;
      const key = Math.round(this.#newestSeq - (this.#newestSeq - this.#oldestSeq) * fraction) + 1;
      const page = await this.#page(isAtEnd ? { after: lowestSeq, limit: pageSize } : { before: key, limit: pageSize });
      return () => {
        this.#showPage(page, Math.round(fraction * page.matching), this.top);
      };
    },
  };

  /** Reads the rows around a notice that is far from the loaded ones. */
  async #loadAround(seq: number): Promise<void> {
    const generation = this.#generation;
    const newer = await this.#page({ after: seq, limit: pageSize / 2 });
    const older = await this.#page({ before: seq + 1, limit: pageSize });
    if (generation !== this.#generation) return;
    const fraction = (this.#newestSeq - seq) / Math.max(1, this.#newestSeq - this.#oldestSeq);
    const page = { ...older, rows: [...newer.rows, ...older.rows], hasNewer: newer.rows.length > 0 && newer.hasNewer };
    const index = Math.max(0, Math.round(fraction * older.matching) - newer.rows.length);
    this.#showPage(page, index, index * this.sizes.row);
  }

  /** Replaces the loaded rows by a page from elsewhere in the list. */
  #showPage(page: Page, index: number, y: number): void {
    this.#updateCounts(page);
    const first = page.rows[0];
    const hasOlder = page.next !== null;
    this.layout = computeLayout(
      page.rows,
      { index, total: page.matching, hasNewer: page.hasNewer, hasOlder },
      this.sizes,
      first ? { seq: first.seq, y } : null,
    );
    if (!hasOlder) this.top = Math.max(this.top, this.layout.height - this.viewHeight);
    this.#clampTop();
  }

  #page(query: Partial<PageQuery> & { limit: number }): Promise<Page> {
    return this.#backend.page({ before: null, after: null, filter: this.filter, ...query });
  }

  #updateCounts(page: Page): void {
    this.unread = page.unread;
    this.isEstimate = !page.isExact;
    this.#newestSeq = Math.max(this.#newestSeq, page.rows[0]?.seq ?? 0);
    if (page.next === null) this.#oldestSeq = page.rows.at(-1)?.seq ?? this.#oldestSeq;
  }

  /** How many loaded rows above or below the view are too far from it to stay. */
  #removable(side: 'above' | 'below'): number {
    const first = rowIndexAt(this.layout, this.top);
    if (side === 'above') return Math.max(0, first - 2 * prefetchRows);
    return Math.max(
      0,
      this.layout.rows.length - rowIndexAt(this.layout, this.top + this.viewHeight) - 2 * prefetchRows,
    );
  }

  #withPinnedRow(rows: Row[], isAtTop: boolean, hasOlder: boolean): Row[] {
    const { pinnedRow } = this;
    const last = rows.at(-1);
    if (!pinnedRow || rows.some((row) => row.seq === pinnedRow.seq)) return rows;
    if (hasOlder && last && pinnedRow.seq < last.seq) return rows;
    const at = rows.findIndex((row) => row.seq < pinnedRow.seq);
    if (at === 0 && !isAtTop) return rows;
    return rows.toSpliced(at < 0 ? rows.length : at, 0, pinnedRow);
  }

  /** Replaces the loaded rows and keeps the one at the upper edge in place; at the very top new rows come into view. */
  #setRows(rows: readonly Row[], position: ListPosition): void {
    const isAtTop = this.top < 1 && !this.layout.hasNewer;
    const anchor = isAtTop ? null : findScrollAnchor(this.layout, rows, this.top);
    this.layout = computeLayout(rows, position, this.sizes, anchor);
    if (anchor) this.top += (rowTop(this.layout, anchor.seq) ?? anchor.y) - anchor.y;
    this.#clampTop();
  }

  #clampTop(): void {
    this.top = Math.max(0, Math.min(this.top, this.layout.height - this.viewHeight));
  }
}
