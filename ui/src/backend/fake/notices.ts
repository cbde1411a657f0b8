// The inbox of the fake back end: any number of notices, of which only the changes are stored.
//
// The content of a notice is computed from its key, so a million of them need a few megabytes. Pages are by key, newest
// first.

import type { Detail, Filter, Kind, Page, PageQuery, Ranges, Row } from '../backend';
import type { Sample, Samples } from './samples';

const minuteMs = 60_000;
/** Length of a row's preview, title, sender and kind, in UTF-16 units. */
const maxLineLength = 200;
/** So many of the first notices are unread. */
const initiallyUnread = 7;

export class FakeNotices {
  newest = 0;
  #oldest = 1;
  readonly #samples: Samples;
  readonly #ageInMinutes: (position: number) => number;
  readonly #startedAt = Date.now();
  readonly #initialCount: number;
  readonly #added = new Map<number, number>();
  readonly #removed = new Set<number>();
  readonly #read = new Map<number, boolean>();
  readonly #changed = new Map<number, Partial<Detail>>();

  constructor(samples: Samples, count: number) {
    this.#samples = samples;
    this.newest = count;
    this.#initialCount = count;
    this.#ageInMinutes = count > 1000 ? (position) => position * 0.5 : (position) => position * position * 0.7;
  }

  arrive(): void {
    this.newest += 1;
    this.#added.set(this.newest, Date.now());
  }

  /** Adds older notices below the oldest. */
  prepend(count: number): void {
    this.#oldest -= count;
  }

  has(seq: number): boolean {
    return seq >= this.#oldest && seq <= this.newest && !this.#removed.has(seq);
  }

  setRead(seqs: number[], read: boolean): void {
    for (const seq of seqs) this.#read.set(seq, read);
  }

  change(seq: number, change: Partial<Detail>): void {
    this.#changed.set(seq, { ...this.#changed.get(seq), ...change });
  }

  remove(seqs: number[]): number[] {
    const present = seqs.filter((seq) => this.has(seq));
    for (const seq of present) this.#removed.add(seq);
    return present;
  }

  restore(seqs: number[]): void {
    for (const seq of seqs) this.#removed.delete(seq);
  }

  get total(): number {
    return this.newest - this.#oldest + 1 - this.#removed.size;
  }

  get unread(): number {
    let unread = 0;
    for (let seq = this.newest; seq > this.#initialCount - initiallyUnread; seq -= 1)
      if (this.has(seq) && !this.#isRead(seq)) unread += 1;
    for (const [seq, read] of this.#read)
      if (!read && seq <= this.#initialCount - initiallyUnread && this.has(seq)) unread += 1;
    return unread;
  }

  page({ before, after, limit, filter }: PageQuery): Page {
    const matches = this.#matcher(filter);
    const found: number[] = [];
    if (after !== null) {
      let seq = Math.max(after, this.#oldest - 1) + 1;
      for (; seq <= this.newest && found.length < limit; seq += 1) if (matches(seq)) found.unshift(seq);
    } else {
      let seq = Math.min(before ?? Infinity, this.newest + 1) - 1;
      for (; seq >= this.#oldest && found.length < limit; seq -= 1) if (matches(seq)) found.push(seq);
    }
    const [first = before ?? 0, last = after ?? 0] = [found[0], found.at(-1)];
    return {
      rows: found.map((seq) => this.#row(seq, filter.text)),
      next: this.#any(last - 1, -1, matches) ? last : null,
      hasNewer: found.length > 0 ? this.#any(first + 1, 1, matches) : after === null && this.#any(first, 1, matches),
      matching: isEverything(filter) ? this.total : this.seqs(filter, Infinity).length,
      isExact: true,
      unread: this.unread,
    };
  }

  seqs(filter: Filter, limit: number): number[] {
    const matches = this.#matcher(filter);
    const found: number[] = [];
    for (let seq = this.newest; seq >= this.#oldest && found.length < limit; seq -= 1)
      if (matches(seq)) found.push(seq);
    return found;
  }

  kinds(): Kind[] {
    const counts = new Map<string, number>();
    this.#samples.forEach((sample, index) => {
      let count = 0;
      for (let seq = this.newest; seq >= this.#oldest; seq -= 1)
        if (this.#index(seq) === index && this.has(seq)) count += 1;
      counts.set(oneLine(sample.kind), (counts.get(oneLine(sample.kind)) ?? 0) + count);
    });
    return [...counts]
      .filter(([kind, count]) => kind !== '' && count > 0)
      .map(([kind, count]) => ({ kind, name: kind, count }))
      .sort((a, b) => b.count - a.count);
  }

  detail(seq: number, text: string): Detail | null {
    if (!this.has(seq)) return null;
    const notice = this.#notice(seq);
    const title = oneLine(notice.title);
    const sender = oneLine(notice.sender);
    const marks = {
      title: matchRanges(title, text),
      sender: matchRanges(sender, text),
      body: matchRanges(notice.body, text),
      fields: notice.fields.map(({ value }) => matchRanges(value, text)),
    };
    const kind = oneLine(notice.kind);
    return { ...notice, title, sender, kind, kindName: kind, ...(text.trim() ? { marks } : {}) };
  }

  /** Whether a notice matches from `from` on in the direction of `step`. */
  #any(from: number, step: 1 | -1, matches: (seq: number) => boolean): boolean {
    for (let seq = from; seq >= this.#oldest && seq <= this.newest; seq += step) if (matches(seq)) return true;
    return false;
  }

  #index(seq: number): number {
    return ((seq % this.#samples.length) + this.#samples.length) % this.#samples.length;
  }

  #sample(seq: number): Sample {
    return this.#samples[this.#index(seq)] ?? this.#samples[0];
  }

  #isRead(seq: number): boolean {
    return this.#read.get(seq) ?? seq <= this.#initialCount - initiallyUnread;
  }

  #matcher(filter: Filter): (seq: number) => boolean {
    const words = searchWords(filter.text);
    const fits = this.#samples.map((sample) => {
      const haystack = [
        sample.title,
        sample.body,
        sample.sender,
        ...(sample.fields ?? defaultFields).map((field) => field.value),
      ]
        .join('\n')
        .toLowerCase();
      return (
        words.every((word) => haystack.includes(word)) && (filter.kind === null || oneLine(sample.kind) === filter.kind)
      );
    });
    return (seq) =>
      fits[this.#index(seq)] === true &&
      this.has(seq) &&
      (!filter.unread || !this.#isRead(seq)) &&
      (!filter.needsAction || needsAction(this.#notice(seq)));
  }

  #notice(seq: number): Detail {
    const added = this.#added.get(seq);
    const time = new Date(
      added ?? this.#startedAt - this.#ageInMinutes(this.#initialCount - seq + 1) * minuteMs,
    ).toISOString();
    const { actions = [], ...sample } = this.#sample(seq);
    const notice: Detail = {
      priority: 'normal',
      state: 'open',
      link: '',
      fields: defaultFields,
      alert: { mark: 'shown' },
      actions: actions.map((action) => ({ ...action, key: `${action.id}: ${sample.title}, ${sample.body}` })),
      id: `8f3a-${seq}`,
      scope: '',
      version: null,
      destination: '/user/queue/notices',
      source: seq < 1 ? 'history' : seq % 9 ? 'live' : 'collected',
      actionResult: null,
      serverDeletion: null,
      kindName: '',
      ...sample,
      seq,
      read: this.#isRead(seq),
      sentAt: time,
      receivedAt: time,
      ...this.#changed.get(seq),
    };
    return notice.state === 'open' ? notice : { ...notice, actions: [] };
  }

  #row(seq: number, text: string): Row {
    const notice = this.#notice(seq);
    const [title, sender] = [oneLine(notice.title), oneLine(notice.sender)];
    const row = {
      seq,
      title,
      sender,
      kind: oneLine(notice.kind),
      at: notice.sentAt ?? notice.receivedAt,
      read: notice.read,
      state: notice.state,
      priority: notice.priority,
      needsAction: needsAction(notice),
      preview: oneLine(notice.body),
    };
    if (!text.trim()) return row;
    const field = notice.fields.find(({ value }) => matchRanges(value, text).length > 0);
    const from = (matchRanges(notice.body, text)[0]?.[0] ?? 0) - 30;
    let preview = from > 0 ? `…${oneLine(notice.body.slice(from, from + maxLineLength))}` : row.preview;
    if (field && matchRanges(title + sender + notice.body, text).length === 0)
      preview = oneLine(`${field.name}: ${field.value}`);
    return {
      ...row,
      preview,
      marks: {
        title: matchRanges(title, text),
        sender: matchRanges(sender, text),
        preview: matchRanges(preview, text),
      },
    };
  }
}

const defaultFields = [
  { name: 'costCentre', value: '4200' },
  { name: 'region', value: 'EMEA' },
];

const needsAction = (notice: Detail) => notice.state === 'open' && notice.actions.length > 0;

const isEverything = ({ text, unread, needsAction, kind }: Filter) =>
  text.trim() === '' && !unread && !needsAction && kind === null;

const searchWords = (text: string) => text.toLowerCase().split(/\s+/).filter(Boolean);

function matchRanges(text: string, query: string): Ranges {
  const haystack = text.toLowerCase();
  const all: Ranges = [];
  for (const word of searchWords(query)) {
    for (let at = haystack.indexOf(word); at >= 0 && all.length < 1000; at = haystack.indexOf(word, at + word.length))
      all.push([at, at + word.length]);
  }
  all.sort((a, b) => a[0] - b[0]);
  return all.filter(([from], index) => index === 0 || from >= (all[index - 1]?.[1] ?? 0));
}

/** As the app sends it: one short oneLine without control and bidirectional characters. */
function oneLine(text: string): string {
  return text
    .slice(0, maxLineLength)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '')
    .trim();
}
