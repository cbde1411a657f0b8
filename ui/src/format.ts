// Dates as the person's language writes them.

import type { Language } from './backend/backend';

const day = 24 * 60 * 60 * 1000;

/** For a row of the list: the time today, the weekday within a week, else the date. */
export function shortDate(iso: string, language: Language, now = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  return new Intl.DateTimeFormat(language, shape(date, now)).format(date);
}

/** For the reading pane: everything down to the second. */
export function longDate(iso: string, language: Language): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  return new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'medium' }).format(date);
}

function shape(date: Date, now: Date): Intl.DateTimeFormatOptions {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const age = midnight - date.getTime();
  if (age <= 0) return { hour: '2-digit', minute: '2-digit' };
  if (age < 6 * day) return { weekday: 'short', hour: '2-digit', minute: '2-digit' };
  if (date.getFullYear() === now.getFullYear()) return { day: 'numeric', month: 'short' };
  return { day: 'numeric', month: 'short', year: 'numeric' };
}
