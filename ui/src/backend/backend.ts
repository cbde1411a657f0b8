// The only door to Rust: what the window may ask, and what it is told.
//
// Two implementations: tauri.ts in the app, fake.ts in a plain browser and in tests. The window holds no truth: it asks
// for pages and details and asks again when it is told that something changed. Every promise rejects with a Problem.

import type { Detail, Page, Problem, Start, Update } from './bindings';

export type * from './bindings';

export interface Backend {
  /** Calls `heard` for every update until the returned function is called. To be called before anything is read. */
  listen: (heard: (update: Update) => void) => Promise<() => void>;
  /** What the window needs before its first frame. */
  start: () => Promise<Start>;
  /** At most `limit` notices, newest first, older than `before`; from the newest when `before` is null. */
  page: (before: number | null, limit: number) => Promise<Page>;
  /** One notice, whole; null when it is gone. */
  notice: (seq: number) => Promise<Detail | null>;
  setRead: (seqs: number[], read: boolean) => Promise<void>;
  remove: (seqs: number[]) => Promise<void>;
  /** Opens the notice's own link in the browser; the app decides whether that address may be opened. */
  openLink: (seq: number) => Promise<void>;
  /** Ends the wait for the next attempt. */
  tryNow: () => Promise<void>;
}

export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** What to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  if (isProblem(error)) return error.message;
  return error instanceof Error ? error.message : String(error);
}
