// Errors for people: what happened, from the error's code or the server's fault, and what to do.

import { type CommandErrorCode, type Fault, isCommandError, messageOf } from './backend/backend';
import { type Key, t } from './texts.svelte';

/** An error as the window shows it. `code` is null for anything that has no known code. */
export interface DisplayError {
  code: CommandErrorCode | 'clipboard' | null;
  message: string;
  /** The server's fault, where the code alone says too little. */
  fault?: Fault;
  /** The setting it is about. */
  key?: string;
}

const textKeys: Record<CommandErrorCode | 'clipboard', Key> = {
  'store': 'error.store',
  'gone': 'error.gone',
  'changed': 'error.changed',
  'busy': 'error.busy',
  'link-refused': 'error.link-refused',
  'no-browser': 'error.no-browser',
  'no-folder': 'error.no-folder',
  'unreachable': 'error.unreachable',
  'not-discovered': 'error.not-discovered',
  'not-agreed': 'error.not-agreed',
  'insecure': 'error.insecure',
  'bad-address': 'error.bad-address',
  'refused': 'error.refused',
  'tls': 'error.tls',
  'server': 'error.server',
  'offline': 'error.offline',
  'setting': 'error.setting',
  'managed': 'error.managed',
  'file': 'error.file',
  'clipboard': 'error.clipboard',
};

export function toDisplayError(thrown: unknown): DisplayError {
  return isCommandError(thrown) && thrown.code in textKeys ? thrown : { code: null, message: messageOf(thrown) };
}

/** What happened and what to do. */
export function describeError({ code, fault }: DisplayError): string {
  if (fault) return `${describeFault(fault)} ${describeRemedy(fault)}`;
  return t(code === null ? 'error.other' : textKeys[code]);
}

/** What happened, or what is off. */
export function describeFault({ kind, isCatchUp }: Fault): string {
  return isCatchUp ? `${t('status.catchUpFails')} ${t(`fault.${kind}`)}` : t(`fault.${kind}`);
}

/** What to do about it. */
export function describeRemedy({ kind }: Fault): string {
  return t(`remedy.${kind}`);
}
