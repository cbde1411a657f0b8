// A back end in the browser's memory, for working on the window and for its tests.
//
// `?scene=` picks what there is to see (see `scenes`), `?lang=` and `?theme=` how. It keeps the promises of the
// real one: pages by key, newest first, and an update after every change.

import type { Backend, Connectivity, Language, Problem, Setup, Status, Theme, Update } from './backend';
import { FakeNotices } from './fake/notices';
import { hostile, samples } from './fake/samples';
import { FakeSettings } from './fake/settings';
import { discover, signIn, steps, testSteps } from './fake/server';

const scenes = [
  'live',
  'many',
  'million',
  'empty',
  'loading',
  'offline',
  'connecting',
  'catching-up',
  'polling',
  'action-needed',
  'broken',
  'hostile',
  'first-run',
  'managed',
  'bare',
] as const;
export type Scene = (typeof scenes)[number];

export interface FakeOptions {
  scene?: Scene;
  language?: Language;
  theme?: Theme;
  /** The notice that a click on a notification opened the window for. */
  open?: number | null;
  /** Milliseconds between two new notices in the live scene; 0 for none. */
  every?: number;
  /** Milliseconds between two steps of what takes time on a real server. */
  pace?: number;
}

export function optionsFromAddress(search: string): FakeOptions {
  const parameters = new URLSearchParams(search);
  return {
    scene: scenes.find((scene) => scene === parameters.get('scene')) ?? 'live',
    language: parameters.get('lang') === 'zh-CN' ? 'zh-CN' : 'en',
    theme: (['light', 'dark'] as const).find((theme) => theme === parameters.get('theme')) ?? 'system',
    open: parameters.has('open') ? Number(parameters.get('open')) : null,
    every: Number(parameters.get('every') ?? 0),
    pace: Number(parameters.get('pace') ?? 300),
  };
}

const minute = 60_000;
const undoMs = 8000;
const counts: Partial<Record<Scene, number>> = {
  'live': 60,
  'many': 20_000,
  'million': 1_000_000,
  'empty': 0,
  'hostile': 12,
  'first-run': 0,
  'managed': 0,
};

/** A back end with its own notices. */
export function fake({
  scene = 'live',
  language = 'en',
  theme = 'system',
  open = null,
  every = 0,
  pace = 0,
}: FakeOptions = {}): Backend {
  const notices = new FakeNotices(scene === 'hostile' ? hostile : samples[language], counts[scene] ?? 24);
  const settings = new FakeSettings();
  const heard = new Set<(update: Update) => void>();
  const removed = new Map<number, number[]>();
  const isSettingUp = scene === 'first-run' || scene === 'managed';
  let status = statusOf(scene);
  let setup: Setup | null = isSettingUp ? setupOf(scene) : null;
  let older = 3;

  const say = (update: Update) => {
    for (const tell of heard) tell(update);
  };
  const changed = () => {
    say({ type: 'inbox' });
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, pace));
  const become = (change: Partial<Status>) => {
    status = { ...status, since: new Date().toISOString(), retryInMs: null, fault: null, fix: null, ...change };
    say({ type: 'status', status });
  };
  if (every > 0)
    setInterval(() => {
      notices.arrive();
      changed();
    }, every);

  function found(seq: number) {
    const notice = notices.detail(seq, '');
    if (!notice) throw problem('gone', 'this notice is no longer in the inbox');
    return notice;
  }
  const online = () => {
    if (status.state !== 'live' && status.state !== 'polling')
      throw problem('offline', 'the server cannot be reached now');
  };

  const backend: Backend = {
    async listen(tell) {
      await Promise.resolve();
      heard.add(tell);
      return () => heard.delete(tell);
    },
    start: () =>
      Promise.resolve({ language, theme, account: setup ? '' : 'alice@push.example.com', status, open, setup }),
    async page(ask) {
      if (scene === 'loading') await new Promise(() => undefined);
      if (scene === 'broken')
        throw problem(
          'store',
          'the inbox file belfry.db is damaged (database disk image is malformed); quit Belfry and restore the file from a backup',
        );
      await Promise.resolve();
      return notices.page(ask);
    },
    seqs: (filter, limit) => Promise.resolve(notices.seqs(filter, limit)),
    kinds: () => Promise.resolve(scene === 'broken' ? [] : notices.kinds()),
    notice: (seq, text) => Promise.resolve(notices.detail(seq, text)),
    async setRead(seqs, read) {
      for (const seq of seqs) found(seq);
      notices.setRead(seqs, read);
      await Promise.resolve();
      changed();
    },
    async setAllRead(filter, through) {
      notices.setRead(
        notices.seqs({ ...filter, unread: true }, Infinity).filter((seq) => seq <= through),
        true,
      );
      await Promise.resolve();
      changed();
    },
    async remove(seqs) {
      const there = notices.remove(seqs);
      const undo = Math.max(0, ...removed.keys()) + 1;
      removed.set(undo, there);
      await Promise.resolve();
      changed();
      return { count: there.length, undo, undoMs };
    },
    async restore(undo) {
      notices.restore(removed.get(undo) ?? []);
      removed.delete(undo);
      await Promise.resolve();
      changed();
    },
    async removeOnServer(seqs) {
      online();
      const count = notices.remove(seqs).length;
      await pause();
      changed();
      return count;
    },
    openLink: async (seq) => {
      const { link } = found(seq);
      await Promise.resolve();
      if (!link.startsWith('https://push.example.com/'))
        throw problem('link-refused', `Belfry does not open ${link}: its host is not in app.allowed_link_hosts`);
    },
    async act(seq, action) {
      found(seq);
      await pause();
      online();
      notices.change(seq, { state: 'decided', actions: [], fields: [{ name: 'decision', value: action }] });
      changed();
    },
    async loadOlder() {
      await pause();
      online();
      older -= 1;
      notices.prepend(20);
      changed();
      return { added: 20, hasMore: older > 0 };
    },
    async exportNotices(format, filter, seqs) {
      await pause();
      return {
        count: seqs?.length ?? notices.seqs(filter, Infinity).length,
        path: `/home/alice/Documents/belfry-inbox.${format}`,
      };
    },
    showExport: () => Promise.resolve(),
    async tryNow() {
      await Promise.resolve();
      become({ state: 'connecting' });
    },
    async discover(address) {
      await pause();
      return discover(address);
    },
    async signIn(server, login, secret) {
      become({ state: 'connecting' });
      await pause();
      const signedIn = signIn(server, login, secret);
      setup = null;
      become({ state: 'live', fault: null });
      return signedIn;
    },
    async signOut() {
      await pause();
      setup = { ...setupOf('managed'), login: 'alice' };
      become({
        state: 'action-needed',
        fault: { kind: 'no-credential', detail: '', isCatchUp: false },
        fix: 'sign-in',
      });
      say({ type: 'setup', setup });
    },
    async testNotice() {
      for (const step of testSteps) {
        await pause();
        if (status.endpoint.includes('mute')) {
          say({ type: 'test', step, failure: { what: 'nothing-came', seconds: 15 } });
          return;
        }
        say({ type: 'test', step, failure: null });
      }
      notices.arrive();
      changed();
    },
    settings: () => Promise.resolve(settings.all()),
    async saveSettings(values) {
      await pause();
      for (const [key, value] of Object.entries(values)) {
        if (settings.isManaged(key)) throw problem('managed', `${key} is set by your organisation`, key);
        const complaint = settings.complaint(key, value);
        if (complaint) throw problem('setting', complaint, key);
      }
      for (const [key, value] of Object.entries(values)) settings.set(key, value);
      const [spoken, look] = [settings.value('app.language'), settings.value('app.theme')];
      say({ type: 'look', language: spoken === 'auto' ? language : (spoken as Language), theme: look as Theme });
      return settings.all();
    },
    async clients() {
      await pause();
      online();
      const since = (minutes: number) => new Date(Date.now() - minutes * minute).toISOString();
      return [
        { login: 'alice', device: 'alice-laptop', since: since(47), isThis: true },
        { login: 'alice', device: 'front-desk-2', since: since(2900), isThis: false },
      ];
    },
    async diagnose(tell) {
      for (const step of steps(status.state === 'live')) {
        await pause();
        tell(step);
      }
    },
    about: () =>
      Promise.resolve({
        version: '0.1.0',
        dataDir: '/home/alice/.local/share/belfry/push.example.com-alice',
        settingsFile: '/home/alice/.config/belfry/settings.toml',
        policyDigest: 'sha256:3b1f…9c02',
        total: notices.total,
        unread: notices.unread,
        rejected: 0,
      }),
  };
  return backend;
}

const faults: Partial<Record<Scene, Partial<Status>>> = {
  'offline': {
    retryInMs: 14_000,
    fault: { kind: 'unreachable', detail: 'push.example.com:443: connection refused', isCatchUp: false },
  },
  'action-needed': { fault: { kind: 'refused', detail: 'Bad CONNECT', isCatchUp: false }, fix: 'sign-in' },
  'polling': {
    retryInMs: 240_000,
    fault: { kind: 'busy', detail: 'push.example.com:443: HTTP 502', isCatchUp: false },
  },
  // A back end that says only what it must.
  'bare': { retryInMs: 14_000 },
};

function statusOf(scene: Scene): Status {
  const states: readonly Connectivity[] = ['offline', 'connecting', 'catching-up', 'polling', 'action-needed'];
  const state =
    states.find((name) => name === scene) ??
    (scene in faults || scene === 'first-run' || scene === 'managed' ? 'offline' : 'live');
  const isOnline = state === 'live' || state === 'polling';
  const more =
    scene === 'bare'
      ? {}
      : {
          completeThrough: new Date(Date.now() - (isOnline ? 1 : 49) * minute).toISOString(),
          offers: { history: isOnline, delete: isOnline, clients: isOnline },
          fault: null,
          fix: null,
        };
  return {
    state,
    since: new Date(Date.now() - 47 * minute).toISOString(),
    endpoint: 'push.example.com/ws',
    retryInMs: null,
    ...more,
    ...faults[scene],
  };
}

function setupOf(scene: Scene): Setup {
  const server = {
    address: 'push.example.com',
    endpoint: 'push.example.com/ws',
    name: 'Example AG',
    mode: 'token',
    isDiscovered: true,
  } as const;
  return scene === 'managed'
    ? { step: 'sign-in', isManaged: true, server, login: '' }
    : { step: 'address', isManaged: false, server: null, login: '' };
}

function problem(code: Problem['code'], message: string, key?: string): Problem & Error {
  return Object.assign(new Error(message), { code }, key === undefined ? {} : { key });
}
