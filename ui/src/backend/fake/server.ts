// The servers of the fake back end. The address and the secret decide whether an attempt succeeds.

import type { CommandError, DoctorStep, Server, SignedIn, TestStep } from '../backend';

export const testSteps: TestStep[] = ['sent', 'delivered', 'stored', 'shown'];

/**
 * `nowhere…`: no answer; `plain…`: no discovery; `password…`: sign-in with a password; `foreign…`: names another host
 * too; `browser…`: sign-in in the browser; `http://` or `ws://`: not encrypted; anything else is found.
 */
export function discover(address: string): Server {
  const typed = address.trim();
  const endpoint = /^wss?:\/\/([^\s/]+)(\/\S*)?$/.exec(typed);
  if (typed.startsWith('http://') || typed.startsWith('ws://'))
    throw commandError('insecure', `${typed} would not be encrypted`);
  if (endpoint)
    return {
      address: typed,
      endpoint: `${endpoint[1]}${endpoint[2] ?? '/'}`,
      name: '',
      mode: 'token',
      isDiscovered: false,
      foreign: [],
    };
  const host = /^(?:https:\/\/)?([a-z0-9.-]+\.[a-z]+(?::\d+)?)\/?$/i.exec(typed)?.[1];
  if (!host) throw commandError('bad-address', `"${typed}" is not an address`);
  if (host.startsWith('nowhere')) throw commandError('unreachable', `${host}: no such host is known`);
  if (host.startsWith('plain')) throw commandError('not-discovered', `https://${host}/.well-known/belfry.json: 404`);
  return {
    address: host,
    endpoint: `${host}/ws`,
    name: 'Example AG',
    mode: host.startsWith('password') ? 'password' : host.startsWith('browser') ? 'oidc' : 'token',
    isDiscovered: true,
    foreign: host.startsWith('foreign') ? [{ host: 'login.example.net', purposes: ['api', 'login'] }] : [],
  };
}

/** `wrong`: refused; `brief`: no keychain; anything else: signed in. */
export function signIn(server: Server, agreed: string[], login: string, secret: string): SignedIn {
  const missing = server.foreign.find(({ host }) => !agreed.includes(host));
  if (missing) throw commandError('not-agreed', `the settings also name ${missing.host}`);
  if (secret === 'wrong') throw commandError('refused', 'the server refused the sign-in: bad CONNECT');
  return { account: `${login}@${server.address}`, isKept: secret !== 'brief' };
}

/** `browser-waits…`: the browser never comes back; `browser-declines…`: the person declines. */
export async function signInInBrowser(
  server: Server,
  agreed: string[],
  simulateDelay: () => Promise<unknown>,
): Promise<SignedIn> {
  const missing = server.foreign.find(({ host }) => !agreed.includes(host));
  if (missing) throw commandError('not-agreed', `the settings also name ${missing.host}`);
  if (server.mode !== 'oidc') throw commandError('server', 'auth.oidc.issuer is missing');
  await simulateDelay();
  if (server.address.startsWith('browser-waits')) await new Promise(() => undefined);
  if (server.address.startsWith('browser-declines')) throw commandError('refused', 'id.example.com:443: access_denied');
  return { account: `alice@${server.address}`, isKept: true };
}

/** The results of `belfryctl doctor`. */
export function doctorSteps(isOnline: boolean): DoctorStep[] {
  const step = (
    name: DoctorStep['step'],
    verdict: DoctorStep['verdict'],
    ms: number,
    detail = '',
    remedy = '',
  ): DoctorStep => ({ step: name, verdict, ms, detail, remedy });
  if (!isOnline) {
    return [
      step('settings', 'ok', 2, 'settings.toml, 4 keys managed'),
      step('dns', 'ok', 11, 'push.example.com is 192.0.2.10'),
      step(
        'tcp',
        'fail',
        3004,
        'push.example.com:443: connection refused',
        'check the network or VPN; else the server may be down: ask IT',
      ),
      step('proxy', 'skipped', 0),
      step('tls', 'skipped', 0),
      step('websocket', 'skipped', 0),
      step('stomp', 'skipped', 0),
      step('subscribe', 'skipped', 0),
      step('collect', 'skipped', 0),
      step('clock', 'skipped', 0),
      step('keychain', 'ok', 8, 'Secret Service'),
      step('notifications', 'ok', 3, 'dunst 1.9'),
      step(
        'tray',
        'warn',
        1,
        'no StatusNotifierWatcher',
        'install the AppIndicator extension; the window stays open instead',
      ),
    ];
  }
  return [
    step('settings', 'ok', 2, 'settings.toml, 4 keys managed'),
    step('dns', 'ok', 11, 'push.example.com is 192.0.2.10'),
    step('tcp', 'ok', 18, 'push.example.com:443'),
    step('proxy', 'ok', 1, 'http://proxy.example.com:3128'),
    step('tls', 'ok', 41, 'TLS 1.3, Example AG Root CA'),
    step('websocket', 'ok', 22, '101 Switching Protocols'),
    step('stomp', 'ok', 9, 'STOMP 1.2, heart-beat 10 s / 10 s'),
    step('subscribe', 'ok', 6, '/user/queue/notices, /topic/all'),
    step('collect', 'ok', 31, '200, 0 notices waiting'),
    step('clock', 'warn', 0, 'this computer is 42 s ahead', 'set the clock from the network'),
    step('keychain', 'ok', 8, 'Secret Service'),
    step('notifications', 'ok', 3, 'dunst 1.9'),
    step('tray', 'ok', 1, 'StatusNotifierWatcher'),
  ];
}

function commandError(code: CommandError['code'], message: string): CommandError & Error {
  return Object.assign(new Error(message), { code });
}
