// Dates and times, formatted for the person's language.

import type { Language } from './backend/backend';

const dayMs = 24 * 60 * 60 * 1000;

/** For a row of the list, which is grouped by day: the time. */
export function timeOf(iso: string, language: Language): string {
  return formatDate(iso, language, { timeStyle: 'short' });
}

/** For a sentence: the time today, the weekday and time within a week, else the date and time. */
export function shortDate(iso: string, language: Language, now = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  const age = midnightOf(now) - date.getTime();
  const time: Intl.DateTimeFormatOptions = { hour: language === 'zh-CN' ? '2-digit' : 'numeric', minute: '2-digit' };
  if (age <= 0) return timeOf(iso, language);
  if (age < 6 * dayMs) return formatDate(iso, language, { weekday: 'short', ...time });
  const year: Intl.DateTimeFormatOptions = date.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' };
  return formatDate(iso, language, { day: 'numeric', month: 'short', ...year, ...time });
}

/** For the detail pane: everything down to the second. */
export function longDate(iso: string, language: Language): string {
  return formatDate(iso, language, { dateStyle: 'full', timeStyle: 'medium' });
}

export type DayName = 'today' | 'yesterday' | null;

/** Whether a day has a name of its own. A clock that is ahead counts as today. */
export function dayName(iso: string, now = new Date()): DayName {
  const age = midnightOf(now) - midnightOf(new Date(iso));
  if (age < dayMs / 2) return 'today';
  return age < 1.5 * dayMs ? 'yesterday' : null;
}

/** For the heading of a day. */
export function dayDate(iso: string, language: Language, now = new Date()): string {
  const isThisYear = new Date(iso).getFullYear() === now.getFullYear();
  return formatDate(iso, language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(isThisYear ? {} : { year: 'numeric' }),
  });
}

const midnightOf = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatDate(iso: string, language: Language, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  const key = language + JSON.stringify(options);
  const formatter = formatters.get(key) ?? new Intl.DateTimeFormat(language, options);
  formatters.set(key, formatter);
  return formatter.format(date);
}
