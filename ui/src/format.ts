// Dates as the person's language writes them.

import type { Language } from './backend/backend';

const day = 24 * 60 * 60 * 1000;

/** For a row of the list, which is grouped by day: the time. */
export function timeOf(iso: string, language: Language): string {
  return written(iso, language, { timeStyle: 'short' });
}

/** For a sentence: the time today, the weekday and time within a week, else the date and time. */
export function shortDate(iso: string, language: Language, now = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  const age = midnightOf(now) - date.getTime();
  const time: Intl.DateTimeFormatOptions = { hour: language === 'zh-CN' ? '2-digit' : 'numeric', minute: '2-digit' };
  if (age <= 0) return timeOf(iso, language);
  if (age < 6 * day) return written(iso, language, { weekday: 'short', ...time });
  const year: Intl.DateTimeFormatOptions = date.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' };
  return written(iso, language, { day: 'numeric', month: 'short', ...year, ...time });
}

/** For the reading pane: everything down to the second. */
export function longDate(iso: string, language: Language): string {
  return written(iso, language, { dateStyle: 'full', timeStyle: 'medium' });
}

export type DayName = 'today' | 'yesterday' | null;

/** Whether a day has a name of its own. A clock that is ahead counts as today. */
export function dayName(iso: string, now = new Date()): DayName {
  const age = midnightOf(now) - midnightOf(new Date(iso));
  if (age < day / 2) return 'today';
  return age < 1.5 * day ? 'yesterday' : null;
}

/** For the heading of a day. */
export function dayDate(iso: string, language: Language, now = new Date()): string {
  const isThisYear = new Date(iso).getFullYear() === now.getFullYear();
  return written(iso, language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(isThisYear ? {} : { year: 'numeric' }),
  });
}

const midnightOf = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

const shapes = new Map<string, Intl.DateTimeFormat>();

function written(iso: string, language: Language, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  const key = language + JSON.stringify(options);
  const shape = shapes.get(key) ?? new Intl.DateTimeFormat(language, options);
  shapes.set(key, shape);
  return shape.format(date);
}
