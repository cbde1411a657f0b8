import { expect, test, vi } from 'vitest';

import type { Backend, Detail } from './backend/backend';
import { fake } from './backend/fake';
import { Inbox } from './inbox.svelte';

/** An inbox that hears of changes, as in the window. */
async function opened(backend: Backend): Promise<Inbox> {
  const inbox = new Inbox(backend);
  await backend.listen((update) => {
    if (update.type === 'inbox') void inbox.refresh();
  });
  await inbox.refresh();
  return inbox;
}

const seqs = (inbox: Inbox) => inbox.roll.sheet.rows.map((row) => row.seq);

test('a burst of updates costs two readings at most', async () => {
  const backend = fake();
  const page = vi.fn(backend.page);
  const inbox = new Inbox({ ...backend, page });
  await Promise.all(Array.from({ length: 50 }, () => inbox.refresh()));
  expect(page.mock.calls.length).toBeLessThanOrEqual(2);
});

test('an update during a reading is not lost', async () => {
  const backend = fake();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const page: Backend['page'] = async (ask) => {
    const answer = await backend.page(ask);
    await held;
    return answer;
  };
  const inbox = new Inbox({ ...backend, page });
  const reading = inbox.refresh();
  await backend.remove([60]);
  void inbox.refresh();
  release();
  await reading;
  expect(seqs(inbox)[0]).toBe(59);
});

test('a notice opened on purpose is marked read, one passed over is not at once', async () => {
  const backend = fake();
  const inbox = await opened(backend);
  await inbox.select(60, { opened: true });
  await inbox.move(1);
  expect(inbox.selected).toBe(59);
  expect((await backend.notice(60, ''))?.read).toBe(true);
  expect((await backend.notice(59, ''))?.read).toBe(false);
});

test('a notice that stays on the screen becomes read', async () => {
  const backend = fake();
  const inbox = await opened(backend);
  vi.useFakeTimers();
  await inbox.select(60);
  await vi.advanceTimersByTimeAsync(2000);
  vi.useRealTimers();
  expect((await backend.notice(60, ''))?.read).toBe(true);
});

test('a detail that comes too late does not replace the one selected since', async () => {
  const backend = fake();
  const late: ((detail: Detail | null) => void)[] = [];
  const notice = vi.fn((seq: number) =>
    seq === 60 ? new Promise<Detail | null>((resolve) => late.push(resolve)) : backend.notice(seq, ''),
  );
  const inbox = new Inbox({ ...backend, notice });
  await inbox.refresh();
  const first = inbox.select(60);
  await inbox.select(59);
  late[0]?.(await backend.notice(60, ''));
  await first;
  expect(inbox.detail?.seq).toBe(59);
});

test('among the unread, the one that is being read stays until another is selected', async () => {
  const inbox = await opened(fake());
  await inbox.show({ unread: true });
  expect(seqs(inbox)).toEqual([60, 59, 58, 57, 56, 55, 54]);
  await inbox.select(58, { opened: true });
  await inbox.refresh();
  expect(seqs(inbox)).toContain(58);
  expect(inbox.roll.sheet.rows.find((row) => row.seq === 58)?.read).toBe(true);
  await inbox.move(1);
  await inbox.refresh();
  expect(inbox.selected).toBe(57);
  expect(seqs(inbox)).not.toContain(58);
});

test('deleting selects what comes after it, and undo brings it back', async () => {
  const inbox = await opened(fake());
  await inbox.select(58);
  await inbox.remove();
  await inbox.refresh();
  expect(inbox.selected).toBe(57);
  expect(seqs(inbox)).not.toContain(58);
  expect(inbox.done).toMatchObject({ what: 'removed', count: 1 });
  await inbox.undo();
  await inbox.refresh();
  expect(seqs(inbox)).toContain(58);
  expect(inbox.done).toEqual({ what: 'restored', count: 1 });
});

test('deleting many goes on with the first one that is left', async () => {
  const inbox = await opened(fake());
  await inbox.select(60);
  await inbox.move(1, { picks: true });
  await inbox.move(1, { picks: true });
  expect([...inbox.picked].sort()).toEqual([58, 59, 60]);
  await inbox.remove();
  expect(inbox.selected).toBe(57);
  expect(inbox.picked.size).toBe(0);
  expect(inbox.done?.count).toBe(3);
});

test('a range is picked from the last one to this one', async () => {
  const inbox = await opened(fake());
  inbox.pick(50);
  inbox.pickTo(47);
  expect([...inbox.picked].sort()).toEqual([47, 48, 49, 50]);
  inbox.pick(48);
  expect(inbox.picked.has(48)).toBe(false);
});

test('all are picked by what the filter shows, also what was never read', async () => {
  const inbox = await opened(fake({ scene: 'many' }));
  await inbox.show({ kind: 'payment' });
  await inbox.pickAll();
  expect(inbox.picked.size).toBe(2500);
});

test('marking all spares what arrives meanwhile', async () => {
  const backend = fake();
  const inbox = await opened(backend);
  const through = inbox.roll.newest;
  await backend.testNotice();
  await backend.setAllRead(inbox.filter, through);
  await inbox.refresh();
  expect(inbox.roll.unread).toBe(1);
});

test('what is found is marked, in the list and in the text', async () => {
  const inbox = await opened(fake({ language: 'zh-CN' }));
  await inbox.show({ text: '审批' });
  const row = inbox.roll.sheet.rows[0];
  expect(row?.title.slice(...(row.marks?.title[0] ?? []))).toBe('审批');
  await inbox.select(row?.seq ?? 0);
  expect(inbox.detail?.marks?.title).toHaveLength(1);
  await inbox.showAll();
  expect(inbox.roll.sheet.rows[0]?.marks).toBeUndefined();
});

test('older history comes in below, until the server has no more', async () => {
  const inbox = await opened(fake());
  for (let round = 0; round < 3; round += 1) await inbox.loadOlder();
  expect(inbox.roll.sheet.total).toBe(120);
  expect(inbox.hasAllHistory).toBe(true);
  expect(seqs(inbox)[0]).toBe(60);
});

test('a notice that went away elsewhere is said to be gone', async () => {
  const backend = fake();
  const inbox = await opened(backend);
  await inbox.select(60);
  await backend.remove([60]);
  await inbox.refresh();
  expect(inbox.isGone).toBe(true);
  expect(inbox.detail).toBeNull();
});

test('a store that cannot be read is said, and reading again recovers', async () => {
  const good = fake();
  let page = fake({ scene: 'broken' }).page;
  const inbox = new Inbox({ ...good, page: (ask) => page(ask) });
  await inbox.refresh();
  expect(inbox.roll.phase).toBe('failed');
  expect(inbox.roll.failure).toContain('damaged');
  page = good.page;
  await inbox.refresh();
  expect(inbox.roll.phase).toBe('ready');
});

test('what was asked for and failed is said, with its code', async () => {
  const inbox = await opened(fake({ scene: 'hostile' }));
  await inbox.select(5);
  await inbox.openLink();
  expect(inbox.problem?.code).toBe('link-refused');
});
