// A back end in the browser's memory, for developing the window and for its tests. No network, nothing is stored.
//
// In the address, `?scene=` chooses the content (see `scenes`), `?lang=` and `?theme=` its look. Like the real back end
// it gives pages by key, newest first, and sends an update after every change.

import type {
  Backend,
  CommandError,
  Connectivity,
  Language,
  Pause,
  SettingValue,
  Server,
  Setup,
  Status,
  Theme,
  Update,
} from './backend';
import { FakeNotices } from './fake/notices';
import { hostile, samples, type Samples } from './fake/samples';
import { discover, doctorSteps, signIn, signInInBrowser, testSteps } from './fake/server';
import { FakeSettings } from './fake/settings';

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
  /** Milliseconds that each request to the server takes. */
  pace?: number;
  /** The notices instead of those of the scene, the oldest first; their keys count from 1. */
  notices?: Samples;
  /** Whether there is a folder that exports are written to. */
  documents?: boolean;
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

const minuteMs = 60_000;
const undoMs = 8000;
const noticeCounts: Partial<Record<Scene, number>> = {
  'live': 60,
  'many': 20_000,
  'million': 1_000_000,
  'empty': 0,
  'hostile': 12,
  'first-run': 0,
  'managed': 0,
};

/** When a pause that begins now ends: as the engine has it. */
function pauseEnd(pause: Pause): Date {
  const now = new Date();
  if (pause !== 'until-tomorrow') return new Date(now.getTime() + (pause === 'hour' ? 60 : 30) * minuteMs);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8);
}

/** A back end with its own notices. */
export function fake({
  scene = 'live',
  language = 'en',
  theme = 'system',
  open = null,
  every = 0,
  pace = 0,
  notices: given,
  documents = true,
}: FakeOptions = {}): Backend {
  const notices = given
    ? // The content of a notice is that of its key modulo their number.
      new FakeNotices([given.at(-1) ?? given[0], ...given.slice(0, -1)], given.length)
    : new FakeNotices(scene === 'hostile' ? hostile : samples[language], noticeCounts[scene] ?? 24);
  const settings = new FakeSettings();
  const listeners = new Set<(update: Update) => void>();
  const removed = new Map<number, number[]>();
  let removals = 0;
  let hasExported = false;
  const isSettingUp = scene === 'first-run' || scene === 'managed';
  let status = statusOf(scene);
  let setup: Setup | null = isSettingUp ? setupOf(scene) : null;
  let olderPages = 3;
  let endBrowserWait: () => void = () => undefined;

  const emit = (update: Update) => {
    for (const listener of listeners) listener(update);
  };
  const emitInboxChanged = () => {
    emit({ type: 'inbox' });
  };
  const simulateDelay = () => new Promise((resolve) => setTimeout(resolve, pace));
  const setStatus = (change: Partial<Status>) => {
    status = { ...status, since: new Date().toISOString(), retryInMs: null, fault: null, fix: null, ...change };
    emit({ type: 'status', status });
  };
  if (every > 0)
    setInterval(() => {
      notices.arrive();
      emitInboxChanged();
    }, every);

  function existing(seq: number) {
    const notice = notices.detail(seq, '');
    if (!notice) throw commandError('gone', 'this notice is no longer in the inbox');
    return notice;
  }
  const languageOf = (chosen: SettingValue) => (chosen === 'auto' ? language : (chosen as Language));
  const isOnline = () => status.state === 'live' || status.state === 'polling';
  const requireOnline = () => {
    if (!isOnline()) throw commandError('offline', 'the server cannot be reached now');
  };

  const backend: Backend = {
    async listen(listener) {
      await Promise.resolve();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: () =>
      Promise.resolve({
        language: languageOf(settings.value('app.language')),
        theme,
        account: setup ? '' : 'alice@push.example.com',
        status,
        open,
        settings: false,
        setup,
      }),
    async page(ask) {
      if (scene === 'loading') await new Promise(() => undefined);
      if (scene === 'broken')
        throw commandError(
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
      notices.setRead(seqs, read);
      await Promise.resolve();
      emitInboxChanged();
    },
    async setAllRead(filter, through) {
      notices.setRead(
        notices.seqs({ ...filter, unread: true }, Infinity).filter((seq) => seq <= through),
        true,
      );
      await Promise.resolve();
      emitInboxChanged();
    },
    async remove(seqs) {
      const present = notices.remove(seqs);
      await Promise.resolve();
      emitInboxChanged();
      if (present.length === 0) return { count: 0, undo: null, undoMs };
      removals += 1;
      removed.set(removals, present);
      return { count: present.length, undo: removals, undoMs };
    },
    async restore(undo) {
      await Promise.resolve();
      const present = removed.get(undo);
      if (!present) throw commandError('gone', 'it is too late to bring these notices back');
      notices.restore(present);
      removed.delete(undo);
      emitInboxChanged();
    },
    async removeOnServer(seqs) {
      await simulateDelay();
      const present = seqs.filter((seq) => notices.has(seq));
      const serverDeletion = { askedAt: new Date().toISOString(), refused: null };
      if (isOnline()) notices.remove(present);
      else for (const seq of present) notices.change(seq, { serverDeletion });
      emitInboxChanged();
      return isOnline() ? { deleted: present.length, waiting: 0 } : { deleted: 0, waiting: present.length };
    },
    async keepOnServer(seqs) {
      await Promise.resolve();
      const waiting = seqs.filter((seq) => notices.detail(seq, '')?.serverDeletion);
      if (waiting.length === 0) throw commandError('gone', 'no deletion on the server waits for these notices');
      for (const seq of waiting) notices.change(seq, { serverDeletion: null });
      emitInboxChanged();
    },
    openLink: async (seq) => {
      const { link } = existing(seq);
      await Promise.resolve();
      if (!link.startsWith('https://push.example.com/'))
        throw commandError('link-refused', `Belfry does not open ${link}: its host is not in app.allowed_link_hosts`);
    },
    async act(seq, id, confirmed) {
      await Promise.resolve();
      const action = notices.detail(seq, '')?.actions.find((offered) => offered.id === id);
      if (!action) throw commandError('gone', 'this notice, or what could be done with it, is no longer there');
      if ((action.call ?? action.confirm) && action.key !== confirmed)
        throw commandError('changed', 'the notice has changed since this was confirmed; nothing was sent');
      await simulateDelay();
      if (!action.call) return;
      requireOnline();
      const at = new Date().toISOString();
      notices.change(seq, {
        state: 'decided',
        fields: [{ name: 'decision', value: id }],
        actionResult: { label: action.label, at, outcome: 'done', fault: null, detail: '' },
      });
      emitInboxChanged();
    },
    async loadOlder() {
      await simulateDelay();
      requireOnline();
      olderPages -= 1;
      notices.prepend(20);
      emitInboxChanged();
      return { added: 20, hasMore: olderPages > 0 };
    },
    async exportNotices(format, filter, seqs) {
      await simulateDelay();
      if (!documents) throw commandError('file', '/home/alice/Documents: no file can be written there (not found)');
      hasExported = true;
      return {
        count: (seqs?.filter((seq) => notices.has(seq)) ?? notices.seqs(filter, Infinity)).length,
        path: `/home/alice/Documents/belfry-inbox.${format}`,
      };
    },
    async showExport() {
      await Promise.resolve();
      if (!hasExported) throw commandError('gone', '');
    },
    async tryNow() {
      await Promise.resolve();
      setStatus({ state: 'connecting' });
    },
    async pause(pause) {
      await Promise.resolve();
      status = { ...status, pausedUntil: pause && pauseEnd(pause).toISOString() };
      emit({ type: 'status', status });
    },
    async discover(address) {
      await simulateDelay();
      return discover(address);
    },
    async signIn(server, agreed, login, secret) {
      setStatus({ state: 'connecting' });
      await simulateDelay();
      const signedIn = signIn(server, agreed, login, secret);
      setup = null;
      setStatus({ state: 'live', fault: null });
      return signedIn;
    },
    async signInInBrowser(server, agreed) {
      endBrowserWait();
      const ended = new Promise<never>((_, reject) => {
        endBrowserWait = () => {
          reject(commandError('offline', 'this sign-in was ended'));
        };
      });
      const signedIn = await Promise.race([ended, signInInBrowser(server, agreed, simulateDelay)]);
      setup = null;
      setStatus({ state: 'live', fault: null });
      return signedIn;
    },
    cancelSignIn() {
      endBrowserWait();
      return Promise.resolve();
    },
    async signInAgain() {
      await simulateDelay();
      const { server } = setupOf('managed');
      return scene === 'first-run' ? setupOf(scene) : { step: 'sign-in', isManaged: false, server, login: 'alice' };
    },
    async signOut() {
      await simulateDelay();
      setup = { ...setupOf('managed'), login: 'alice' };
      setStatus({
        state: 'action-needed',
        fault: { kind: 'no-credential', detail: '', isCatchUp: false },
        fix: 'sign-in',
      });
      emit({ type: 'setup', setup });
    },
    async testNotice() {
      requireOnline();
      for (const step of testSteps) {
        await simulateDelay();
        if (status.endpoint.includes('mute')) {
          emit({ type: 'test', step, failure: { what: 'nothing-came', seconds: 15 } });
          return;
        }
        emit({ type: 'test', step, failure: null });
      }
      notices.arrive();
      emitInboxChanged();
    },
    settings: () => Promise.resolve(settings.all()),
    async saveSettings(values) {
      await simulateDelay();
      for (const [key, value] of Object.entries(values)) {
        if (settings.isManaged(key)) throw commandError('managed', `${key} is set by your organisation`, key);
        const message = settings.validate(key, value);
        if (message) throw commandError('setting', message, key);
      }
      for (const [key, value] of Object.entries(values)) settings.set(key, value);
      const [chosen, theme] = [settings.value('app.language'), settings.value('app.theme')];
      emit({ type: 'look', language: languageOf(chosen), theme: theme as Theme });
      return settings.all();
    },
    async clients() {
      await simulateDelay();
      requireOnline();
      const since = (minutes: number) => new Date(Date.now() - minutes * minuteMs).toISOString();
      return [
        { login: 'alice', device: 'alice-laptop', since: since(47), isThis: true },
        { login: 'alice', device: 'front-desk-2', since: since(2900), isThis: false },
      ];
    },
    async diagnose(onStep) {
      for (const step of doctorSteps(status.state === 'live')) {
        await simulateDelay();
        onStep(step);
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
  // Without any of the optional fields.
  'bare': { retryInMs: 14_000 },
};

function statusOf(scene: Scene): Status {
  const states: readonly Connectivity[] = ['offline', 'connecting', 'catching-up', 'polling', 'action-needed'];
  const state =
    states.find((name) => name === scene) ??
    (scene in faults || scene === 'first-run' || scene === 'managed' ? 'offline' : 'live');
  const isConnected = state === 'live' || state === 'polling';
  const optional =
    scene === 'bare'
      ? {}
      : {
          completeThrough: new Date(Date.now() - (isConnected ? 1 : 49) * minuteMs).toISOString(),
          offers: { history: isConnected, delete: true, clients: isConnected },
          fault: null,
          fix: null,
        };
  return {
    state,
    since: new Date(Date.now() - 47 * minuteMs).toISOString(),
    endpoint: 'push.example.com/ws',
    retryInMs: null,
    ...optional,
    ...faults[scene],
  };
}

function setupOf(scene: Scene): Setup {
  const server: Server = {
    address: 'push.example.com',
    endpoint: 'push.example.com/ws',
    name: 'Example AG',
    mode: 'token',
    isDiscovered: true,
    foreign: [],
  };
  return scene === 'managed'
    ? { step: 'sign-in', isManaged: true, server, login: '' }
    : { step: 'address', isManaged: false, server: null, login: '' };
}

function commandError(code: CommandError['code'], message: string, key?: string): CommandError & Error {
  return Object.assign(new Error(message), { code }, key === undefined ? {} : { key });
}
