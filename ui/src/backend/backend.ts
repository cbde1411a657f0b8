// The only door to Rust: the commands of the window and the updates it receives.
//
// Two implementations: tauri.ts in the app, fake.ts in a plain browser and in tests. The window holds no truth: it reads
// pages and details, and reads them again after an update. Every promise rejects with a CommandError.

import type * as Bound from './bindings';

export type {
  About,
  Action,
  ActionResult,
  Alert,
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
  PageQuery,
  Pause,
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

/** Half-open ranges `[from, to)` that a search matched, in UTF-16 units of the text they come with; sorted, disjoint. */
export type Ranges = [from: number, to: number][];

/** As in the settings file: durations and sizes are strings. */
export type SettingValue = string | number | boolean | null | SettingValue[] | { [name: string]: SettingValue };
/** A managed value is `mandatory` or `recommended`; its `source` is a file or a registry path. */
export type Level = Bound.Level | 'mandatory' | 'recommended';
export type Setting = Omit<Bound.Setting, 'value' | 'fallback' | 'level'> & {
  value: SettingValue;
  fallback: SettingValue;
  level: Level;
};

/** `managed`: the organisation manages the setting `key`. */
export type CommandErrorCode = Bound.CommandErrorCode | 'managed';
export type CommandError = Omit<Bound.CommandError, 'code'> & { code: CommandErrorCode };

/** Each method is the command of the same name in snake case. */
export interface Backend {
  /** Calls `onUpdate` for every update until the returned function is called. Call it before reading anything. */
  listen: (onUpdate: (update: Bound.Update) => void) => Promise<() => void>;
  /** What the window needs for its first frame. */
  start: () => Promise<Bound.Start>;

  /** At most `limit` notices. */
  page: (query: Bound.PageQuery) => Promise<Bound.Page>;
  /** The keys of the newest `limit` notices that match, to select them all. */
  seqs: (filter: Bound.Filter, limit: number) => Promise<number[]>;
  /** All kinds there are, the most frequent first, at most 50. */
  kinds: () => Promise<Bound.Kind[]>;
  /** One whole notice, with the matches of a search for `text`; null when it is gone. */
  notice: (seq: number, text: string) => Promise<Bound.Detail | null>;
  setRead: (seqs: number[], read: boolean) => Promise<void>;
  /** Marks every matching notice up to `through` as read; what arrives meanwhile stays unread. */
  setAllRead: (filter: Bound.Filter, through: number) => Promise<void>;
  /** Removes notices from the inbox. Final only when the time for undo is over. */
  remove: (seqs: number[]) => Promise<Bound.Removed>;
  /** Undoes a `remove` that is not final yet; the notices return as they were. */
  restore: (undo: number) => Promise<void>;
  /**
   * Deletes the server's records (`api.delete`, if `inbox.delete_on_server` allows it), for every receiver, and then
   * the notices here. Where the server cannot be reached now, the deletion waits until it can: see
   * `Detail.serverDeletion`.
   */
  removeOnServer: (seqs: number[]) => Promise<Bound.RemovedOnServer>;
  /** Takes back a `removeOnServer` that still waits for the server. */
  keepOnServer: (seqs: number[]) => Promise<void>;
  /** Opens the notice's link in the browser, if the settings allow its address. */
  openLink: (seq: number) => Promise<void>;
  /**
   * Runs an action of the notice: a request with the account's sign-in, or a page in the browser. One that asks first
   * is run if `confirmed` is its `key`. What came of a request is then in the notice. Rejects unless it was carried out.
   */
  act: (seq: number, action: string, confirmed: string | null) => Promise<void>;
  /** Reads the next older page of the server's history into the inbox, without notifications. */
  loadOlder: () => Promise<Bound.Older>;
  /** Writes the notices that match, or only those in `seqs`, to a new file in the documents folder. */
  exportNotices: (format: 'json' | 'csv', filter: Bound.Filter, seqs: number[] | null) => Promise<Bound.Exported>;
  /** Opens the folder of the newest export. */
  showExport: () => Promise<void>;
  /** Tries to connect now instead of waiting. */
  tryNow: () => Promise<void>;
  /** Pauses notifications; null ends the pause. What was held back is one summary then. */
  pause: (pause: Bound.Pause | null) => Promise<void>;

  /** Asks an address how to connect (`/.well-known/belfry.json`); one that begins with ws:// or wss:// is an endpoint. */
  discover: (address: string) => Promise<Bound.Server>;
  /**
   * Signs in to the server; `agreed` are the hosts of `server.foreign` that the person has agreed to, and without all
   * of them nothing is sent. Only if the sign-in succeeds are the settings and the secret stored and the engine started. For
   * a server that was not discovered just now, only the secret changes.
   */
  signIn: (server: Bound.Server, agreed: string[], login: string, secret: string) => Promise<Bound.SignedIn>;
  /** As `signIn`, in the system browser, which is opened; answers when the person has signed in there. */
  signInInBrowser: (server: Bound.Server, agreed: string[]) => Promise<Bound.SignedIn>;
  /** Ends a sign-in that is under way, which fails. */
  cancelSignIn: () => Promise<void>;
  /** What the sign-in of the account of the settings starts with. */
  signInAgain: () => Promise<Bound.Setup>;
  /**
   * Disconnects and deletes the stored secret; the inbox stays. An update of type `setup` follows. With `forgetDevice`
   * the queues of this device on the server are deleted after that; if that fails, the person is signed out all the same.
   */
  signOut: (forgetDevice: boolean) => Promise<void>;
  /** Asks the server to send a test notice to this account (`api.send`). Updates of type `test` follow, one a step. */
  testNotice: () => Promise<void>;

  settings: () => Promise<Setting[]>;
  /**
   * Checks all values, then writes them to the person's settings file and keeps its comments; null removes a key.
   * Takes effect at once, also before the first sign-in.
   */
  saveSettings: (values: Record<string, SettingValue>) => Promise<Setting[]>;
  /** The devices that are signed in (`api.clients`), those of this account first. */
  clients: () => Promise<Bound.Client[]>;
  /** Runs the steps of `belfryctl doctor` and calls `onStep` after each; resolves after the last. */
  diagnose: (onStep: (step: Bound.DoctorStep) => void) => Promise<void>;
  about: () => Promise<Bound.About>;
}

export const everything: Bound.Filter = { text: '', unread: false, needsAction: false, kind: null };

export function isCommandError(value: unknown): value is CommandError {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  if (isCommandError(thrown)) return thrown.message;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
