// The only door to Rust: what the window may ask, and what it is told.
//
// Two implementations: tauri.ts in the app, fake.ts in a plain browser and in tests. The window holds no truth: it asks
// for pages and details and asks again when it is told that something changed. Every promise rejects with a Problem.

import type * as Bound from './bindings';
import type * as Wish from './wishes';

export type {
  About,
  Action,
  Alert,
  Ask,
  Client,
  Connectivity,
  Detail,
  DoctorStep,
  Exported,
  Fault,
  Field,
  Filter,
  Fix,
  Kind,
  Language,
  Older,
  Page,
  Priority,
  Removed,
  Row,
  Server,
  Setup,
  SignedIn,
  Source,
  Start,
  State,
  Status,
  TestFailure,
  TestStep,
  Theme,
  Update,
} from './bindings';

/** Half-open ranges `[from, to)` of what was searched for, in UTF-16 units of the very text they come with; sorted, apart. */
export type Ranges = [from: number, to: number][];

/** As in the settings file: durations and sizes are strings. */
export type SettingValue = string | number | boolean | null | SettingValue[] | { [name: string]: SettingValue };
export type Level = Bound.Level | Wish.ManagedLevel;
export type Setting = Omit<Bound.Setting, 'value' | 'fallback' | 'level'> & {
  value: SettingValue;
  fallback: SettingValue;
  level: Level;
};

export type Code = Bound.Code | Wish.ManagedCode;
export type Problem = Omit<Bound.Problem, 'code'> & { code: Code };

/** Each call is one command of this name, in snake case. */
export interface Backend {
  /** Calls `heard` for every update until the returned function is called. To be called before anything is read. */
  listen: (heard: (update: Bound.Update) => void) => Promise<() => void>;
  /** What the window needs before its first frame. */
  start: () => Promise<Bound.Start>;

  /** At most `limit` notices. */
  page: (ask: Bound.Ask) => Promise<Bound.Page>;
  /** The newest `limit` places that match, to select them all. */
  seqs: (filter: Bound.Filter, limit: number) => Promise<number[]>;
  /** All kinds there are, the most frequent first, at most 50. */
  kinds: () => Promise<Bound.Kind[]>;
  /** One notice, whole, with the marks of a search for `text`; null when it is gone. */
  notice: (seq: number, text: string) => Promise<Bound.Detail | null>;
  setRead: (seqs: number[], read: boolean) => Promise<void>;
  /** Marks every matching notice up to `through` as read: what comes meanwhile stays unread. */
  setAllRead: (filter: Bound.Filter, through: number) => Promise<void>;
  /** Takes notices out of the inbox; final, with their identities buried, only when the time for undo is over. */
  remove: (seqs: number[]) => Promise<Bound.Removed>;
  /** Takes back a `remove` that is not final yet: the notices return with the marks they had. */
  restore: (undo: number) => Promise<void>;
  /** Deletes the server's records (`api.delete`, if `inbox.delete_on_server` allows it), for every receiver, then the notices here; how many the server deleted. */
  removeOnServer: (seqs: number[]) => Promise<number>;
  /** Opens the notice's own link in the browser; the app decides whether that address may be opened. */
  openLink: (seq: number) => Promise<void>;
  /** Runs an action of the notice: an HTTP call with the account's secret to an allowed host, or the browser. */
  act: (seq: number, action: string) => Promise<void>;
  /** Reads the next older part of the server's history into the inbox, below what is there, silently. */
  loadOlder: () => Promise<Bound.Older>;
  /** Writes what matches, or just these, to a new file among the person's documents. */
  exportNotices: (format: 'json' | 'csv', filter: Bound.Filter, seqs: number[] | null) => Promise<Bound.Exported>;
  /** Opens the folder of the newest export. */
  showExport: () => Promise<void>;
  /** Ends the wait for the next attempt. */
  tryNow: () => Promise<void>;

  /** What stands at an address (`/.well-known/belfry.json`); one that begins with ws:// or wss:// is an endpoint by hand. */
  discover: (address: string) => Promise<Bound.Server>;
  /**
   * Checks the secret against the server; only then settings and secret are kept, and the engine starts. A server that
   * was not discovered just now is the one of the settings: only the secret is new.
   */
  signIn: (server: Bound.Server, login: string, secret: string) => Promise<Bound.SignedIn>;
  /** Disconnects and forgets the token; the inbox stays. An update of type `setup` follows. */
  signOut: () => Promise<void>;
  /** Has the server send a notice to this account (`api.send`); updates of type `test` follow, each step once. */
  testNotice: () => Promise<void>;

  settings: () => Promise<Setting[]>;
  /** Checks all, then writes all into the person's own file, comments kept; null takes a key out. Takes effect at once, before the first sign-in too. */
  saveSettings: (values: Record<string, SettingValue>) => Promise<Setting[]>;
  /** Who is signed in (`api.clients`), this account's devices first. */
  clients: () => Promise<Bound.Client[]>;
  /** The steps of `belfryctl doctor`, each as it ends; resolves after the last. */
  diagnose: (heard: (step: Bound.DoctorStep) => void) => Promise<void>;
  about: () => Promise<Bound.About>;
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
