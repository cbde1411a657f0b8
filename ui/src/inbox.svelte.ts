// What the window shows of the inbox: the rows read so far, the one selected, and its detail.
//
// It holds no truth. Every change goes to the back end, and an update makes it read again what it shows; readings are
// joined, so a burst of updates costs one or two. Row and detail answers that come too late are dropped.

import { type Backend, type Detail, everything, messageOf, type Row } from './backend/backend';

const pageSize = 100;
const largestPage = 500;
/** A notice that is shown this long, in milliseconds, counts as read. */
const readAfter = 1500;

export class Inbox {
  rows = $state.raw<Row[]>([]);
  unread = $state(0);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  failure = $state('');
  selected = $state<number | null>(null);
  detail = $state.raw<Detail | null>(null);
  /** The selected notice is no longer there. */
  isGone = $state(false);
  /** What went wrong with the last thing a person asked for. */
  problem = $state('');

  readonly #backend: Backend;
  #next: number | null = null;
  #reading: Promise<void> | null = null;
  #isStale = false;
  #readTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Reads again all that is shown. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#readWhileStale().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Reads the next, older page. */
  async more(): Promise<void> {
    if (this.#next === null || this.#reading) return;
    const before = this.#next;
    this.#reading = this.#readPage(before).finally(() => {
      this.#reading = null;
    });
    await this.#reading;
    if (this.#isStale) await this.refresh();
  }

  /** Shows a notice. One that is opened on purpose is read at once, one that is passed over only after a while. */
  async select(seq: number | null, { opened = false } = {}): Promise<void> {
    clearTimeout(this.#readTimer);
    if (this.selected !== seq) this.detail = null;
    this.selected = seq;
    this.isGone = false;
    if (seq === null) return;
    await this.#readDetail(seq);
    if (this.selected !== seq || this.detail?.read !== false) return;
    if (opened) await this.setRead(true);
    else this.#readTimer = setTimeout(() => void this.setRead(true, seq), readAfter);
  }

  /** Selects the notice `by` rows further down (or up). */
  async move(by: number): Promise<void> {
    const index = this.rows.findIndex((row) => row.seq === this.selected);
    const target = this.rows[Math.min(Math.max(index < 0 ? 0 : index + by, 0), this.rows.length - 1)];
    if (target) await this.select(target.seq);
  }

  async setRead(read: boolean, seq = this.selected): Promise<void> {
    clearTimeout(this.#readTimer);
    if (seq !== null) await this.#ask(() => this.#backend.setRead([seq], read));
  }

  /** Deletes the selected notice and selects its neighbour. */
  async remove(): Promise<void> {
    const seq = this.selected;
    if (seq === null) return;
    const index = this.rows.findIndex((row) => row.seq === seq);
    const neighbour = this.rows[index + 1] ?? this.rows[index - 1];
    if (await this.#ask(async () => { await this.#backend.remove([seq]); })) await this.select(neighbour?.seq ?? null);
  }

  async openLink(): Promise<void> {
    const seq = this.selected;
    if (seq !== null) await this.#ask(() => this.#backend.openLink(seq));
  }

  async tryNow(): Promise<void> {
    await this.#ask(() => this.#backend.tryNow());
  }

  async #ask(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      this.problem = '';
      return true;
    } catch (error) {
      this.problem = messageOf(error);
      return false;
    }
  }

  async #readWhileStale(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      await this.#readPage(null);
      if (this.selected !== null) await this.#readDetail(this.selected);
    }
  }

  /** With a key: appends the page before it. Without: as much as is shown, from the newest. */
  async #readPage(before: number | null): Promise<void> {
    const kept = before === null ? [] : this.rows;
    const wanted = before === null ? Math.max(this.rows.length, pageSize) : kept.length + pageSize;
    const rows = [...kept];
    try {
      do {
        const page = await this.#backend.page({ before, after: null, limit: Math.min(wanted - rows.length, largestPage), filter: everything });
        rows.push(...page.rows);
        before = page.next;
        this.unread = page.unread;
      } while (before !== null && rows.length < wanted);
      this.rows = rows;
      this.#next = before;
      this.phase = 'ready';
    } catch (error) {
      this.failure = messageOf(error);
      this.phase = 'failed';
    }
  }

  async #readDetail(seq: number): Promise<void> {
    try {
      const detail = await this.#backend.notice(seq, '');
      if (this.selected !== seq) return;
      this.detail = detail;
      this.isGone = detail === null;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }
}
