import { expect, test, vi } from 'vitest';

import type { Ask, Backend, Detail } from './backend/backend';
import { fake } from './backend/fake';
import { Inbox } from './inbox.svelte';

/** A fake back end that counts what is asked of it. */
function watched(backend: Backend) {
  return { ...backend, page: vi.fn(backend.page), notice: vi.fn(backend.notice) };
}

const seqs = (inbox: Inbox) => inbox.rows.map((row) => row.seq);

test('the first reading shows the newest page and the unread count', async () => {
  const inbox = new Inbox(fake({ scene: 'many' }));
  expect(inbox.phase).toBe('loading');
  await inbox.refresh();
  expect(inbox.phase).toBe('ready');
  expect(seqs(inbox).slice(0, 3)).toEqual([20_000, 19_999, 19_998]);
  expect(inbox.rows).toHaveLength(100);
  expect(inbox.unread).toBe(7);
});

test('older pages follow without a gap or a double, to the end', async () => {
  const inbox = new Inbox(fake({ scene: 'live' }));
  await inbox.refresh();
  for (let page = 0; page < 3; page += 1) await inbox.more();
  expect(seqs(inbox)).toEqual(Array.from({ length: 60 }, (_, index) => 60 - index));
});

test('reading again keeps as many rows as were shown', async () => {
  const backend = watched(fake({ scene: 'many' }));
  const inbox = new Inbox(backend);
  await inbox.refresh();
  await inbox.more();
  await inbox.more();
  await inbox.refresh();
  expect(inbox.rows).toHaveLength(300);
  await inbox.more();
  expect(seqs(inbox).at(-1)).toBe(20_000 - 399);
});

test('a burst of updates costs two readings at most', async () => {
  const backend = watched(fake());
  const inbox = new Inbox(backend);
  await Promise.all(Array.from({ length: 50 }, () => inbox.refresh()));
  expect(backend.page.mock.calls.length).toBeLessThanOrEqual(2);
});

test('an update during a reading is not lost', async () => {
  const backend = fake();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow = vi.fn(async (ask: Ask) => {
    const page = await backend.page(ask);
    await held;
    return page;
  });
  const inbox = new Inbox({ ...backend, page: slow });
  const reading = inbox.refresh();
  await backend.remove([60]);
  void inbox.refresh();
  release();
  await reading;
  expect(seqs(inbox)[0]).toBe(59);
});

test('a notice opened on purpose is marked read, one passed over is not at once', async () => {
  const backend = fake();
  const inbox = new Inbox(backend);
  await inbox.refresh();
  await inbox.select(60, { opened: true });
  await inbox.move(1);
  expect(inbox.selected).toBe(59);
  expect((await backend.notice(60, ''))?.read).toBe(true);
  expect((await backend.notice(59, ''))?.read).toBe(false);
});

test('a notice that stays on the screen becomes read', async () => {
  vi.useFakeTimers();
  const backend = fake();
  const inbox = new Inbox(backend);
  await inbox.refresh();
  await inbox.select(60);
  await vi.advanceTimersByTimeAsync(2000);
  vi.useRealTimers();
  expect((await backend.notice(60, ''))?.read).toBe(true);
});

test('a detail that comes too late does not replace the one selected since', async () => {
  const backend = fake();
  const late: ((detail: Detail | null) => void)[] = [];
  const notice = vi.fn((seq: number) => (seq === 60 ? new Promise<Detail | null>((resolve) => late.push(resolve)) : backend.notice(seq, '')));
  const inbox = new Inbox({ ...backend, notice });
  await inbox.refresh();
  const first = inbox.select(60);
  await inbox.select(59);
  late[0]?.(await backend.notice(60, ''));
  await first;
  expect(inbox.detail?.seq).toBe(59);
});

test('deleting selects the neighbour below', async () => {
  const inbox = new Inbox(fake());
  await inbox.refresh();
  await inbox.select(58);
  await inbox.remove();
  expect(inbox.selected).toBe(57);
  await inbox.refresh();
  expect(seqs(inbox)).not.toContain(58);
});

test('a notice that went away elsewhere is said to be gone', async () => {
  const backend = fake();
  const inbox = new Inbox(backend);
  await inbox.refresh();
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
  expect(inbox.phase).toBe('failed');
  expect(inbox.failure).toContain('damaged');
  page = good.page;
  await inbox.refresh();
  expect(inbox.phase).toBe('ready');
});

test('what was asked for and failed is said', async () => {
  const inbox = new Inbox(fake());
  await inbox.refresh();
  await inbox.select(60);
  await inbox.openLink();
  expect(inbox.problem).toContain('allowed_link_hosts');
});
