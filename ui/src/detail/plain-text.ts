// A notice as plain text, for the clipboard.

import type { Detail, Language } from '../backend/backend';
import { longDate } from '../dates';

export function plainText(notice: Detail, language: Language): string {
  const about = [notice.sender, longDate(notice.sentAt ?? notice.receivedAt, language)].filter(Boolean).join(' · ');
  return [notice.title, about, '', notice.body, ...(notice.link ? ['', notice.link] : [])].join('\n');
}
