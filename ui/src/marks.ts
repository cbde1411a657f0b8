// A text cut at the places where something was found. The places come from Rust and are not trusted to fit the text.

import type { Ranges } from './backend/backend';

export interface Piece {
  text: string;
  isHit: boolean;
}

/** The pieces of `text` from `start` on, `ranges` being places in the whole of which `text` is a part. */
export function pieces(text: string, ranges: Ranges | undefined, start = 0): Piece[] {
  const all: Piece[] = [];
  let at = 0;
  const put = (to: number, isHit: boolean) => {
    if (to > at) all.push({ text: text.slice(at, to), isHit });
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
