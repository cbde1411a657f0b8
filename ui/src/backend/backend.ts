// The only door to Rust: what the window may ask, and what it is told.
//
// Two implementations: tauri.ts in the app, fake.ts in a plain browser and in tests. The window holds no truth: it asks
// for pages and details and asks again when it is told that something changed. Every promise rejects with a Problem.

import type * as Bound from './bindings';
import type * as Wish from './wishes';

export type { Action, Alert, Ask, Connectivity, Detail, Field, Filter, Kind, Language, Priority, Removed, Row, Source, State, Theme } from './bindings';
export type * from './wishes';

/** Half-open ranges `[from, to)` of what was searched for, in UTF-16 units of the very text they come with; sorted, apart. */
export type Ranges = [from: number, to: number][];

export type Page = Bound.Page & Wish.PageMore;
export type Status = Bound.Status & Wish.StatusMore;
export type Start = Omit<Bound.Start, 'status'> & { status: Status } & Wish.StartMore;
export type Update = Exclude<Bound.Update, { type: 'status' }> | { type: 'status'; status: Status } | Wish.UpdateMore;
export type Code = Bound.Code | Wish.CodeMore;
export type Problem = { code: Code; message: string } & Wish.ProblemMore;

export interface Backend extends Wish.Wishes {
  /** Calls `heard` for every update until the returned function is called. To be called before anything is read. */
  listen: (heard: (update: Update) => void) => Promise<() => void>;
  /** What the window needs before its first frame. */
  start: () => Promise<Start>;
  /** At most `limit` notices. */
  page: (ask: Bound.Ask) => Promise<Page>;
  /** One notice, whole, with the marks of a search for `text`; null when it is gone. */
  notice: (seq: number, text: string) => Promise<Bound.Detail | null>;
  setRead: (seqs: number[], read: boolean) => Promise<void>;
  /** Takes notices out of the inbox; final, with their identities buried, only when the time for undo is over. */
  remove: (seqs: number[]) => Promise<Bound.Removed>;
  /** The newest `limit` places that match, to select them all. */
  seqs: (filter: Bound.Filter, limit: number) => Promise<number[]>;
  /** All kinds there are, the most frequent first, at most 50. */
  kinds: () => Promise<Bound.Kind[]>;
  /** Marks every matching notice up to `through` as read, in one transaction: what comes meanwhile stays unread. */
  setAllRead: (filter: Bound.Filter, through: number) => Promise<void>;
  /** Takes back a `remove` that is not final yet: the notices return with the marks they had. */
  restore: (undo: number) => Promise<void>;
  /** Opens the notice's own link in the browser; the app decides whether that address may be opened. */
  openLink: (seq: number) => Promise<void>;
  /** Ends the wait for the next attempt. */
  tryNow: () => Promise<void>;
}

export const everything: Bound.Filter = { text: '', unread: false, needsAction: false, kind: null };

export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** What to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  if (isProblem(error)) return error.message;
  return error instanceof Error ? error.message : String(error);
}
