// Every key a person may change, its page and its control. The texts are in texts/*.json.

import type { Key } from '../texts.svelte';

export type Control =
  | { kind: 'switch' | 'text' | 'list' | 'quiet-hours' | 'rules' | 'kinds' | 'subscriptions' | 'heart-beat' | 'oidc' }
  | { kind: 'duration'; example: string }
  | { kind: 'number'; min: number; max: number; unit?: Key }
  /** `isNamed`: the values have texts of their own (`choice.…`); else they are shown as they are. */
  | { kind: 'choice'; values: readonly string[]; isNamed?: boolean };

export type SettingKey = {
  [K in Key]: K extends `setting.${infer Name}.help` ? Name : never;
}[Key];

export interface Entry {
  key: SettingKey;
  control: Control;
}

export type Group = 'app' | 'inbox' | 'notifications' | 'auth' | 'server' | 'api' | 'network' | 'message';

const text: Control = { kind: 'text' };
const list: Control = { kind: 'list' };
const onOff: Control = { kind: 'switch' };
const duration = (example: string): Control => ({ kind: 'duration', example });
const choice = (...values: string[]): Control => ({ kind: 'choice', values });
const named = (...values: string[]): Control => ({ kind: 'choice', values, isNamed: true });

export const groups: Record<Group, Entry[]> = {
  app: [
    { key: 'app.language', control: named('auto', 'en', 'zh-CN') },
    { key: 'app.theme', control: named('system', 'light', 'dark') },
    { key: 'app.start_at_login', control: onOff },
    { key: 'app.allowed_link_hosts', control: list },
    { key: 'app.action_urls', control: list },
    { key: 'app.log_level', control: choice('error', 'warn', 'info', 'debug') },
  ],
  inbox: [
    { key: 'inbox.retention_days', control: { kind: 'number', min: 1, max: 36_500, unit: 'unit.days' } },
    { key: 'inbox.delete_on_server', control: onOff },
  ],
  notifications: [
    { key: 'notifications.enabled', control: onOff },
    { key: 'notifications.sound', control: text },
    { key: 'notifications.preview', control: named('full', 'title', 'none') },
    { key: 'notifications.quiet_hours', control: { kind: 'quiet-hours' } },
    { key: 'notifications.burst', control: { kind: 'number', min: 1, max: 1000 } },
    { key: 'notifications.rules', control: { kind: 'rules' } },
  ],
  auth: [
    { key: 'auth.login', control: text },
    { key: 'auth.device', control: text },
    { key: 'auth.mode', control: choice('token', 'password', 'oidc') },
    { key: 'auth.stomp', control: text },
    { key: 'auth.http', control: text },
    { key: 'auth.login_url', control: text },
    { key: 'auth.login_body', control: text },
    { key: 'auth.login_token', control: text },
    { key: 'auth.oidc', control: { kind: 'oidc' } },
  ],
  server: [
    { key: 'server.endpoints', control: list },
    { key: 'server.protocol', control: choice('stomp', 'sockjs', 'websocket') },
    { key: 'server.host', control: text },
    { key: 'server.subscriptions', control: { kind: 'subscriptions' } },
    { key: 'server.heart_beat', control: { kind: 'heart-beat' } },
    { key: 'server.max_message', control: text },
    { key: 'server.poll_every', control: duration('5s') },
    { key: 'server.reconnect_spread', control: duration('2s') },
  ],
  api: [
    { key: 'api.base', control: text },
    { key: 'api.collect', control: text },
    { key: 'api.history', control: text },
    { key: 'api.delete', control: text },
    { key: 'api.clients', control: text },
    { key: 'api.send', control: text },
    { key: 'api.method', control: choice('POST', 'GET') },
    { key: 'api.page', control: { kind: 'number', min: 1, max: 10_000 } },
    { key: 'api.wait', control: duration('0s') },
    { key: 'api.reconcile_every', control: duration('10m') },
    { key: 'api.items', control: text },
    { key: 'api.cursor', control: text },
    { key: 'api.scope', control: text },
  ],
  network: [
    { key: 'network.proxy', control: text },
    { key: 'network.ca_bundle', control: text },
    { key: 'network.client_cert', control: text },
    { key: 'network.insecure_hosts', control: list },
  ],
  message: [
    { key: 'message.id', control: text },
    { key: 'message.title', control: text },
    { key: 'message.body', control: text },
    { key: 'message.kind', control: text },
    { key: 'message.sender', control: text },
    { key: 'message.sent_at', control: text },
    { key: 'message.link', control: text },
    { key: 'message.priority', control: text },
    { key: 'message.state', control: text },
    { key: 'message.status', control: text },
    { key: 'message.undelivered', control: list },
    { key: 'message.kinds', control: { kind: 'kinds' } },
    { key: 'message.version', control: text },
    { key: 'message.actions', control: text },
    { key: 'message.time_zone', control: text },
  ],
};
