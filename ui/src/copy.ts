// A notice as plain text, and the clipboard.

import type { Detail, Language } from './backend/backend';
import { longDate } from './format';
import { type Trouble, troubleOf } from './problem';

export function plainText(notice: Detail, language: Language): string {
  const about = [notice.sender, longDate(notice.sentAt ?? notice.receivedAt, language)].filter(Boolean).join(' · ');
  return [notice.title, about, '', notice.body, ...(notice.link ? ['', notice.link] : [])].join('\n');
}

/** Puts a text on the clipboard; what went wrong, or null. The desktop may not let a window do that. */
export async function toClipboard(text: string): Promise<Trouble | null> {
  try {
    await navigator.clipboard.writeText(text);
    return null;
  } catch (error) {
    return { code: 'clipboard', message: troubleOf(error).message };
  }
}
