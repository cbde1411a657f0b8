import { expect, test } from 'vitest';

import { type Backend, everything, type PageQuery } from '../backend/backend';
import { fake } from '../backend/fake';
import { rowIndexAt, rowTop } from './layout';
import { VirtualList } from './virtual-list.svelte';

/** A virtual list with its first page. */
const loaded = async (backend: Backend) => {
  const virtualList = new VirtualList(backend);
  virtualList.resize({ row: 60, heading: 28, footer: 0 });
  await virtualList.refresh();
  return virtualList;
};

const seqs = (virtualList: VirtualList) => virtualList.layout.rows.map((row) => row.seq);

/** The row at the upper edge of the view, and how many of its pixels are above the edge. */
function firstVisible(virtualList: VirtualList): [seq: number | undefined, above: number] {
  const index = rowIndexAt(virtualList.layout, virtualList.top);
  return [virtualList.layout.rows[index]?.seq, virtualList.top - (virtualList.layout.tops[index] ?? 0)];
}

function hasNoGap(virtualList: VirtualList): boolean {
  return seqs(virtualList).every((seq, index, all) => index === 0 || seq === (all[index - 1] ?? 0) - 1);
}

test('the first page shows the newest notices and how many there are', async () => {
  const virtualList = await loaded(fake({ scene: 'many' }));
  expect(virtualList.phase).toBe('ready');
  expect(seqs(virtualList).slice(0, 2)).toEqual([20_000, 19_999]);
  expect(virtualList.layout).toMatchObject({ index: 0, total: 20_000, hasNewer: false, hasOlder: true });
  expect(virtualList.unread).toBe(7);
});

test('scrolling down and up again shows every notice, keeps few loaded, and ends where it began', async () => {
  const virtualList = await loaded(fake({ scene: 'many' }));
  const shown = new Set<number>();
  for (let step = 0; step < 400; step += 1) {
    if (step > 0) virtualList.scrollTo(virtualList.top + 500);
    await virtualList.loadVisible();
    expect(hasNoGap(virtualList)).toBe(true);
    expect(virtualList.layout.rows.length).toBeLessThanOrEqual(500);
    const [seq] = firstVisible(virtualList);
    if (seq !== undefined) for (let at = seq; at > seq - 12; at -= 1) shown.add(at);
  }
  expect(shown.size).toBeGreaterThan(3000);
  expect(Math.min(...shown)).toBe(20_001 - shown.size);
  while (virtualList.top > 0) {
    virtualList.scrollTo(virtualList.top - 700);
    await virtualList.loadVisible();
  }
  expect(firstVisible(virtualList)).toEqual([20_000, 0]);
  expect(virtualList.layout.top).toBe(0);
});

test('notices that arrive above do not move the rows in view', async () => {
  const backend = fake({ scene: 'many' });
  const virtualList = await loaded(backend);
  virtualList.scrollTo(3210);
  await virtualList.loadVisible();
  const before = firstVisible(virtualList);
  await backend.testNotice();
  await virtualList.refresh();
  expect(firstVisible(virtualList)).toEqual(before);
  expect(seqs(virtualList)[0]).toBe(20_001);
});

test('at the very top the newest notice comes into view', async () => {
  const backend = fake({ scene: 'many' });
  const virtualList = await loaded(backend);
  await backend.testNotice();
  await virtualList.refresh();
  expect(firstVisible(virtualList)).toEqual([20_001, 0]);
});

test('a deletion above does not move the rows in view', async () => {
  const backend = fake({ scene: 'many' });
  const virtualList = await loaded(backend);
  virtualList.scrollTo(60_000);
  await virtualList.loadVisible();
  const before = firstVisible(virtualList);
  await backend.remove([before[0] ?? 0].map((seq) => seq + 3));
  await virtualList.refresh();
  expect(firstVisible(virtualList)).toEqual(before);
});

test('a jump among a million notices ends near the thumb, and both ends are exact', async () => {
  const virtualList = await loaded(fake({ scene: 'million' }));
  virtualList.scrollTo(virtualList.layout.height / 2);
  await virtualList.loadVisible();
  expect(firstVisible(virtualList)[0]).toBeGreaterThan(490_000);
  expect(firstVisible(virtualList)[0]).toBeLessThan(510_000);
  expect(hasNoGap(virtualList)).toBe(true);
  virtualList.scrollTo(virtualList.layout.height);
  await virtualList.loadVisible();
  expect(seqs(virtualList).at(-1)).toBe(1);
  expect(virtualList.layout.bottom).toBe(virtualList.layout.height);
  virtualList.scrollTo(0);
  await virtualList.loadVisible();
  expect(firstVisible(virtualList)).toEqual([1_000_000, 0]);
});

test('the neighbour of a notice is found wherever the view is', async () => {
  const virtualList = await loaded(fake({ scene: 'million' }));
  virtualList.scrollTo(virtualList.layout.height / 3);
  await virtualList.loadVisible();
  expect((await virtualList.neighbour(999_999, 1))?.seq).toBe(999_998);
  expect((await virtualList.neighbour(500_000, -1))?.seq).toBe(500_001);
  expect((await virtualList.neighbour(500_000, 10))?.seq).toBe(499_990);
  expect((await virtualList.neighbour(7, Infinity))?.seq).toBe(1);
  expect((await virtualList.neighbour(7, -Infinity))?.seq).toBe(1_000_000);
  expect((await virtualList.neighbour(1_000_000, -1))?.seq).toBe(1_000_000);
});

test('the neighbours of a notice that no longer matches are those of its position', async () => {
  const virtualList = await loaded(fake({ scene: 'many' }));
  await virtualList.setFilter({ ...everything, kind: 'payment' });
  const [first = 0, second = 0] = seqs(virtualList);
  expect((await virtualList.neighbour(first - 1, 1))?.seq).toBe(second);
  expect((await virtualList.neighbour(second + 1, -1))?.seq).toBe(first);
});

test('any notice can be scrolled into view', async () => {
  const virtualList = await loaded(fake({ scene: 'million' }));
  await virtualList.reveal(123_456);
  const top = rowTop(virtualList.layout, 123_456);
  expect(top).not.toBeNull();
  expect(top).toBeGreaterThanOrEqual(virtualList.top);
  expect(top).toBeLessThan(virtualList.top + virtualList.viewHeight);
  expect(virtualList.layout.index).toBeGreaterThan(850_000);
});

test('an answer for an earlier filter is dropped', async () => {
  const backend = fake({ scene: 'many' });
  const held: (() => void)[] = [];
  const page = async (query: PageQuery) => {
    if (query.filter.text === 'slow') await new Promise<void>((resolve) => held.push(resolve));
    return backend.page(query);
  };
  const virtualList = await loaded({ ...backend, page });
  const slow = virtualList.setFilter({ ...everything, text: 'slow' });
  const fast = virtualList.setFilter({ ...everything, text: 'invoice' });
  held[0]?.();
  await Promise.all([slow, fast]);
  await virtualList.loadVisible();
  expect(virtualList.filter.text).toBe('invoice');
  expect(virtualList.layout.total).toBe(2500);
});

test('an estimated number becomes exact at the end of the list', async () => {
  const backend = fake({ scene: 'live' });
  const page = async (query: PageQuery) => ({ ...(await backend.page(query)), matching: 90, isExact: false });
  const virtualList = await loaded({ ...backend, page });
  expect(virtualList.isEstimate).toBe(true);
  for (let step = 0; step < 20; step += 1) {
    virtualList.scrollTo(virtualList.top + 500);
    await virtualList.loadVisible();
  }
  expect(seqs(virtualList).at(-1)).toBe(1);
  expect(virtualList.layout).toMatchObject({ index: 0, total: 60, hasOlder: false });
});

test('the rows stay until those of another filter are there, which begin at the top', async () => {
  const backend = fake({ scene: 'many' });
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  const page = async (query: PageQuery) => {
    if (query.filter.text !== '') await held;
    return backend.page(query);
  };
  const virtualList = await loaded({ ...backend, page });
  virtualList.scrollTo(1234);
  await virtualList.loadVisible();
  const before = seqs(virtualList);
  const filtered = virtualList.setFilter({ ...everything, text: 'invoice' });
  expect(seqs(virtualList)).toEqual(before);
  expect(virtualList.isOutdated).toBe(true);
  answer();
  await filtered;
  expect(virtualList.isOutdated).toBe(false);
  expect(virtualList.top).toBe(0);
  expect(virtualList.layout).toMatchObject({ index: 0, total: 2500, top: 0 });
  expect(seqs(virtualList)).not.toEqual(before);
});
