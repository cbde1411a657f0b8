// The servers the fake back end knows. The address and the token decide how an attempt ends.

import type { DoctorStep, Problem, Server, SignedIn, TestStep } from '../backend';

export const testSteps: TestStep[] = ['sent', 'delivered', 'stored', 'shown'];

/** `nowhere…`: no answer; `plain…`: no discovery; `password…`: wants one; `http://` or `ws://`: not encrypted; all else: found. */
export function discover(address: string): Server {
  const typed = address.trim();
  const byHand = /^wss?:\/\/([^\s/]+)(\/\S*)?$/.exec(typed);
  if (typed.startsWith('http://') || typed.startsWith('ws://'))
    throw problem('insecure', `${typed} would not be encrypted`);
  if (byHand)
    return {
      address: typed,
      endpoint: `${byHand[1]}${byHand[2] ?? '/'}`,
      name: '',
      mode: 'token',
      isDiscovered: false,
    };
  const host = /^(?:https:\/\/)?([a-z0-9.-]+\.[a-z]+(?::\d+)?)\/?$/i.exec(typed)?.[1];
  if (!host) throw problem('bad-address', `"${typed}" is no address`);
  if (host.startsWith('nowhere')) throw problem('unreachable', `${host}: no such host is known`);
  if (host.startsWith('plain')) throw problem('not-discovered', `https://${host}/.well-known/belfry.json: 404`);
  return {
    address: host,
    endpoint: `${host}/ws`,
    name: 'Example AG',
    mode: host.startsWith('password') ? 'password' : 'token',
    isDiscovered: true,
  };
}

/** `wrong`: refused; `brief`: no keychain; all else: signed in. */
export function signIn(server: Server, login: string, secret: string): SignedIn {
  if (secret === 'wrong') throw problem('refused', 'the server refused the sign-in: bad CONNECT');
  return { account: `${login}@${server.address}`, isKept: secret !== 'brief' };
}

/** What `belfryctl doctor` would find. */
export function steps(isOnline: boolean): DoctorStep[] {
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

function problem(code: Problem['code'], message: string): Problem & Error {
  return Object.assign(new Error(message), { code });
}
