// What went wrong, in the person's language: the words of its code or of the server's fault, and below them what was seen.

import { type Code, type Fault, isProblem, messageOf } from './backend/backend';
import { type Key, t } from './texts.svelte';

/** Something that was thrown. Without a code it is none that is known. */
export interface Trouble {
  code: Code | 'clipboard' | null;
  message: string;
  /** What the server did, where the code alone says too little. */
  fault?: Fault;
  /** The setting it is about. */
  key?: string;
}

const known: Record<Code | 'clipboard', Key> = {
  'store': 'problem.store',
  'gone': 'problem.gone',
  'link-refused': 'problem.link-refused',
  'no-browser': 'problem.no-browser',
  'no-folder': 'problem.no-folder',
  'unreachable': 'problem.unreachable',
  'not-discovered': 'problem.not-discovered',
  'insecure': 'problem.insecure',
  'bad-address': 'problem.bad-address',
  'refused': 'problem.refused',
  'tls': 'problem.tls',
  'server': 'problem.server',
  'offline': 'problem.offline',
  'setting': 'problem.setting',
  'managed': 'problem.managed',
  'file': 'problem.file',
  'clipboard': 'problem.clipboard',
};

export function troubleOf(error: unknown): Trouble {
  return isProblem(error) && error.code in known ? error : { code: null, message: messageOf(error) };
}

/** What happened and what to do. */
export function wordsOf({ code, fault }: Trouble): string {
  if (fault) return `${reasonOf(fault)} ${remedyOf(fault)}`;
  return t(code === null ? 'problem.other' : known[code]);
}

/** What happened, or what is off. */
export function reasonOf({ kind, isCatchUp }: Fault): string {
  return isCatchUp ? `${t('status.catchUpFails')} ${t(`fault.${kind}`)}` : t(`fault.${kind}`);
}

/** What to do about it. */
export function remedyOf({ kind }: Fault): string {
  return t(`remedy.${kind}`);
}
