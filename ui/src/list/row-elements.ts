// Which element shows which row. An element whose row has left the view shows one that has come into it: to change its
// text costs a third of making another, which a burst of notices or a jump would do for every row. Pure: no DOM.

/** The number of its element for each row in view (by key), in the order of the rows. */
export type RowElements = ReadonlyMap<number, number>;

/** Rows that stay keep their elements; the others get those that are free, from the top, and then more. */
export function assignElements(seqs: readonly number[], before: RowElements): RowElements {
  const staying = new Set(seqs.filter((seq) => before.has(seq)));
  const free = [...before].filter(([seq]) => !staying.has(seq)).map(([, element]) => element);
  let highest = Math.max(-1, ...before.values());
  return new Map(seqs.map((seq) => [seq, before.get(seq) ?? free.shift() ?? (highest += 1)]));
}
