// Cuts a text into the segments that a search matched and those between. The ranges come from Rust and may not fit.

import type { Ranges } from '../backend/backend';

export interface Segment {
  text: string;
  isMatch: boolean;
}

/** The segments of `text`; `ranges` count from `start` characters before it. */
export function segments(text: string, ranges: Ranges | undefined, start = 0): Segment[] {
  const all: Segment[] = [];
  let at = 0;
  const put = (to: number, isMatch: boolean) => {
    if (to > at) all.push({ text: text.slice(at, to), isMatch });
    at = Math.max(at, to);
  };
  for (const [from, to] of ranges ?? []) {
    const [first, last] = [Math.max(from - start, at), Math.min(to - start, text.length)];
    if (last <= first) continue;
    put(first, false);
    put(last, true);
  }
  put(text.length, false);
  return all;
}
