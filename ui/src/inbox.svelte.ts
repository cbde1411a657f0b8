// The inbox as a person works with it: what is listed, what is read, what is picked, and what was just done.
//
// It holds no truth. Every change goes to the back end, and an update makes it read again what it shows; readings are
// joined, so a burst of updates costs one or two. Answers that come too late are dropped.

import { type Backend, type Detail, everything, type Filter, type Kind } from './backend/backend';
import { type Trouble, troubleOf } from './problem';
import { Roll } from './roll.svelte';

/** A notice that is shown this long, in milliseconds, counts as read. */
const readAfter = 1500;
/** So many can be picked at once. */
export const mostPicked = 10_000;

/** What was done, said in a line of its own that goes away. */
export interface Done {
  what: 'removed' | 'removedOnServer' | 'exported' | 'copied' | 'read' | 'unread' | 'restored' | 'older' | 'acted';
  count: number;
  path?: string;
  undo?: number;
  /** How long it can be taken back, in milliseconds. */
  undoMs?: number;
}

export class Inbox {
  readonly roll: Roll;
  selected = $state<number | null>(null);
  detail = $state.raw<Detail | null>(null);
  /** The selected notice is no longer there. */
  isGone = $state(false);
  picked = $state.raw<ReadonlySet<number>>(new Set());
  kinds = $state.raw<Kind[]>([]);
  /** What went wrong with the last thing a person asked for. */
  problem = $state.raw<Trouble | null>(null);
  done = $state.raw<Done | null>(null);
  /** What takes a while and is under way. */
  busy = $state<'older' | 'export' | 'act' | 'server' | null>(null);
  /** The server's history has been read to its end. */
  hasAllHistory = $state(false);

  readonly #backend: Backend;
  #anchor: number | null = null;
  #refreshing: Promise<void> | null = null;
  #isStale = false;
  #readTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.roll = new Roll(backend);
  }

  get filter(): Filter {
    return this.roll.filter;
  }

  get isFiltered(): boolean {
    const { text, unread, needsAction, kind } = this.filter;
    return text.trim() !== '' || unread || needsAction || kind !== null;
  }

  /** Reads again all that is shown. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#refreshing ??= this.#readWhileStale().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async show(change: Partial<Filter>): Promise<void> {
    this.unpick();
    await this.roll.show({ ...this.filter, ...change });
    if ('text' in change && this.selected !== null) await this.#readDetail(this.selected);
  }

  showAll(): Promise<void> {
    return this.show(everything);
  }

  /** Shows a notice. One that is opened on purpose is read at once, one that is passed over only after a while. */
  async select(seq: number | null, { opened = false } = {}): Promise<void> {
    clearTimeout(this.#readTimer);
    if (this.selected !== seq) this.detail = null;
    this.selected = seq;
    this.#anchor = seq;
    this.isGone = false;
    this.#keep();
    if (seq === null) return;
    await Promise.all([this.#readDetail(seq), this.roll.reveal(seq)]);
    if (this.selected !== seq || this.detail?.read !== false) return;
    if (opened) await this.setRead(true, [seq]);
    else this.#readTimer = setTimeout(() => void this.setRead(true, [seq]), readAfter);
  }

  /** Selects the notice `by` rows further down (or up); with `picks` every one on the way is picked. */
  async move(by: number, { picks = false } = {}): Promise<void> {
    const from = this.selected;
    const row = await this.roll.neighbour(from, by);
    if (!row) return;
    if (picks && from !== null) this.picked = new Set([...this.picked, from, row.seq]);
    else if (!picks) this.unpick();
    await this.select(row.seq);
  }

  pick(seq: number): void {
    const picked = new Set(this.picked);
    if (!picked.delete(seq)) picked.add(seq);
    this.picked = picked;
    this.#anchor = seq;
  }

  /** Picks everything from the row that was last picked or selected to this one. */
  pickTo(seq: number): void {
    const { rows } = this.roll.sheet;
    const from = rows.findIndex((row) => row.seq === (this.#anchor ?? seq));
    const to = rows.findIndex((row) => row.seq === seq);
    const between = rows.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1);
    this.picked = new Set([...this.picked, ...between.map((row) => row.seq)]);
  }

  async pickAll(): Promise<void> {
    await this.#ask(async () => {
      this.picked = new Set(await this.#backend.seqs(this.filter, mostPicked));
    });
  }

  unpick(): void {
    if (this.picked.size > 0) this.picked = new Set();
  }

  /** What an action is about: the picked notices, else the selected one. */
  get targets(): number[] {
    if (this.picked.size > 0) return [...this.picked];
    return this.selected === null ? [] : [this.selected];
  }

  async setRead(read: boolean, seqs = this.targets): Promise<void> {
    clearTimeout(this.#readTimer);
    if (seqs.length === 0) return;
    await this.#ask(() => this.#backend.setRead(seqs, read));
    if (seqs.length > 1) this.done = { what: read ? 'read' : 'unread', count: seqs.length };
  }

  /** Marks all that the filter shows. */
  async setAllRead(): Promise<void> {
    const count = this.isFiltered ? this.roll.sheet.total : this.roll.unread;
    if (await this.#ask(() => this.#backend.setAllRead(this.filter, this.roll.newest)))
      this.done = { what: 'read', count };
  }

  /** Deletes here, and selects what comes after it. It can be taken back for a while. */
  async remove(): Promise<void> {
    const seqs = this.targets;
    if (seqs.length === 0) return;
    const next = await this.#nextAfter(seqs);
    const isDone = await this.#ask(async () => {
      const removed = await this.#backend.remove(seqs);
      this.done = {
        what: 'removed',
        count: removed.count,
        ...(removed.undo === null ? {} : { undo: removed.undo, undoMs: removed.undoMs }),
      };
    });
    if (isDone) await this.#leave(next);
  }

  async undo(): Promise<void> {
    const undo = this.done?.undo;
    const count = this.done?.count ?? 0;
    if (undo === undefined) return;
    if (await this.#ask(() => this.#backend.restore(undo))) this.done = { what: 'restored', count };
  }

  /** Deletes the server's records, for everybody, and the notices here. There is no way back. */
  async removeOnServer(): Promise<void> {
    const seqs = this.targets;
    const next = await this.#nextAfter(seqs);
    const isDone = await this.#take('server', async () => {
      this.done = { what: 'removedOnServer', count: await this.#backend.removeOnServer(seqs) };
    });
    if (isDone) await this.#leave(next);
  }

  async openLink(): Promise<void> {
    const seq = this.selected;
    if (seq !== null) await this.#ask(() => this.#backend.openLink(seq));
  }

  async act(action: string): Promise<void> {
    const seq = this.selected;
    if (seq === null) return;
    await this.#take('act', async () => {
      await this.#backend.act(seq, action);
      this.done = { what: 'acted', count: 1 };
    });
  }

  async loadOlder(): Promise<void> {
    await this.#take('older', async () => {
      const { added, hasMore } = await this.#backend.loadOlder();
      this.hasAllHistory = !hasMore;
      this.done = { what: 'older', count: added };
      await this.roll.refresh();
    });
  }

  /** Writes the picked notices, else all that the filter shows. */
  async exportAs(format: 'json' | 'csv'): Promise<void> {
    const seqs = this.picked.size > 0 ? [...this.picked] : null;
    await this.#take('export', async () => {
      this.done = { what: 'exported', ...(await this.#backend.exportNotices(format, this.filter, seqs)) };
    });
  }

  async showExport(): Promise<void> {
    await this.#ask(() => this.#backend.showExport());
  }

  async tryNow(): Promise<void> {
    await this.#ask(() => this.#backend.tryNow());
  }

  async #readWhileStale(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      const { selected } = this;
      await Promise.all([
        this.roll.refresh(),
        selected === null ? null : this.#readDetail(selected),
        this.#readKinds(),
      ]);
    }
  }

  async #nextAfter(seqs: number[]): Promise<number | null> {
    if (this.selected === null || !seqs.includes(this.selected)) return this.selected;
    const gone = new Set(seqs);
    const { rows } = this.roll.sheet;
    const at = rows.findIndex((row) => row.seq === this.selected);
    const next =
      rows.slice(Math.max(at, 0)).find((row) => !gone.has(row.seq)) ??
      rows.slice(0, Math.max(at, 0)).findLast((row) => !gone.has(row.seq));
    return next?.seq ?? (await this.roll.neighbour(this.selected, 1))?.seq ?? null;
  }

  async #leave(next: number | null): Promise<void> {
    this.unpick();
    await this.select(next);
  }

  async #take(busy: NonNullable<Inbox['busy']>, action: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = busy;
    try {
      return await this.#ask(action);
    } finally {
      this.busy = null;
    }
  }

  async #ask(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      this.problem = null;
      return true;
    } catch (error) {
      this.problem = troubleOf(error);
      return false;
    }
  }

  /** What is being read stays in the list, even if it no longer matches. */
  #keep(): void {
    const row = this.roll.sheet.rows.find(({ seq }) => seq === this.selected);
    this.roll.kept = row ?? null;
  }

  async #readKinds(): Promise<void> {
    try {
      this.kinds = await this.#backend.kinds();
    } catch {
      // the list itself says that the inbox cannot be read; without kinds there is only no filter by kind
      this.kinds = [];
    }
  }

  async #readDetail(seq: number): Promise<void> {
    try {
      const detail = await this.#backend.notice(seq, this.filter.text);
      if (this.selected !== seq) return;
      this.detail = detail;
      this.isGone = detail === null;
      const { kept } = this.roll;
      if (!detail) this.roll.kept = null;
      else if (kept?.seq === seq) this.roll.kept = { ...kept, read: detail.read, state: detail.state };
    } catch (error) {
      this.problem = troubleOf(error);
    }
  }
}
