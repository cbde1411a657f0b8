// The back end in the app: Tauri commands, and one channel for updates.

import { Channel, invoke } from '@tauri-apps/api/core';

import type { Backend, Detail, Page, Start, Update } from './backend';

export const isInApp = '__TAURI_INTERNALS__' in globalThis;

export const tauri: Backend = {
  async listen(heard) {
    const channel = new Channel<Update>();
    channel.onmessage = heard;
    await invoke('listen', { channel });
    return () => {
      channel.onmessage = () => undefined;
    };
  },
  start: () => invoke<Start>('start'),
  page: (before, limit) => invoke<Page>('page', { before, limit }),
  notice: (seq) => invoke<Detail | null>('notice', { seq }),
  setRead: (seqs, read) => invoke('set_read', { seqs, read }),
  remove: (seqs) => invoke('remove', { seqs }),
  openLink: (seq) => invoke('open_link', { seq }),
  tryNow: () => invoke('try_now'),
};
