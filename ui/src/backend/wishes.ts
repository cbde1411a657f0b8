// What the window needs of Rust beyond bindings.ts, as proposed shapes.
//
// bindings.ts is generated from src-tauri/src/view.rs; a type moves there, and leaves here, once Rust has it. What extends
// a type of bindings.ts is optional, so that the window also runs on a back end that does not say it yet. Closed sets of
// codes only: their words are in texts/*.json, so that the person's language is the window's matter alone.

import type { Filter } from './bindings';

export interface PageMore {
  /** False: `matching` is an estimate. */
  isExact?: boolean;
}

export type FaultKind =
  | 'unreachable' | 'tls' | 'proxy-auth' | 'status' | 'refused' | 'wrong-account' | 'denied' | 'died' | 'protocol' | 'closed'
  | 'silent' | 'insecure' | 'settings' | 'no-credential' | 'bad-answer';

/** What a person can do that resolves it. */
export type Fix = 'sign-in' | 'settings' | 'diagnose';

export interface StatusMore {
  /** Nothing sent before this is missing; RFC 3339, null when nothing was collected yet. */
  completeThrough?: string | null;
  /** `reason` and `remedy` as a code: engine::error::Fault, and what was seen, without secrets. */
  fault?: { kind: FaultKind; detail: string } | null;
  /** For `action-needed`: which button resolves it. */
  fix?: Fix | null;
  /** What the server offers now: read older history, delete there, list who is signed in. */
  offers?: { history: boolean; delete: boolean; clients: boolean };
}

/** What is missing before anything can be received. */
export interface Setup {
  step: 'address' | 'sign-in';
  /** The server's address is a managed setting: only the sign-in remains. */
  isManaged: boolean;
  server: Server | null;
  /** `auth.login`, if it is known. */
  login: string;
}

export interface Server {
  /** As typed, or the origin of the settings. */
  address: string;
  /** Host, port and path of the first endpoint. */
  endpoint: string;
  /** Name the server gives itself; may be empty. */
  name: string;
  mode: 'token' | 'password' | 'oidc';
  /** The settings came from `/.well-known/belfry.json`; false for an endpoint typed by hand. */
  isDiscovered: boolean;
}

export interface SignedIn {
  account: string;
  /** False: no keychain; the token is kept for this session only, and is asked for again after a restart. */
  isKept: boolean;
}

export interface StartMore {
  /** Null or absent: signed in. */
  setup?: Setup | null;
}

/** The chain a test notice goes through; `delivered` when it was received from the server, `stored` after its commit. */
export type TestStep = 'sent' | 'delivered' | 'stored' | 'shown';

export type UpdateMore =
  | { type: 'look'; language: 'en' | 'zh-CN'; theme: 'system' | 'light' | 'dark' }
  | { type: 'setup'; setup: Setup | null }
  | { type: 'test'; step: TestStep; failure: string | null };

export type SettingValue = string | number | boolean | null | SettingValue[] | { [name: string]: SettingValue };

/** Where a value stands, strongest first (contract, section 2). */
export type Level = 'mandatory' | 'user' | 'recommended' | 'default';

export interface Setting {
  /** Dotted name. */
  key: string;
  /** As in the settings file: durations and sizes are strings. */
  value: SettingValue;
  /** What holds when the person sets nothing. */
  fallback: SettingValue;
  level: Level;
  /** File or registry path of a mandatory or recommended value; empty otherwise. */
  source: string;
}

export interface Client {
  login: string;
  device: string;
  /** RFC 3339; empty when the server does not say. */
  since: string;
  isThis: boolean;
}

/** One step of `belfryctl doctor`. */
export interface DoctorStep {
  step:
    | 'settings' | 'dns' | 'tcp' | 'proxy' | 'tls' | 'websocket' | 'stomp' | 'subscribe' | 'collect' | 'clock' | 'keychain'
    | 'notifications' | 'tray';
  verdict: 'ok' | 'warn' | 'fail' | 'skipped';
  ms: number;
  /** Redacted: no secret, no message. */
  detail: string;
  remedy: string;
}

export interface About {
  version: string;
  /** The account's own folder: inbox and log. */
  dataDir: string;
  settingsFile: string;
  policyDigest: string;
  total: number;
  unread: number;
  /** Messages that could not be used. */
  rejected: number;
}

export type CodeMore =
  /** discover: nobody answers there */
  | 'unreachable'
  /** discover: it answers, but names no settings: give the endpoint by hand */
  | 'not-discovered'
  /** discover, signIn: ws:// or http:// to a host that is not allowed it */
  | 'insecure'
  /** discover: no address at all */
  | 'bad-address'
  /** signIn: the server refused the token */
  | 'refused'
  /** signIn: the certificate is not trusted */
  | 'tls'
  /** the server said no, or has no such call */
  | 'server'
  /** needs a connection, and there is none */
  | 'offline'
  /** saveSettings: a wrong value; `key` says where */
  | 'setting'
  /** saveSettings: the key is managed */
  | 'managed'
  /** exportNotices: the file cannot be written */
  | 'file';

export interface ProblemMore {
  key?: string;
}

/** Calls that Rust does not answer yet. Each is one command of this name, in snake case. */
export interface Wishes {
  /** Deletes the server's records (`api.delete`), for every receiver, then the notices here; how many the server deleted. */
  removeOnServer: (seqs: number[]) => Promise<number>;
  /** Runs an action of the notice: an HTTP call with the account's secret to an allowed host, or the browser. */
  act: (seq: number, action: string) => Promise<void>;
  /** Reads the next older part of the server's history into the inbox, below what is there, silently; whether more is left. */
  loadOlder: () => Promise<{ added: number; hasMore: boolean }>;
  /** Asks where to write with the system's dialog, and writes; null when the person thought better of it. */
  exportNotices: (format: 'json' | 'csv', filter: Filter, seqs: number[] | null) => Promise<{ count: number; path: string } | null>;

  /** What stands at an address (`/.well-known/belfry.json`); one that begins with ws:// or wss:// is an endpoint by hand. */
  discover: (address: string) => Promise<Server>;
  /**
   * Checks the secret against the server; only then settings and secret are kept, and the engine starts. A server with
   * the endpoint of the status is the one of the settings: only the secret is new.
   */
  signIn: (server: Server, login: string, secret: string) => Promise<SignedIn>;
  /** Disconnects and forgets the token; the inbox stays. An update of type `setup` follows. */
  signOut: () => Promise<void>;
  /** Has the server send a notice to this account (`api.send`); updates of type `test` follow, each step once, at most 15 s. */
  testNotice: () => Promise<void>;

  settings: () => Promise<Setting[]>;
  /** Checks all, then writes all into the person's own file, comments kept; null takes a key out. Takes effect at once. */
  saveSettings: (values: Record<string, SettingValue>) => Promise<Setting[]>;
  /** Who is signed in (`api.clients`), this account's devices first. */
  clients: () => Promise<Client[]>;
  /** The steps of `belfryctl doctor`, each as it ends; resolves after the last. */
  diagnose: (heard: (step: DoctorStep) => void) => Promise<void>;
  about: () => Promise<About>;
}
