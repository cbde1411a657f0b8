// What went wrong, in the person's language: the words of its code, and below them what Rust says about this case.

import { type Code, isProblem, messageOf } from './backend/backend';
import { type Key, t } from './texts.svelte';

/** Something that was thrown. Without a code it is none that is known. */
export interface Trouble {
  code: Code | 'clipboard' | null;
  message: string;
  /** The setting it is about. */
  key?: string;
}

const known: Record<Code | 'clipboard', Key> = {
  'store': 'problem.store',
  'gone': 'problem.gone',
  'link-refused': 'problem.link-refused',
  'no-browser': 'problem.no-browser',
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
export function wordsOf({ code }: Trouble): string {
  return t(code === null ? 'problem.other' : known[code]);
}
