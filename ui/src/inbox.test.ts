import { expect, test, vi } from 'vitest';

import { type Backend, type Detail, everything } from './backend/backend';
import { fake } from './backend/fake';
import { Inbox } from './inbox.svelte';

/** An inbox that follows the updates of its back end, as in the window. */
async function connected(backend: Backend): Promise<Inbox> {
  const inbox = new Inbox(backend);
  await backend.listen((update) => {
    if (update.type === 'inbox') void inbox.refresh();
  });
  await inbox.refresh();
  return inbox;
}

const seqs = (inbox: Inbox) => inbox.virtualList.layout.rows.map((row) => row.seq);

test('a burst of updates reads at most two pages', async () => {
  const backend = fake();
  const page = vi.fn(backend.page);
  const inbox = new Inbox({ ...backend, page });
  await Promise.all(Array.from({ length: 50 }, () => inbox.refresh()));
  expect(page.mock.calls.length).toBeLessThanOrEqual(2);
});

test('an update during a read is not lost', async () => {
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

test('a notice opened on purpose is read at once, one that was moved to is not', async () => {
  const backend = fake();
  const inbox = await connected(backend);
  await inbox.setCurrent(60, { opened: true });
  await inbox.move(1);
  expect(inbox.current).toBe(59);
  expect((await backend.notice(60, ''))?.read).toBe(true);
  expect((await backend.notice(59, ''))?.read).toBe(false);
});

test('a notice opened for one of its buttons asks to confirm it, and no other notice does', async () => {
  const backend = fake();
  const inbox = await connected(backend);
  const { rows } = inbox.virtualList.layout;
  const offered = rows.find((row) => row.needsAction)?.seq ?? 0;
  await inbox.open(offered, 'approve');
  expect(inbox.actionToConfirm?.id).toBe('approve');
  await inbox.move(1);
  expect(inbox.actionToConfirm).toBeNull();
  await inbox.open(offered, 'no such button');
  expect(inbox.actionToConfirm).toBeNull();
});

test('a question does not take the place of another one under the pointer', async () => {
  const backend = fake();
  const inbox = await connected(backend);
  const offered = inbox.virtualList.layout.rows.find((row) => row.needsAction)?.seq ?? 0;
  await inbox.open(offered, 'approve');
  expect(inbox.actionToConfirm?.id).toBe('approve');
  await inbox.open(offered, 'reject');
  expect(inbox.actionToConfirm).toBeNull();
  await inbox.open(offered, 'reject');
  expect(inbox.actionToConfirm?.id).toBe('reject');
});

test('a question goes once its notice says something else', async () => {
  const backend = fake();
  const inbox = await connected(backend);
  await inbox.open(inbox.virtualList.layout.rows.find((row) => row.needsAction)?.seq ?? 0, 'approve');
  await inbox.refresh();
  expect(inbox.actionToConfirm?.id).toBe('approve');
  const { notice } = backend;
  backend.notice = async (seq, text) => {
    const detail = await notice(seq, text);
    const actions = detail?.actions.map((action) => ({ ...action, key: 'of another text' })) ?? [];
    return detail && { ...detail, body: '99,999 EUR', actions };
  };
  await inbox.refresh();
  expect([inbox.actionToConfirm, inbox.error?.code]).toEqual([null, 'changed']);
});

test('a notice that stays on the screen becomes read', async () => {
  const backend = fake();
  const inbox = await connected(backend);
  vi.useFakeTimers();
  await inbox.setCurrent(60);
  await vi.advanceTimersByTimeAsync(2000);
  vi.useRealTimers();
  expect((await backend.notice(60, ''))?.read).toBe(true);
});

test('a late detail does not replace the notice opened since', async () => {
  const backend = fake();
  const late: ((detail: Detail | null) => void)[] = [];
  const notice = vi.fn((seq: number) =>
    seq === 60 ? new Promise<Detail | null>((resolve) => late.push(resolve)) : backend.notice(seq, ''),
  );
  const inbox = new Inbox({ ...backend, notice });
  await inbox.refresh();
  const first = inbox.setCurrent(60);
  await inbox.setCurrent(59);
  late[0]?.(await backend.notice(60, ''));
  await first;
  expect(inbox.detail?.seq).toBe(59);
});

test('among the unread, the open notice stays until another is opened', async () => {
  const inbox = await connected(fake());
  await inbox.setFilter({ unread: true });
  expect(seqs(inbox)).toEqual([60, 59, 58, 57, 56, 55, 54]);
  await inbox.setCurrent(58, { opened: true });
  await inbox.refresh();
  expect(seqs(inbox)).toContain(58);
  expect(inbox.virtualList.layout.rows.find((row) => row.seq === 58)?.read).toBe(true);
  await inbox.move(1);
  await inbox.refresh();
  expect(inbox.current).toBe(57);
  expect(seqs(inbox)).not.toContain(58);
});

test('deleting opens the next notice, and undo brings the deleted one back', async () => {
  const inbox = await connected(fake());
  await inbox.setCurrent(58);
  await inbox.remove();
  await inbox.refresh();
  expect(inbox.current).toBe(57);
  expect(seqs(inbox)).not.toContain(58);
  expect(inbox.toast).toMatchObject({ what: 'removed', count: 1 });
  await inbox.undo();
  await inbox.refresh();
  expect(seqs(inbox)).toContain(58);
  expect(inbox.toast).toEqual({ what: 'restored', count: 1 });
});

test('deleting several opens the first notice that remains', async () => {
  const inbox = await connected(fake());
  await inbox.setCurrent(60);
  await inbox.move(1, { extend: true });
  await inbox.move(1, { extend: true });
  expect([...inbox.selection].sort()).toEqual([58, 59, 60]);
  await inbox.remove();
  expect(inbox.current).toBe(57);
  expect(inbox.selection.size).toBe(0);
  expect(inbox.toast?.count).toBe(3);
});

test('a range is selected from the last selected notice to this one', async () => {
  const inbox = await connected(fake());
  inbox.toggleSelected(50);
  inbox.extendSelection(47);
  expect([...inbox.selection].sort()).toEqual([47, 48, 49, 50]);
  inbox.toggleSelected(48);
  expect(inbox.selection.has(48)).toBe(false);
});

test('select all takes every notice that matches, also those that are not loaded', async () => {
  const inbox = await connected(fake({ scene: 'many' }));
  await inbox.setFilter({ kind: 'payment' });
  await inbox.selectAll();
  expect(inbox.selection.size).toBe(2500);
});

test('marking all as read leaves out what arrives meanwhile', async () => {
  const backend = fake();
  const inbox = await connected(backend);
  const through = inbox.virtualList.newestSeq;
  await backend.testNotice();
  await backend.setAllRead(inbox.filter, through);
  await inbox.refresh();
  expect(inbox.virtualList.unread).toBe(1);
});

test('search results are highlighted, in the list and in the text', async () => {
  const inbox = await connected(fake({ language: 'zh-CN' }));
  await inbox.setFilter({ text: '审批' });
  const row = inbox.virtualList.layout.rows[0];
  expect(row?.title.slice(...(row.marks?.title[0] ?? []))).toBe('审批');
  await inbox.setCurrent(row?.seq ?? 0);
  expect(inbox.detail?.marks?.title).toHaveLength(1);
  await inbox.clearFilter();
  expect(inbox.virtualList.layout.rows[0]?.marks).toBeUndefined();
});

test('older notices are added below until the server has no more', async () => {
  const inbox = await connected(fake());
  for (let round = 0; round < 3; round += 1) await inbox.loadOlder();
  expect(inbox.virtualList.layout.total).toBe(120);
  expect(inbox.hasAllHistory).toBe(true);
  expect(seqs(inbox)[0]).toBe(60);
});

test('a notice deleted elsewhere is shown as gone', async () => {
  const backend = fake();
  const inbox = await connected(backend);
  await inbox.setCurrent(60);
  await backend.remove([60]);
  await inbox.refresh();
  expect(inbox.isGone).toBe(true);
  expect(inbox.detail).toBeNull();
});

test('a notice deleted elsewhere leaves the list, also when the list is read before the notice', async () => {
  const backend = fake();
  let release: () => void = () => undefined;
  let held = Promise.resolve();
  const notice: Backend['notice'] = async (seq, text) => {
    const answer = await backend.notice(seq, text);
    await held;
    return answer;
  };
  const inbox = new Inbox({ ...backend, notice });
  await inbox.refresh();
  await inbox.setCurrent(60);
  held = new Promise<void>((resolve) => (release = resolve));
  await backend.remove([60]);
  const reading = inbox.refresh();
  await inbox.virtualList.refresh();
  release();
  await reading;
  expect(inbox.isGone).toBe(true);
  expect(seqs(inbox)[0]).toBe(59);
});

test('an inbox that cannot be read shows the error and recovers', async () => {
  const good = fake();
  let page = fake({ scene: 'broken' }).page;
  const inbox = new Inbox({ ...good, page: (ask) => page(ask) });
  await inbox.refresh();
  expect(inbox.virtualList.phase).toBe('failed');
  expect(inbox.virtualList.failure).toContain('damaged');
  page = good.page;
  await inbox.refresh();
  expect(inbox.virtualList.phase).toBe('ready');
});

test('a failed command leaves its error, with its code', async () => {
  const inbox = await connected(fake({ scene: 'hostile' }));
  await inbox.setCurrent(5);
  await inbox.openLink();
  expect(inbox.error?.code).toBe('link-refused');
});

test('a button is run only as it was confirmed, and a decided notice offers none', async () => {
  const backend = fake();
  const seq = (await backend.page({ before: null, after: null, limit: 60, filter: everything })).rows.find(
    (row) => row.needsAction,
  )?.seq;
  if (seq === undefined) throw new Error('no notice with a button');
  const inbox = await connected(backend);
  await inbox.setCurrent(seq);
  await inbox.act('approve', null);
  expect(inbox.error?.code).toBe('changed');
  expect(inbox.toast).toBeNull();
  const key = inbox.detail?.actions.find(({ id }) => id === 'approve')?.key ?? null;
  await inbox.act('approve', key);
  const detail = await backend.notice(seq, '');
  expect([detail?.state, detail?.actions, detail?.actionResult?.outcome]).toEqual(['decided', [], 'done']);
  await inbox.act('approve', key);
  expect(inbox.error?.code).toBe('gone');
});

test('a deletion that waits for the server keeps its notice open, says so, and can be taken back', async () => {
  const backend = fake({ scene: 'offline' });
  const inbox = await connected(backend);
  await inbox.open(20);
  await inbox.removeOnServer();
  await inbox.refresh();
  expect(inbox.current).toBe(20);
  expect(inbox.toast).toMatchObject({ what: 'waitsForServer', count: 1 });
  expect(inbox.detail?.serverDeletion?.refused).toBeNull();
  await inbox.keepOnServer();
  await inbox.refresh();
  expect(inbox.toast).toMatchObject({ what: 'keptOnServer', count: 1 });
  expect(inbox.detail?.serverDeletion).toBeNull();
  await inbox.keepOnServer();
  expect(inbox.error?.code).toBe('gone');
});
