// Runs the cases of cases.json against the fake back end. src-tauri/crates/app/src/tests/cases.rs runs the same cases
// against the real one, so the fake does nothing that the app does not do.

import { expect, test } from 'vitest';

import { type Backend, everything, type Filter, isCommandError, type Server, type SettingValue } from './backend';
import shared from './cases.json';
import { fake } from './fake';
import type { Sample, Samples } from './fake/samples';

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

interface Case {
  name: string;
  /** False: as right after the installation. */
  isSetUp?: boolean;
  /** False: without a folder that exports are written to. */
  documents?: boolean;
  steps: {
    call: string;
    with?: Record<string, Json>;
    /** Parts of the answer. A list is whole, unless it is in `$contains`. */
    answer?: Json;
    /** Parts of the error. */
    error?: Json;
    /** Members of the answer that later steps use as `{"$kept": NAME}`. */
    keep?: Record<string, string>;
  }[];
}

interface Message {
  id: string;
  title: string;
  content: string;
  type?: string;
  sender?: string;
  priority?: string;
  state?: string;
  url?: string;
  actions?: { id: string; label: string; url: string; method?: string; confirm?: boolean }[];
}

/** The arguments that the commands of the cases take. */
interface Arguments {
  seq: number;
  seqs: number[];
  read: boolean;
  through: number;
  undo: number;
  before: number;
  after: number;
  limit: number;
  text: string;
  action: string;
  address: string;
  format: 'json' | 'csv';
  filter: Partial<Filter>;
  values: Record<string, SettingValue>;
}

function send(backend: Backend, call: string, given: Partial<Arguments>): Promise<unknown> {
  const { seq = 0, seqs = [], read = false, through = 0, undo = 0, before = null, after = null, limit = 100 } = given;
  const { text = '', action = '', address = '', format = 'json', values = {} } = given;
  const filter = { ...everything, ...given.filter };
  const commands: Record<string, () => Promise<unknown>> = {
    about: () => backend.about(),
    act: () => backend.act(seq, action, null),
    clients: () => backend.clients(),
    discover: () => backend.discover(address),
    export_notices: () => backend.exportNotices(format, filter, given.seqs ?? null),
    keep_on_server: () => backend.keepOnServer(seqs),
    kinds: () => backend.kinds(),
    load_older: () => backend.loadOlder(),
    notice: () => backend.notice(seq, text),
    open_link: () => backend.openLink(seq),
    page: () => backend.page({ before, after, limit, filter }),
    remove: () => backend.remove(seqs),
    restore: () => backend.restore(undo),
    save_settings: () => backend.saveSettings(values),
    seqs: () => backend.seqs(filter, limit),
    set_all_read: () => backend.setAllRead(filter, through),
    set_read: () => backend.setRead(seqs, read),
    settings: () => backend.settings(),
    show_export: () => backend.showExport(),
    cancel_sign_in: () => backend.cancelSignIn(),
    sign_in_in_browser: () => backend.signInInBrowser(unknown(address), []),
    sign_in_again: () => backend.signInAgain(),
    sign_out: () => backend.signOut(false),
    start: () => backend.start(),
    test_notice: () => backend.testNotice(),
  };
  const command = commands[call];
  if (!command) throw new Error(`no such command: ${call}`);
  return command();
}

/** A server that was not discovered. */
const unknown = (address: string): Server => ({
  address,
  endpoint: '',
  name: '',
  mode: 'token',
  isDiscovered: false,
  foreign: [],
});

function sample({ id, title, content, type, sender, url, actions, ...rest }: Message): Sample {
  const { priority = 'normal', state = 'open', ...own } = rest;
  return {
    id,
    title,
    body: content,
    kind: type ?? '',
    sender: sender ?? '',
    link: url ?? '',
    priority: priority as 'normal',
    state: state as 'open',
    actions: (actions ?? []).map((one) => ({
      id: one.id,
      question: '',
      call: null,
      label: one.label,
      confirm: one.confirm ?? false,
      opens: !one.method,
    })),
    fields: Object.entries(own as Record<string, string>).map(([name, value]) => ({ name, value })),
  };
}

/** What `expected` says, as vitest matches it. */
function matcher(expected: Json): unknown {
  if (Array.isArray(expected)) return expected.map(matcher);
  if (typeof expected !== 'object' || expected === null) return expected;
  const { $contains: parts } = expected;
  if (Array.isArray(parts)) return expect.arrayContaining(parts.map(matcher));
  return expect.objectContaining(
    Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, matcher(value)])),
  );
}

const notices = shared.notices.map(sample) as Samples;

test.for(shared.cases as unknown as Case[])('$name', async ({ isSetUp = true, documents = true, steps }) => {
  const backend = fake(isSetUp ? { notices, documents } : { scene: 'first-run', documents });
  const kept = new Map<string, Json>();
  const filled = (value: Json): Json =>
    typeof value === 'object' && value !== null && '$kept' in value
      ? (kept.get(value['$kept'] as string) ?? null)
      : value;
  for (const { call, with: given = {}, answer, error, keep = {} } of steps) {
    const ready = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, filled(value)]));
    const result = await send(backend, call, ready as Partial<Arguments>).then(
      (value) => ({ answer: (value ?? null) as Json }),
      (thrown: unknown) => {
        if (!isCommandError(thrown)) throw thrown;
        return { error: { ...thrown } as unknown as Json };
      },
    );
    const step = `${call} ${JSON.stringify(ready)}`;
    if (error !== undefined) expect(result, step).toEqual({ error: matcher(error) });
    else
      expect(result, step).toEqual({ answer: answer === undefined ? (expect.anything() as unknown) : matcher(answer) });
    for (const [member, name] of Object.entries(keep))
      kept.set(name, (result as { answer: Record<string, Json> }).answer[member] ?? null);
  }
});
