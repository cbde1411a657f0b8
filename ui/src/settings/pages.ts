// The pages of the settings, in their order.

import type { Group } from './keys';

export const pages = [
  'general',
  'notifications',
  'account',
  'server',
  'network',
  'message',
  'devices',
  'diagnostics',
  'about',
] as const;

export type Page = (typeof pages)[number];

export const groupsOf: Partial<Record<Page, Group[]>> = {
  general: ['app', 'inbox'],
  notifications: ['notifications'],
  account: ['auth'],
  server: ['server', 'api'],
  network: ['network'],
  message: ['message'],
};
