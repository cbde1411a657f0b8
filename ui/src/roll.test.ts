import { expect, test } from 'vitest';

import { type Ask, type Backend, everything } from './backend/backend';
import { fake } from './backend/fake';
import { Roll } from './roll.svelte';
import { rowAt, topOf } from './sheet';

const rolled = async (backend: Backend) => {
  const roll = new Roll(backend);
  roll.resize({ row: 60, heading: 28, foot: 0 });
  await roll.refresh();
  return roll;
};

const seqs = (roll: Roll) => roll.sheet.rows.map((row) => row.seq);

/** What is at the upper edge of the view, and how far it sticks out above it. */
function seen(roll: Roll): [seq: number | undefined, above: number] {
  const place = rowAt(roll.sheet, roll.top);
  return [roll.sheet.rows[place]?.seq, roll.top - (roll.sheet.tops[place] ?? 0)];
}

function isWithoutGap(roll: Roll): boolean {
  return seqs(roll).every((seq, index, all) => index === 0 || seq === (all[index - 1] ?? 0) - 1);
}

test('the first reading shows the newest notices and knows how many there are', async () => {
  const roll = await rolled(fake({ scene: 'many' }));
  expect(roll.phase).toBe('ready');
  expect(seqs(roll).slice(0, 2)).toEqual([20_000, 19_999]);
  expect(roll.sheet).toMatchObject({ index: 0, total: 20_000, hasNewer: false, hasOlder: true });
  expect(roll.unread).toBe(7);
});

test('rolling down and up again meets every notice once, keeps few in memory, and ends where it began', async () => {
  const roll = await rolled(fake({ scene: 'many' }));
  const met = new Set<number>();
  for (let step = 0; step < 400; step += 1) {
    if (step > 0) roll.scrollTo(roll.top + 500);
    await roll.fill();
    expect(isWithoutGap(roll)).toBe(true);
    expect(roll.sheet.rows.length).toBeLessThanOrEqual(500);
    const [seq] = seen(roll);
    if (seq !== undefined) for (let at = seq; at > seq - 12; at -= 1) met.add(at);
  }
  expect(met.size).toBeGreaterThan(3000);
  expect(Math.min(...met)).toBe(20_001 - met.size);
  while (roll.top > 0) {
    roll.scrollTo(roll.top - 700);
    await roll.fill();
  }
  expect(seen(roll)).toEqual([20_000, 0]);
  expect(roll.sheet.top).toBe(0);
});

test('what arrives above moves nothing that is looked at', async () => {
  const backend = fake({ scene: 'many' });
  const roll = await rolled(backend);
  roll.scrollTo(3210);
  await roll.fill();
  const before = seen(roll);
  await backend.testNotice();
  await roll.refresh();
  expect(seen(roll)).toEqual(before);
  expect(seqs(roll)[0]).toBe(20_001);
});

test('at the very top the newest comes into view', async () => {
  const backend = fake({ scene: 'many' });
  const roll = await rolled(backend);
  await backend.testNotice();
  await roll.refresh();
  expect(seen(roll)).toEqual([20_001, 0]);
});

test('what is deleted above moves nothing that is looked at', async () => {
  const backend = fake({ scene: 'many' });
  const roll = await rolled(backend);
  roll.scrollTo(60_000);
  await roll.fill();
  const before = seen(roll);
  await backend.remove([before[0] ?? 0].map((seq) => seq + 3));
  await roll.refresh();
  expect(seen(roll)).toEqual(before);
});

test('a jump in a million lands near where the thumb is, and both ends are exact', async () => {
  const roll = await rolled(fake({ scene: 'million' }));
  roll.scrollTo(roll.sheet.height / 2);
  await roll.fill();
  expect(seen(roll)[0]).toBeGreaterThan(490_000);
  expect(seen(roll)[0]).toBeLessThan(510_000);
  expect(isWithoutGap(roll)).toBe(true);
  roll.scrollTo(roll.sheet.height);
  await roll.fill();
  expect(seqs(roll).at(-1)).toBe(1);
  expect(roll.sheet.bottom).toBe(roll.sheet.height);
  roll.scrollTo(0);
  await roll.fill();
  expect(seen(roll)).toEqual([1_000_000, 0]);
});

test('the neighbour of a notice is found wherever the view is', async () => {
  const roll = await rolled(fake({ scene: 'million' }));
  roll.scrollTo(roll.sheet.height / 3);
  await roll.fill();
  expect((await roll.neighbour(999_999, 1))?.seq).toBe(999_998);
  expect((await roll.neighbour(500_000, -1))?.seq).toBe(500_001);
  expect((await roll.neighbour(500_000, 10))?.seq).toBe(499_990);
  expect((await roll.neighbour(7, Infinity))?.seq).toBe(1);
  expect((await roll.neighbour(7, -Infinity))?.seq).toBe(1_000_000);
  expect((await roll.neighbour(1_000_000, -1))?.seq).toBe(1_000_000);
});

test('the neighbours of a notice that no longer matches are those of its place', async () => {
  const roll = await rolled(fake({ scene: 'many' }));
  await roll.show({ ...everything, kind: 'payment' });
  const [first = 0, second = 0] = seqs(roll);
  expect((await roll.neighbour(first - 1, 1))?.seq).toBe(second);
  expect((await roll.neighbour(second + 1, -1))?.seq).toBe(first);
});

test('a notice is brought into view from anywhere', async () => {
  const roll = await rolled(fake({ scene: 'million' }));
  await roll.reveal(123_456);
  const top = topOf(roll.sheet, 123_456);
  expect(top).not.toBeNull();
  expect(top).toBeGreaterThanOrEqual(roll.top);
  expect(top).toBeLessThan(roll.top + roll.view);
  expect(roll.sheet.index).toBeGreaterThan(850_000);
});

test('the answer to an earlier filter is dropped', async () => {
  const backend = fake({ scene: 'many' });
  const held: (() => void)[] = [];
  const page = async (ask: Ask) => {
    if (ask.filter.text === 'slow') await new Promise<void>((resolve) => held.push(resolve));
    return backend.page(ask);
  };
  const roll = await rolled({ ...backend, page });
  const slow = roll.show({ ...everything, text: 'slow' });
  const fast = roll.show({ ...everything, text: 'invoice' });
  held[0]?.();
  await Promise.all([slow, fast]);
  await roll.fill();
  expect(roll.filter.text).toBe('invoice');
  expect(roll.sheet.total).toBe(2500);
});

test('a number that was only estimated becomes exact at the ends', async () => {
  const backend = fake({ scene: 'live' });
  const page = async (ask: Ask) => ({ ...(await backend.page(ask)), matching: 90, isExact: false });
  const roll = await rolled({ ...backend, page });
  expect(roll.isEstimate).toBe(true);
  for (let step = 0; step < 20; step += 1) {
    roll.scrollTo(roll.top + 500);
    await roll.fill();
  }
  expect(seqs(roll).at(-1)).toBe(1);
  expect(roll.sheet).toMatchObject({ index: 0, total: 60, hasOlder: false });
});
