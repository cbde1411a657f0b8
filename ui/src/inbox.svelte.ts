// The state of the inbox in the window: the list, the open notice, the selection, and the result of the last command.
//
// Holds no truth: every change goes to the back end, and after an update the shown pages are read again. Updates that
// arrive while a read is running are joined into one more read. Answers that are out of date are dropped. No DOM.

import {
  type Action,
  type Backend,
  type Detail,
  everything,
  type Filter,
  type Kind,
  type Pause,
} from './backend/backend';
import { type DisplayError, toDisplayError } from './errors';
import { VirtualList } from './list/virtual-list.svelte';

/** A notice that is shown for this long counts as read. */
const markReadAfterMs = 1500;
/** The most notices that can be selected at once. */
export const maxSelection = 10_000;

/** The result of a command, shown for a short time. */
export interface ToastMessage {
  what:
    | 'removed'
    | 'removedOnServer'
    | 'waitsForServer'
    | 'keptOnServer'
    | 'exported'
    | 'copied'
    | 'read'
    | 'unread'
    | 'restored'
    | 'older'
    | 'acted';
  count: number;
  path?: string;
  /** The key with which the deletion can be undone. */
  undo?: number;
  /** How long it can be undone, in milliseconds. */
  undoMs?: number;
}

/** A notice that a notification or a link leads to. */
export interface NoticeToOpen {
  seq: number;
  /** The id of its action that is to be confirmed. */
  ask: string | null;
}

export class Inbox {
  readonly virtualList: VirtualList;
  /** The notice that is open in the detail pane. */
  current = $state<number | null>(null);
  detail = $state.raw<Detail | null>(null);
  /** The action of the open notice that waits for a confirmation. */
  actionToConfirm = $state.raw<Action | null>(null);
  /** The open notice is no longer in the inbox. */
  isGone = $state(false);
  /** The notices that commands apply to; empty for the open one alone. */
  selection = $state.raw<ReadonlySet<number>>(new Set());
  kinds = $state.raw<Kind[]>([]);
  /** Why the last command failed. */
  error = $state.raw<DisplayError | null>(null);
  toast = $state.raw<ToastMessage | null>(null);
  /** The slow command that is running now. */
  busy = $state<'older' | 'export' | 'act' | 'server' | null>(null);
  /** The server's history has been read to its end. */
  hasAllHistory = $state(false);

  readonly #backend: Backend;
  /** Where a range selection begins. */
  #selectionAnchor: number | null = null;
  #refreshing: Promise<void> | null = null;
  #isStale = false;
  #readTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.virtualList = new VirtualList(backend);
  }

  get filter(): Filter {
    return this.virtualList.filter;
  }

  get isFiltered(): boolean {
    const { text, unread, needsAction, kind } = this.filter;
    return text.trim() !== '' || unread || needsAction || kind !== null;
  }

  /** Reads everything that is shown again. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#refreshing ??= this.#readWhileStale().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async setFilter(change: Partial<Filter>): Promise<void> {
    this.clearSelection();
    await this.virtualList.setFilter({ ...this.filter, ...change });
    if ('text' in change && this.current !== null) await this.#readDetail(this.current);
  }

  clearFilter(): Promise<void> {
    return this.setFilter(everything);
  }

  /** Shows a notice. One that was opened on purpose becomes read at once, one that was moved to after a short time. */
  async setCurrent(seq: number | null, { opened = false } = {}): Promise<void> {
    clearTimeout(this.#readTimer);
    if (this.current !== seq) {
      this.detail = null;
      this.actionToConfirm = null;
    }
    this.current = seq;
    this.#selectionAnchor = seq;
    this.isGone = false;
    this.#pinCurrent();
    if (seq === null) return;
    await Promise.all([this.#readDetail(seq), this.virtualList.reveal(seq)]);
    if (this.current !== seq || this.detail?.read !== false) return;
    if (opened) await this.setRead(true, [seq]);
    else this.#readTimer = setTimeout(() => void this.setRead(true, [seq]), markReadAfterMs);
  }

  /**
   * Shows a notice on purpose, and asks to confirm the action with the id `ask`, if the notice has it. A question that
   * is on the screen goes, and another one does not take its place: the person may be about to click.
   */
  async open(seq: number, ask: string | null = null): Promise<void> {
    const isAsking = this.actionToConfirm !== null;
    this.actionToConfirm = null;
    await this.setCurrent(seq, { opened: true });
    const action = this.current === seq ? this.detail?.actions.find(({ id }) => id === ask) : undefined;
    if (action && !isAsking) this.actionToConfirm = action;
  }

  /** Opens the notice `by` rows further down (or up); `extend` adds both to the selection. */
  async move(by: number, { extend = false } = {}): Promise<void> {
    const from = this.current;
    const row = await this.virtualList.neighbour(from, by);
    if (!row) return;
    if (extend && from !== null) this.selection = new Set([...this.selection, from, row.seq]);
    else if (!extend) this.clearSelection();
    await this.setCurrent(row.seq);
  }

  toggleSelected(seq: number): void {
    const selection = new Set(this.selection);
    if (!selection.delete(seq)) selection.add(seq);
    this.selection = selection;
    this.#selectionAnchor = seq;
  }

  /** Selects all loaded rows between the selection anchor and this one. */
  extendSelection(seq: number): void {
    const { rows } = this.virtualList.layout;
    const from = rows.findIndex((row) => row.seq === (this.#selectionAnchor ?? seq));
    const to = rows.findIndex((row) => row.seq === seq);
    const between = rows.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1);
    this.selection = new Set([...this.selection, ...between.map((row) => row.seq)]);
  }

  async selectAll(): Promise<void> {
    await this.#attempt(async () => {
      this.selection = new Set(await this.#backend.seqs(this.filter, maxSelection));
    });
  }

  clearSelection(): void {
    if (this.selection.size > 0) this.selection = new Set();
  }

  /** The notices a command applies to: the selection, else the open one. */
  get targets(): number[] {
    if (this.selection.size > 0) return [...this.selection];
    return this.current === null ? [] : [this.current];
  }

  async setRead(read: boolean, seqs = this.targets): Promise<void> {
    clearTimeout(this.#readTimer);
    if (seqs.length === 0) return;
    await this.#attempt(() => this.#backend.setRead(seqs, read));
    if (seqs.length > 1) this.toast = { what: read ? 'read' : 'unread', count: seqs.length };
  }

  /** Marks every notice that matches the filter as read. */
  async setAllRead(): Promise<void> {
    const count = this.isFiltered ? this.virtualList.layout.total : this.virtualList.unread;
    if (await this.#attempt(() => this.#backend.setAllRead(this.filter, this.virtualList.newestSeq)))
      this.toast = { what: 'read', count };
  }

  /** Deletes here and opens the next notice. Can be undone for a short time. */
  async remove(): Promise<void> {
    const seqs = this.targets;
    if (seqs.length === 0) return;
    const next = await this.#nextAfter(seqs);
    const isRemoved = await this.#attempt(async () => {
      const removed = await this.#backend.remove(seqs);
      this.toast = {
        what: 'removed',
        count: removed.count,
        ...(removed.undo === null ? {} : { undo: removed.undo, undoMs: removed.undoMs }),
      };
    });
    if (isRemoved) await this.#openNext(next);
  }

  async undo(): Promise<void> {
    const undo = this.toast?.undo;
    const count = this.toast?.count ?? 0;
    if (undo === undefined) return;
    if (await this.#attempt(() => this.#backend.restore(undo))) this.toast = { what: 'restored', count };
  }

  /**
   * Deletes the server's records, for everyone, and the notices here. Can be taken back only while the server cannot
   * be reached.
   */
  async removeOnServer(): Promise<void> {
    const seqs = this.targets;
    const next = await this.#nextAfter(seqs);
    let waiting = 0;
    const isDone = await this.#runBusy('server', async () => {
      const removed = await this.#backend.removeOnServer(seqs);
      ({ waiting } = removed);
      this.toast =
        waiting > 0 ? { what: 'waitsForServer', count: waiting } : { what: 'removedOnServer', count: removed.deleted };
    });
    if (isDone && waiting === 0) await this.#openNext(next);
    else if (isDone) this.clearSelection();
  }

  /** Takes back the deletion on the server of the open notice. */
  async keepOnServer(): Promise<void> {
    const seq = this.current;
    if (seq === null) return;
    if (await this.#attempt(() => this.#backend.keepOnServer([seq]))) this.toast = { what: 'keptOnServer', count: 1 };
  }

  async openLink(): Promise<void> {
    const seq = this.current;
    if (seq !== null) await this.#attempt(() => this.#backend.openLink(seq));
  }

  /** `confirmed` is the key of the action that the person has confirmed; null if it asks nothing. */
  async act(action: string, confirmed: string | null): Promise<void> {
    const seq = this.current;
    if (seq === null) return;
    await this.#runBusy('act', async () => {
      await this.#backend.act(seq, action, confirmed);
      this.toast = { what: 'acted', count: 1 };
    });
  }

  async loadOlder(): Promise<void> {
    await this.#runBusy('older', async () => {
      const { added, hasMore } = await this.#backend.loadOlder();
      this.hasAllHistory = !hasMore;
      this.toast = { what: 'older', count: added };
      await this.virtualList.refresh();
    });
  }

  /** Writes the selection to a file, else every notice that matches the filter. */
  async exportAs(format: 'json' | 'csv'): Promise<void> {
    const seqs = this.selection.size > 0 ? [...this.selection] : null;
    await this.#runBusy('export', async () => {
      this.toast = { what: 'exported', ...(await this.#backend.exportNotices(format, this.filter, seqs)) };
    });
  }

  async showExport(): Promise<void> {
    await this.#attempt(() => this.#backend.showExport());
  }

  async pause(pause: Pause | null): Promise<void> {
    await this.#attempt(() => this.#backend.pause(pause));
  }

  async tryNow(): Promise<void> {
    await this.#attempt(() => this.#backend.tryNow());
  }

  /** Reads until nothing has changed during a read. */
  async #readWhileStale(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      const { current } = this;
      await Promise.all([
        this.virtualList.refresh(),
        current === null ? null : this.#readDetail(current),
        this.#readKinds(),
      ]);
    }
  }

  /** The notice to open once these are deleted. */
  async #nextAfter(seqs: number[]): Promise<number | null> {
    if (this.current === null || !seqs.includes(this.current)) return this.current;
    const gone = new Set(seqs);
    const { rows } = this.virtualList.layout;
    const index = rows.findIndex((row) => row.seq === this.current);
    const next =
      rows.slice(Math.max(index, 0)).find((row) => !gone.has(row.seq)) ??
      rows.slice(0, Math.max(index, 0)).findLast((row) => !gone.has(row.seq));
    return next?.seq ?? (await this.virtualList.neighbour(this.current, 1))?.seq ?? null;
  }

  async #openNext(next: number | null): Promise<void> {
    this.clearSelection();
    await this.setCurrent(next);
  }

  async #runBusy(busy: NonNullable<Inbox['busy']>, action: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = busy;
    try {
      return await this.#attempt(action);
    } finally {
      this.busy = null;
    }
  }

  async #attempt(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      this.error = null;
      return true;
    } catch (thrown) {
      this.error = toDisplayError(thrown);
      return false;
    }
  }

  /** Keeps the open notice in the list, even if it no longer matches. */
  #pinCurrent(): void {
    const row = this.virtualList.layout.rows.find(({ seq }) => seq === this.current);
    this.virtualList.pinnedRow = row ?? null;
  }

  async #readKinds(): Promise<void> {
    try {
      this.kinds = await this.#backend.kinds();
    } catch {
      // The list shows the error; without kinds only the filter by kind is missing.
      this.kinds = [];
    }
  }

  /** A question goes once the notice no longer says, or offers, what it was asked about. */
  #reviewQuestion(): void {
    const asked = this.actionToConfirm;
    if (!asked || this.detail?.actions.some(({ key }) => key === asked.key)) return;
    this.actionToConfirm = null;
    this.error = { code: this.isGone ? 'gone' : 'changed', message: '' };
  }

  async #readDetail(seq: number): Promise<void> {
    try {
      const detail = await this.#backend.notice(seq, this.filter.text);
      if (this.current !== seq) return;
      this.detail = detail;
      this.isGone = detail === null;
      this.#reviewQuestion();
      const { pinnedRow } = this.virtualList;
      if (pinnedRow?.seq !== seq) return;
      this.virtualList.pinnedRow = detail && { ...pinnedRow, read: detail.read, state: detail.state };
      // The list may have been read before, with the row that is gone.
      if (!detail) await this.virtualList.refresh();
    } catch (thrown) {
      this.error = toDisplayError(thrown);
    }
  }
}
