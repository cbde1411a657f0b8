// The back end of the app: Tauri commands, and a channel for updates.

import { Channel, invoke } from '@tauri-apps/api/core';

import type { Backend, DoctorStep, Update } from './backend';

export const isInApp = '__TAURI_INTERNALS__' in globalThis;

export const tauri: Backend = {
  async listen(onUpdate) {
    const channel = new Channel<Update>();
    channel.onmessage = onUpdate;
    await invoke('listen', { channel });
    return () => {
      channel.onmessage = () => undefined;
    };
  },
  start: () => invoke('start'),
  page: (ask) => invoke('page', { ...ask }),
  seqs: (filter, limit) => invoke('seqs', { filter, limit }),
  kinds: () => invoke('kinds'),
  notice: (seq, text) => invoke('notice', { seq, text }),
  setRead: (seqs, read) => invoke('set_read', { seqs, read }),
  setAllRead: (filter, through) => invoke('set_all_read', { filter, through }),
  remove: (seqs) => invoke('remove', { seqs }),
  restore: (undo) => invoke('restore', { undo }),
  removeOnServer: (seqs) => invoke('remove_on_server', { seqs }),
  keepOnServer: (seqs) => invoke('keep_on_server', { seqs }),
  openLink: (seq) => invoke('open_link', { seq }),
  act: (seq, action, confirmed) => invoke('act', { seq, action, confirmed }),
  loadOlder: () => invoke('load_older'),
  exportNotices: (format, filter, seqs) => invoke('export_notices', { format, filter, seqs }),
  showExport: () => invoke('show_export'),
  tryNow: () => invoke('try_now'),
  pause: (pause) => invoke('pause', { pause }),
  discover: (address) => invoke('discover', { address }),
  signIn: (server, agreed, login, secret) => invoke('sign_in', { server: { ...server, agreed }, login, secret }),
  signInInBrowser: (server, agreed) => invoke('sign_in_in_browser', { server: { ...server, agreed } }),
  cancelSignIn: () => invoke('cancel_sign_in'),
  signInAgain: () => invoke('sign_in_again'),
  signOut: (forgetDevice) => invoke('sign_out', { forgetDevice }),
  testNotice: () => invoke('test_notice'),
  settings: () => invoke('settings'),
  saveSettings: (values) => invoke('save_settings', { values }),
  clients: () => invoke('clients'),
  async diagnose(onStep) {
    const channel = new Channel<DoctorStep>();
    channel.onmessage = onStep;
    await invoke('diagnose', { channel });
  },
  about: () => invoke('about'),
};
