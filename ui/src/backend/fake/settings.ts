// The settings of the fake back end: every key with its default; some are set by the person, some are managed.

import type { Level, Setting, SettingValue } from '../backend';

const defaults: Record<string, SettingValue> = {
  'server.endpoints': [],
  'server.protocol': 'stomp',
  'server.host': '/',
  'server.heart_beat': { send: '10s', expect: '10s' },
  'server.max_message': '4MiB',
  'server.poll_every': '5s',
  'server.reconnect_spread': '2s',
  'server.subscriptions': [],
  'api.base': '',
  'api.collect': '/api/message/collectMessage',
  'api.history': '/api/message/getMessagePage',
  'api.delete': '/api/message/deleteMessageById',
  'api.clients': '/api/message/getWebSocketClients',
  'api.send': '/api/message/sendMessage',
  'api.method': 'POST',
  'api.page': 200,
  'api.wait': '0s',
  'api.reconcile_every': '10m',
  'api.items': '',
  'api.cursor': '',
  'api.scope': '',
  'auth.mode': 'token',
  'auth.login': '',
  'auth.device': '',
  'auth.stomp': 'passcode',
  'auth.http': 'bearer',
  'auth.login_url': '',
  'auth.login_body': '{"login":"{login}","password":"{password}"}',
  'auth.login_token': '',
  'auth.oidc': { issuer: '', client_id: '', scopes: ['openid'] },
  'network.proxy': 'system',
  'network.ca_bundle': '',
  'network.client_cert': '',
  'network.insecure_hosts': [],
  'message.id': '/id',
  'message.title': '/title',
  'message.body': '/content',
  'message.kind': '/type',
  'message.sender': '/sender',
  'message.sent_at': '/sendTime',
  'message.link': '/url',
  'message.priority': '/priority',
  'message.state': '/state',
  'message.status': '/status',
  'message.undelivered': ['undelivered', '未送达'],
  'message.kinds': {},
  'message.version': '/version',
  'message.actions': '/actions',
  'message.time_zone': 'local',
  'notifications.enabled': true,
  'notifications.sound': 'default',
  'notifications.preview': 'full',
  'notifications.quiet_hours': { from: '', to: '', days: ['mon', 'tue', 'wed', 'thu', 'fri'], allow: 'urgent' },
  'notifications.burst': 5,
  'notifications.rules': [],
  'inbox.retention_days': 365,
  'inbox.delete_on_server': false,
  'app.language': 'auto',
  'app.theme': 'system',
  'app.start_at_login': true,
  'app.allowed_link_hosts': [],
  'app.action_urls': [],
  'app.log_level': 'info',
};

const choices: Record<string, SettingValue[]> = {
  'app.language': ['auto', 'en', 'zh-CN'],
  'app.theme': ['system', 'light', 'dark'],
  'app.log_level': ['error', 'warn', 'info', 'debug'],
};

const policyFile = '/etc/belfry/policies/managed/company.json';

const initialValues: [key: string, value: SettingValue, level: Level][] = [
  ['server.endpoints', ['wss://push.example.com/ws', 'wss://push2.example.com/ws'], 'mandatory'],
  [
    'server.subscriptions',
    [
      { destination: '/user/queue/notices', ack: 'client-individual' },
      { destination: '/topic/all', ack: 'client-individual' },
    ],
    'mandatory',
  ],
  ['api.base', 'https://push.example.com/ecgapi', 'mandatory'],
  ['inbox.retention_days', 730, 'mandatory'],
  ['network.proxy', 'http://proxy.example.com:3128', 'recommended'],
  ['auth.login', 'alice', 'user'],
  ['inbox.delete_on_server', true, 'user'],
  [
    'notifications.quiet_hours',
    { from: '22:00', to: '07:00', days: ['mon', 'tue', 'wed', 'thu', 'fri'], allow: 'urgent' },
    'user',
  ],
  [
    'notifications.rules',
    [
      { kind: 'report', show: 'mute' },
      { sender: 'Plant*', show: 'urgent' },
    ],
    'user',
  ],
];

/** The person's values over the managed ones over the defaults. */
export class FakeSettings {
  readonly #own = new Map<string, SettingValue>();
  readonly #managed = new Map<string, [value: SettingValue, level: Level]>();

  constructor() {
    for (const [key, value, level] of initialValues) {
      if (level === 'user') this.#own.set(key, value);
      else this.#managed.set(key, [value, level]);
    }
  }

  all(): Setting[] {
    return Object.entries(defaults).map(([key, defaultValue]) => {
      const [value, level] = this.#managed.get(key) ?? [defaultValue, 'default' as const];
      const own = this.#own.get(key);
      const source =
        level === 'default' ? '' : policyFile.replace('managed', level === 'mandatory' ? 'managed' : 'recommended');
      if (own !== undefined && level !== 'mandatory')
        return { key, value: own, fallback: value, level: 'user', source: '' };
      return { key, value, fallback: value, level, source };
    });
  }

  isManaged(key: string): boolean {
    return this.#managed.get(key)?.[1] === 'mandatory';
  }

  value(key: string): SettingValue {
    return this.all().find((setting) => setting.key === key)?.value ?? null;
  }

  set(key: string, value: SettingValue): void {
    if (value === null) this.#own.delete(key);
    else this.#own.set(key, value);
  }

  /** Why a value is refused, in the wording of Rust; empty if it is accepted. */
  validate(key: string, value: SettingValue): string {
    const defaultValue = defaults[key];
    if (defaultValue === undefined) return `${key}: there is no such setting`;
    if (value === null) return '';
    const accepted = choices[key];
    if (accepted && !accepted.includes(value))
      return `${key} is ${JSON.stringify(value)}; accepted: ${accepted.map((choice) => JSON.stringify(choice)).join(', ')}`;
    const isDuration = typeof defaultValue === 'string' && /^\d+[smh]$/.test(defaultValue);
    if (isDuration && (typeof value !== 'string' || !/^\d+(ms|s|m|h|d)$/.test(value)))
      return `${key} is ${JSON.stringify(value)}; a duration such as "10s" or "5m" is accepted`;
    if (typeof defaultValue === 'number' && (typeof value !== 'number' || !Number.isInteger(value) || value < 1))
      return `${key} is ${JSON.stringify(value)}; a whole number of 1 or more is accepted`;
    if (key.endsWith('.base') && value !== '' && (typeof value !== 'string' || !/^https?:\/\/[^\s/]/.test(value)))
      return `${key} is ${JSON.stringify(value)}; an address that begins with https:// is accepted`;
    return '';
  }
}
