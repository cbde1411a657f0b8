// The list while it is scrolled: which rows are in memory, what is read next, and what the view stands on.
//
// Never more than a few hundred rows, read by key in both directions, one reading at a time. Who looks at a row keeps
// looking at it, whatever arrives or goes above. It holds no truth: an update makes it read again what it has.

import { type Ask, type Backend, everything, type Filter, messageOf, type Page, type Row } from './backend/backend';
import { heldBy, lay, noSheet, rowAt, type Sheet, type Sizes, topOf } from './sheet';

const pageSize = 100;
const most = 400;
/** Rows beyond the view that are read ahead. */
const ahead = 40;
/** A view this many rows away from what is in memory is jumped to. */
const far = 300;
const lowest = Number.MIN_SAFE_INTEGER;

type Step = 'again' | 'older' | 'newer' | 'jump';

export class Roll {
  sheet = $state.raw<Sheet>(noSheet);
  /** Pixels of the whole list above the view. */
  top = $state(0);
  /** Height of the view. */
  view = $state(600);
  sizes = $state.raw<Sizes>({ row: 62, heading: 30, foot: 0 });
  filter = $state.raw<Filter>(everything);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  failure = $state('');
  /** The number of matching notices is an estimate. */
  isEstimate = $state(false);
  unread = $state(0);
  /** A row that stays although it matches no longer, because it is being read. */
  kept: Row | null = null;

  readonly #backend: Backend;
  #newest = 0;
  #oldest = 1;
  #running: Promise<void> | null = null;
  #isStale = false;
  /** Counts the filters, so that the answer to an earlier one is dropped. */
  #round = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The newest row that was read: what "all" means at this moment. */
  get newest(): number {
    return this.#newest;
  }

  /** Reads again what is in memory. */
  refresh(): Promise<void> {
    this.#isStale = true;
    return this.fill();
  }

  /** Shows other notices, from the newest. */
  show(filter: Filter): Promise<void> {
    this.filter = filter;
    this.kept = null;
    this.#round += 1;
    this.#newest = 0;
    this.#oldest = 1;
    this.top = 0;
    this.sheet = { ...noSheet };
    return this.refresh();
  }

  /** Reads what the view lacks. */
  fill(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  resize(sizes: Sizes): void {
    this.sizes = sizes;
    this.#take(this.sheet.rows, this.sheet);
  }

  scrollTo(top: number): void {
    this.top = Math.max(0, Math.min(top, this.sheet.height - this.view));
    void this.fill();
  }

  /** The row `by` places below (or above) a notice, in memory or not; the notice need not match. */
  async neighbour(seq: number | null, by: number): Promise<Row | null> {
    if (by === -Infinity) this.scrollTo(0);
    if (by === Infinity) this.scrollTo(this.sheet.height);
    await this.fill();
    if (!Number.isFinite(by)) return (by < 0 ? this.sheet.rows[0] : this.sheet.rows.at(-1)) ?? null;
    if (seq === null) return this.sheet.rows[rowAt(this.sheet, this.top)] ?? null;
    if (!this.#spans(seq)) await this.#around(seq);
    const target = () => {
      const { rows } = this.sheet;
      const at = rows.findIndex((row) => row.seq <= seq);
      const isThere = rows[at]?.seq === seq;
      if (at < 0) return by < 0 ? rows.length + by : rows.length;
      return at + by - (!isThere && by > 0 ? 1 : 0);
    };
    if (target() >= this.sheet.rows.length && this.sheet.hasOlder) await this.#read('older');
    if (target() < 0 && this.sheet.hasNewer) await this.#read('newer');
    return this.sheet.rows[Math.min(Math.max(target(), 0), this.sheet.rows.length - 1)] ?? null;
  }

  /** Brings a notice into view. */
  async reveal(seq: number): Promise<void> {
    await this.fill();
    if (topOf(this.sheet, seq) === null && !this.#spans(seq)) await this.#around(seq);
    const place = this.sheet.rows.findIndex((row) => row.seq === seq);
    const above = this.sheet.tops[place];
    if (above === undefined) return;
    const below = this.sheet.tops[place + 1] ?? this.sheet.bottom;
    // the heading of a day sticks to the upper edge
    const cover = this.sheet.headed[place] === true ? 0 : this.sizes.heading;
    if (above - cover < this.top) this.scrollTo(above - cover);
    else if (below > this.top + this.view) this.scrollTo(below - this.view);
  }

  #spans(seq: number): boolean {
    const { rows, hasNewer, hasOlder } = this.sheet;
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return true;
    return (seq <= first.seq || !hasNewer) && (seq >= last.seq || !hasOlder);
  }

  async #run(): Promise<void> {
    for (let step = this.#next(); step; step = this.#next()) {
      if (!(await this.#read(step))) return;
    }
  }

  #next(): Step | null {
    if (this.#isStale) return 'again';
    const { top, bottom, rows, hasNewer, hasOlder } = this.sheet;
    if (rows.length === 0 || this.phase === 'failed') return null;
    const [upper, lower] = [this.top, this.top + this.view];
    const reach = far * this.sizes.row;
    if ((hasOlder && upper > bottom + reach) || (hasNewer && lower < top - reach)) return 'jump';
    if (hasOlder && lower + ahead * this.sizes.row > bottom) return 'older';
    if (hasNewer && upper - ahead * this.sizes.row < top) return 'newer';
    return null;
  }

  /** False when it failed; an answer to an earlier filter counts as done. */
  async #read(step: Step): Promise<boolean> {
    const round = this.#round;
    try {
      const finish = await this.#steps[step]();
      if (round === this.#round) {
        finish();
        this.phase = 'ready';
      }
      return true;
    } catch (error) {
      if (round !== this.#round) return true;
      this.failure = messageOf(error);
      this.phase = 'failed';
      return false;
    }
  }

  readonly #steps: Record<Step, () => Promise<() => void>> = {
    again: async () => {
      this.#isStale = false;
      const { rows, hasNewer, index, total } = this.sheet;
      const isAtTop = !hasNewer;
      const before = isAtTop ? null : (rows[0]?.seq ?? 0) + 1;
      const page = await this.#page({ before, limit: Math.max(rows.length, pageSize) });
      return () => {
        this.#count(page);
        const hasOlder = page.next !== null;
        const grown = page.matching - total;
        this.#take(this.#withKept(page.rows, isAtTop, hasOlder), {
          index: Math.max(0, index + grown),
          total: page.matching,
          hasNewer: !isAtTop && page.hasNewer,
          hasOlder,
        });
      };
    },
    older: async () => {
      const { rows } = this.sheet;
      const page = await this.#page({ before: rows.at(-1)?.seq ?? null, limit: pageSize });
      return () => {
        this.#count(page);
        const all = [...rows, ...page.rows];
        const cut = Math.max(0, Math.min(all.length - most, this.#cuttable('above')));
        const hasOlder = page.next !== null && page.rows.length > 0;
        this.#take(all.slice(cut), {
          index: this.sheet.index + cut,
          total: page.matching,
          hasNewer: this.sheet.hasNewer || cut > 0,
          hasOlder,
        });
      };
    },
    newer: async () => {
      const { rows, index } = this.sheet;
      const page = await this.#page({ after: rows[0]?.seq ?? null, limit: pageSize });
      return () => {
        this.#count(page);
        const all = [...page.rows, ...rows];
        const cut = Math.max(0, Math.min(all.length - most, this.#cuttable('below')));
        this.#take(all.slice(0, all.length - cut), {
          index: index - page.rows.length,
          total: page.matching,
          hasNewer: page.rows.length > 0 && page.hasNewer,
          hasOlder: this.sheet.hasOlder || cut > 0,
        });
      };
    },
    jump: async () => {
      const { height } = this.sheet;
      const part = this.top / Math.max(1, height - this.view);
      const isEnd = this.top + this.view > height - far * this.sizes.row;
      const key = Math.round(this.#newest - (this.#newest - this.#oldest) * part) + 1;
      const page = await this.#page(isEnd ? { after: lowest, limit: pageSize } : { before: key, limit: pageSize });
      return () => {
        this.#place(page, Math.round(part * page.matching), this.top);
      };
    },
  };

  /** Reads the rows around a notice that is far from what is in memory. */
  async #around(seq: number): Promise<void> {
    const round = this.#round;
    const newer = await this.#page({ after: seq, limit: pageSize / 2 });
    const older = await this.#page({ before: seq + 1, limit: pageSize });
    if (round !== this.#round) return;
    const part = (this.#newest - seq) / Math.max(1, this.#newest - this.#oldest);
    const page = { ...older, rows: [...newer.rows, ...older.rows], hasNewer: newer.rows.length > 0 && newer.hasNewer };
    const index = Math.max(0, Math.round(part * older.matching) - newer.rows.length);
    this.#place(page, index, index * this.sizes.row);
  }

  /** Starts anew with a page somewhere in the list. */
  #place(page: Page, index: number, y: number): void {
    this.#count(page);
    const first = page.rows[0];
    const hasOlder = page.next !== null;
    this.sheet = lay(
      page.rows,
      { index, total: page.matching, hasNewer: page.hasNewer, hasOlder },
      this.sizes,
      first ? { seq: first.seq, y } : null,
    );
    if (!hasOlder) this.top = Math.max(this.top, this.sheet.height - this.view);
    this.#stay();
  }

  #page(ask: Partial<Ask> & { limit: number }): Promise<Page> {
    return this.#backend.page({ before: null, after: null, filter: this.filter, ...ask });
  }

  #count(page: Page): void {
    this.unread = page.unread;
    this.isEstimate = !page.isExact;
    this.#newest = Math.max(this.#newest, page.rows[0]?.seq ?? 0);
    if (page.next === null) this.#oldest = page.rows.at(-1)?.seq ?? this.#oldest;
  }

  /** Rows beyond the view that need not stay. */
  #cuttable(side: 'above' | 'below'): number {
    const first = rowAt(this.sheet, this.top);
    if (side === 'above') return Math.max(0, first - 2 * ahead);
    return Math.max(0, this.sheet.rows.length - rowAt(this.sheet, this.top + this.view) - 2 * ahead);
  }

  #withKept(rows: Row[], isAtTop: boolean, hasOlder: boolean): Row[] {
    const { kept } = this;
    const last = rows.at(-1);
    if (!kept || rows.some((row) => row.seq === kept.seq)) return rows;
    if (hasOlder && last && kept.seq < last.seq) return rows;
    const at = rows.findIndex((row) => row.seq < kept.seq);
    if (at === 0 && !isAtTop) return rows;
    return rows.toSpliced(at < 0 ? rows.length : at, 0, kept);
  }

  /** Takes rows, and keeps the one that is looked at where it is. At the very top the newest comes into view instead. */
  #take(rows: readonly Row[], around: Parameters<typeof lay>[1]): void {
    const isAtTop = this.top < 1 && !this.sheet.hasNewer;
    const held = isAtTop ? null : heldBy(this.sheet, rows, this.top);
    this.sheet = lay(rows, around, this.sizes, held);
    if (held) this.top += (topOf(this.sheet, held.seq) ?? held.y) - held.y;
    this.#stay();
  }

  #stay(): void {
    this.top = Math.max(0, Math.min(this.top, this.sheet.height - this.view));
  }
}
