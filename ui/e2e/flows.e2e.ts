// The tasks of a person, from the first run to the settings.

import { expect, test } from './window';

test.describe('first run', () => {
  test('leads from the address and the token through the test to an inbox with the test notice', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('first-run');
    await expect(page.locator('#address')).toBeFocused();
    await page.keyboard.type('push.example.com');
    await page.keyboard.press('Enter');
    await expect(page.locator('#login')).toBeFocused();
    await page.keyboard.type('alice');
    await page.keyboard.press('Tab');
    await page.keyboard.type('token-4711');
    await page.keyboard.press('Enter');
    await expect(page.locator('.test-steps .passed')).toHaveCount(4);
    await expect(page.getByText(belfry.text('setup.test.passed'))).toBeVisible();
    await belfry.button('setup.done').click();
    await expect(belfry.rows).toHaveCount(1);
    await expect(page.locator('footer')).toContainText('Connected since');
    expect(await page.content()).not.toContain('token-4711');
  });

  test('every error says what to do, and another attempt works', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('first-run');
    for (const [address, code] of [
      ['not an address', 'bad-address'],
      ['nowhere.example.com', 'unreachable'],
      ['http://push.example.com', 'insecure'],
      ['plain.example.com', 'not-discovered'],
    ] as const) {
      await page.locator('#address').fill(address);
      await page.keyboard.press('Enter');
      await expect(page.getByRole('alert')).toContainText(belfry.text(`error.${code}`));
      await expect(page.locator('#address')).toHaveAttribute('aria-invalid', 'true');
    }
    await page.locator('#address').fill('wss://plain.example.com/stomp/ws');
    await page.keyboard.press('Enter');
    await expect(page.getByText(belfry.text('setup.enteredManually'))).toBeVisible();
    await page.locator('#login').fill('alice');
    await page.locator('#secret').fill('wrong');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alert')).toContainText(belfry.text('error.refused'));
    await page.locator('#secret').fill('right');
    await page.keyboard.press('Enter');
    await expect(belfry.button('setup.done')).toBeVisible();
  });

  test('a sign-in in the browser is waited for, can be ended, and may be declined', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('first-run');
    const discover = async (address: string) => {
      await page.locator('#address').fill(address);
      await page.keyboard.press('Enter');
      await expect(page.getByText(belfry.text('setup.browser.help'))).toBeVisible();
      await expect(page.locator('#login, #secret')).toHaveCount(0);
    };
    await discover('browser-waits.example.com');
    await belfry.button('setup.browser').click();
    await expect(page.getByRole('status').filter({ hasText: belfry.text('setup.browser.waiting') })).toBeVisible();
    await belfry.button('setup.browser.cancel').click();
    await expect(belfry.button('setup.browser')).toBeEnabled();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await belfry.button('setup.back').click();
    await discover('browser-declines.example.com');
    await belfry.button('setup.browser').click();
    await expect(page.getByRole('alert')).toContainText(belfry.text('error.refused'));
    await belfry.button('setup.back').click();
    await discover('browser.example.com');
    await belfry.button('setup.browser').click();
    await expect(belfry.button('setup.done')).toBeVisible();
  });

  test('a host beside the server is named and needs a yes before a sign-in', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('first-run');
    await page.locator('#address').fill('foreign.example.com');
    await page.keyboard.press('Enter');
    await page.locator('#login').fill('alice');
    await page.locator('#secret').fill('good');
    await expect(page.getByText(belfry.text('setup.purpose.login'))).toBeVisible();
    await expect(belfry.button('setup.signIn')).toBeDisabled();
    await page.getByRole('checkbox', { name: 'login.example.net' }).check();
    await belfry.button('setup.signIn').click();
    await expect(belfry.button('setup.done')).toBeVisible();
  });

  test('shows only the sign-in when the server is managed', async ({ belfry }) => {
    await belfry.open('managed', { language: 'zh-CN' });
    await expect(belfry.page.locator('#address')).toHaveCount(0);
    await expect(belfry.page.getByText(belfry.text('setup.managed'))).toBeVisible();
    await expect(belfry.page.getByRole('listitem')).toHaveText([
      belfry.text('setup.step.sign-in'),
      belfry.text('setup.step.test'),
    ]);
    await belfry.page.locator('#login').fill('alice');
    await belfry.page.locator('#secret').fill('brief');
    await belfry.page.keyboard.press('Enter');
    await expect(belfry.page.getByText(belfry.text('setup.notKept'))).toBeVisible();
  });

  test('switches the language at once', async ({ belfry }) => {
    await belfry.open('first-run');
    await belfry.page.getByRole('button', { name: '简体中文' }).click();
    await expect(belfry.page.getByRole('heading', { level: 1 })).toHaveText('欢迎使用 Belfry');
    await expect(belfry.page.locator('html')).toHaveAttribute('lang', 'zh-CN');
    await belfry.page.locator('#address').fill('push.example.com');
    await belfry.page.keyboard.press('Enter');
    await belfry.page.locator('#login').fill('alice');
    await belfry.page.locator('#secret').fill('good');
    await belfry.page.keyboard.press('Enter');
    await belfry.page.getByRole('button', { name: '打开收件箱' }).click();
    await expect(belfry.page.locator('footer')).toContainText('实时连接');
  });
});

test.describe('inbox', () => {
  test('can be used with the keyboard alone', async ({ belfry }) => {
    const { page } = belfry;
    const title = belfry.article.getByRole('heading', { level: 2 });
    await belfry.open('live');
    await belfry.rows.first().waitFor();
    await page.keyboard.press('j');
    const first = await title.innerText();
    await page.keyboard.press('ArrowDown');
    await expect(title).not.toHaveText(first);
    await page.keyboard.press('k');
    await expect(title).toHaveText(first);
    await page.keyboard.press('Enter');
    await expect(page.getByText('6 unread')).toBeVisible();
    await page.keyboard.press('u');
    await expect(page.getByText('7 unread')).toBeVisible();
    await page.keyboard.press('e');
    await expect(belfry.toast).toContainText('1 notice deleted');
    await expect(title).not.toHaveText(first);
    await page.keyboard.press('z');
    await expect(belfry.toast).toContainText('1 notice restored');
    await page.keyboard.press('End');
    await expect(belfry.rows.last()).toHaveAttribute('aria-selected', 'true');
    await page.keyboard.press('Home');
    await expect(belfry.rows.first()).toHaveAttribute('aria-selected', 'true');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    await expect(page.getByRole('toolbar')).toContainText('3 selected');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('toolbar')).toHaveCount(0);
    await page.keyboard.press('x');
    await expect(page.getByRole('toolbar')).toContainText('1 selected');
    await page.keyboard.press('Control+a');
    await expect(page.getByRole('toolbar')).toContainText('60 selected');
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await expect(page.getByRole('searchbox')).toBeFocused();
    await page.keyboard.type('invoice');
    await expect(belfry.rows).toHaveCount(8);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('listbox')).toBeFocused();
    await page.keyboard.press('/');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('searchbox')).toHaveValue('');
    await expect(page.locator('.sticky, .day').first()).toBeVisible();
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  });

  test('gives screen readers names, roles, positions and the current notice', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    const list = page.getByRole('listbox', { name: 'Notices' });
    await list.focus();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const active = await list.getAttribute('aria-activedescendant');
    await expect(page.locator(`#${active}`)).toHaveAttribute('aria-posinset', '2');
    await expect(page.locator(`#${active}`)).toHaveAttribute('aria-setsize', '60');
    await expect(page.locator(`#${active}`)).toHaveAccessibleName(
      /Unread.*Quarterly report is ready.*\d:\d\d.*Reporting/,
    );
    await expect(page.getByRole('article', { name: 'Quarterly report is ready' })).toBeVisible();
  });

  test('moves the focus from search and filters to the list and the notice', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.rows.first().click();
    await page.getByRole('button', { name: 'Settings' }).focus();
    const order: string[] = [];
    for (let step = 0; step < 12; step += 1) {
      await page.keyboard.press('Tab');
      order.push(
        await page.evaluate(
          () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent.trim() ?? '',
        ),
      );
    }
    expect(order).toEqual([
      'More actions',
      'Search',
      'All',
      'Unread',
      'Needs action',
      'Kind',
      'Notices',
      'Mark as unread',
      'Copy',
      'Delete',
      'More for this notice',
      'Notice text',
    ]);
  });

  test('combines filters, and says when nothing matches', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.button('filter.unread').click();
    await expect(belfry.rows).toHaveCount(7);
    await belfry.button('filter.needsAction').click();
    await expect(belfry.button('filter.unread')).toHaveAttribute('aria-pressed', 'false');
    await expect(belfry.rows.first()).toContainText('Needs action');
    await page.getByRole('combobox', { name: 'Kind' }).selectOption('payment');
    await expect(page.getByText('No matching notices')).toBeVisible();
    await belfry.button('inbox.nothing.all').click();
    await expect(belfry.button('filter.all')).toHaveAttribute('aria-pressed', 'true');
    await expect(belfry.rows.first()).toBeVisible();
  });

  test('finds two Chinese characters and highlights them in the list, the text and a field', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live', { language: 'zh-CN' });
    await page.getByRole('searchbox').fill('成本');
    await expect(page.locator('.row mark').first()).toHaveText('成本');
    await belfry.rows.first().click();
    await expect(belfry.article.locator('.body mark').first()).toHaveText('成本');
    await page.getByRole('searchbox').fill('1284.50');
    await expect(page.locator('.row mark').first()).toHaveText('1284.50');
  });

  test('keeps the open notice among the unread until another is opened', async ({ belfry }) => {
    await belfry.open('live');
    await belfry.button('filter.unread').click();
    await expect(belfry.rows).toHaveCount(7);
    await belfry.rows.nth(2).click();
    await expect(belfry.page.getByText('6 unread')).toBeVisible();
    await expect(belfry.rows).toHaveCount(7);
    await belfry.rows.nth(0).click();
    await expect(belfry.rows).toHaveCount(6);
  });

  test('selects several with the mouse, marks, deletes and restores them', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.rows.nth(0).click({ modifiers: ['Control'] });
    await belfry.rows.nth(3).click({ modifiers: ['Shift'] });
    const toolbar = page.getByRole('toolbar');
    await expect(toolbar).toContainText('4 selected');
    await toolbar.getByRole('button', { name: 'Mark as read' }).click();
    await expect(belfry.toast).toContainText('4 notices marked as read');
    await toolbar.getByRole('button', { name: 'Delete' }).click();
    await expect(belfry.toast).toContainText('4 notices deleted');
    await belfry.toast.getByRole('button', { name: 'Undo' }).click();
    await expect(belfry.toast).toContainText('4 notices restored');
    await expect(belfry.rows.first()).toHaveAttribute('aria-setsize', '60');
    await belfry.chooseMenuItem('list.more', 'inbox.markAll');
    await expect(belfry.toast).toContainText('3 notices marked as read');
    await expect(page.getByText(/\d unread/)).toHaveCount(0);
  });

  test('asks before deleting on the server, and can be cancelled', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.rows.nth(0).click();
    await belfry.chooseMenuItem('notice.more', 'serverDelete.menu');
    await expect(page.getByRole('dialog')).toContainText('for everyone');
    await belfry.button('dialog.cancel').click();
    await expect(belfry.rows.first()).toHaveAttribute('aria-setsize', '60');
    await belfry.chooseMenuItem('notice.more', 'serverDelete.menu');
    await belfry.button('serverDelete.confirm').click();
    await expect(belfry.toast).toContainText('deleted on the server');
    await expect(belfry.toast.getByRole('button', { name: 'Undo' })).toHaveCount(0);
    await expect(belfry.rows.first()).toHaveAttribute('aria-setsize', '59');
  });

  test('copies a whole notice, and exports the inbox', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.rows.nth(4).click();
    await belfry.button('notice.copy').click();
    await expect(belfry.toast).toContainText('Copied');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(
      /^Expense report 4711[^]*by Friday\.\n\nhttps:\/\/push/,
    );
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error('denied'));
    });
    await belfry.button('notice.copy').click();
    await expect(page.getByRole('alert')).toContainText(belfry.text('error.clipboard'));
    await belfry.chooseMenuItem('list.more', 'export.csv');
    await expect(belfry.toast).toContainText('60 notices exported to /home/alice/Documents/belfry-inbox.csv');
    await belfry.button('toast.exported.open').click();
    await expect(page.getByRole('alert')).toHaveCount(0);
  });

  test('loads older notices from the server until there are no more', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.rows.first().click();
    for (const count of [80, 100, 120]) {
      await page.keyboard.press('End');
      await belfry.button('inbox.older').click();
      await expect(belfry.rows.first()).toHaveAttribute('aria-setsize', String(count));
    }
    await page.keyboard.press('End');
    await expect(belfry.button('inbox.older')).toHaveCount(0);
  });

  test('runs an action, after confirmation where it is wanted, and shows the decision', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.rows.nth(4).click();
    await belfry.article.getByRole('button', { name: 'Reject' }).click();
    const dialog = page.getByRole('dialog');
    for (const text of [
      'Expense report 4711',
      'Really reject it?',
      'POST https://push.example.com',
      '/approvals/4711/reject',
    ])
      await expect(dialog).toContainText(text);
    await belfry.button('dialog.cancel').click();
    // A request is confirmed even if the message asks for no confirmation.
    await belfry.article.getByRole('button', { name: 'Approve' }).click();
    await expect(dialog).toContainText('/approvals/4711/approve');
    await dialog.getByRole('button', { name: 'Approve' }).click();
    await expect(belfry.article).toContainText('Decided');
    await expect(belfry.article.getByRole('status')).toContainText('Approve: done');
    await expect(belfry.article.getByRole('group', { name: 'Actions' })).toHaveCount(0);
    await expect(belfry.article.locator('dl')).toContainText('approve');
  });

  test('explains why there was or was no notification', async ({ belfry }) => {
    await belfry.open('live');
    for (const [title, why] of [
      ['Payment of invoice', 'why.shown'],
      ['Nightly import', 'why.suppressed.quiet-hours'],
      ['Quarterly report', 'why.suppressed.muted'],
      ['Expense report 4698', 'why.suppressed.not-open'],
      ['Your password', 'why.uncertain'],
    ] as const) {
      await belfry.rows.filter({ hasText: title }).first().click();
      await expect(belfry.article.locator('.why')).toContainText(belfry.text(why));
    }
    await belfry.rows.filter({ hasText: 'Contract 88-2' }).first().click();
    await expect(belfry.article.locator('.why')).toContainText('no answer within 10 s');
  });

  test('opens the notice of a clicked notification, wherever it is', async ({ belfry }) => {
    await belfry.open('million', { open: 123_456 });
    await expect(belfry.page.locator('#notice-123456')).toHaveClass(/current/);
    await expect(belfry.article.locator('dl')).toContainText('8f3a-123456');
  });

  test('keeps a scroll whose event comes after the next notices', async ({ belfry }) => {
    await belfry.open('live', { every: 100 });
    await belfry.rows.first().waitFor();
    const list = belfry.page.getByRole('listbox');
    // As on a busy machine.
    await list.evaluate(async (list) => {
      const hold = (event: Event) => {
        event.stopImmediatePropagation();
      };
      const size = () => list.querySelector('[role=option]')?.getAttribute('aria-setsize');
      const before = size();
      window.addEventListener('scroll', hold, true);
      list.scrollTop = 1500;
      while (size() === before) await new Promise(requestAnimationFrame);
      window.removeEventListener('scroll', hold, true);
      list.dispatchEvent(new Event('scroll'));
    });
    expect(await list.evaluate((list) => list.scrollTop)).toBeGreaterThanOrEqual(1500);
  });

  test('shows other rows in the same elements, and takes no click that began on the row before', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.rows.first().waitFor();
    const scrollTo = (top: number) =>
      page.getByRole('listbox').evaluate(async (list, top) => {
        const ids = () => Array.from(list.querySelectorAll('[role=option]'), (row) => row.id);
        const before = ids();
        list.scrollTop = top;
        while (ids().some((id) => before.includes(id))) await new Promise(requestAnimationFrame);
        // They are made one after the other.
        for (let last = 0, equal = 0; equal < 10; last = ids().length) {
          await new Promise(requestAnimationFrame);
          equal = ids().length === last ? equal + 1 : 0;
        }
        return ids().length;
      }, top);
    const count = await scrollTo(1500);
    const made = await page.evaluateHandle(() => new Set(document.querySelectorAll('[role=option]')));
    const row = await page.locator('[role=option]').nth(3).elementHandle();
    await row.dispatchEvent('pointerdown');
    const countAfter = await scrollTo(4000);
    const kept = await made.evaluate(
      (made) => Array.from(document.querySelectorAll('[role=option]')).filter((row) => made.has(row)).length,
    );
    expect(kept).toBe(Math.min(count, countAfter));
    await row.dispatchEvent('click');
    await expect(page.locator('[role=option][aria-selected=true]')).toHaveCount(0);
    await row.dispatchEvent('pointerdown');
    await row.dispatchEvent('click');
    await expect(page.locator('[role=option][aria-selected=true]')).toHaveCount(1);
  });

  test('makes a few rows in a turn, and soon all of them', async ({ belfry }) => {
    const { page } = belfry;
    await page.addInitScript(() => {
      const made: number[] = [];
      Object.assign(window, { made });
      const count = (nodes: NodeList) =>
        Array.from(nodes).filter((node) => node instanceof Element && node.querySelector('[role=option]')).length;
      new MutationObserver((records) => {
        const rows = records.filter(({ target }) => target instanceof Element && target.matches('.content'));
        made.push(rows.reduce((sum, { addedNodes }) => sum + count(addedNodes), 0));
      }).observe(document, { childList: true, subtree: true });
    });
    await belfry.open('live');
    await expect(belfry.rows.nth(10)).toBeAttached();
    const made = await page.evaluate(() => (window as unknown as { made: number[] }).made);
    expect(made.filter((rows) => rows > 0).length).toBeGreaterThan(1);
    expect(Math.max(...made)).toBeLessThanOrEqual(4);
  });

  test('shows the rows of before until those of a search are there', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live', { pace: 300 });
    await belfry.rows.first().waitFor();
    const nothing = page.getByText(belfry.text('inbox.nothing.title'));
    await page.evaluate((text) => {
      const seen: string[] = [];
      Object.assign(window, { seen });
      new MutationObserver(() => {
        if (document.body.innerText.includes(text)) seen.push(text);
      }).observe(document, { childList: true, subtree: true });
    }, belfry.text('inbox.nothing.title'));
    await page.getByRole('searchbox').fill('invoice');
    await expect(page.locator('.hits')).toBeVisible();
    await expect(nothing).toHaveCount(0);
    expect(await page.evaluate(() => (window as unknown as { seen: string[] }).seen)).toEqual([]);
  });

  test('does not move the rows in view when notices arrive', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live', { every: 100 });
    await belfry.rows.first().waitFor();
    await page.getByRole('listbox').evaluate((list) => {
      list.scrollTop = 1500;
    });
    // Waits until the list has rendered the new position, and takes the row in the middle of the view.
    const middle = () =>
      page.getByRole('listbox').evaluate((list) => {
        const box = list.getBoundingClientRect();
        const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return list.scrollTop > 1000 ? (found?.closest('[role=option]')?.id ?? '') : '';
      });
    await expect.poll(middle).not.toBe('');
    const seen = page.locator(`#${await middle()}`);
    const before = await seen.boundingBox();
    const count = Number(await seen.getAttribute('aria-setsize'));
    await expect.poll(async () => Number(await seen.getAttribute('aria-setsize'))).toBeGreaterThan(count + 5);
    expect((await seen.boundingBox())?.y).toBe(before?.y);
  });
});

test.describe('status', () => {
  test('offline, it shows since when, why, and the next attempt, and can try now', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('offline');
    const bar = page.locator('footer');
    // Shortly after midnight the day is named as well.
    await expect(bar).toContainText(/Offline since (\w+ )?\d/);
    await expect(bar).toContainText(/next attempt in \d+ s/);
    await expect(bar).toContainText(/complete up to (\w+ )?\d/);
    await expect(bar).toContainText(belfry.text('fault.unreachable'));
    await belfry.button('status.tryNow').click();
    await expect(bar).toContainText('Connecting to push.example.com/ws…');
  });

  test('offers the button that resolves a fault', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('action-needed');
    await belfry.button('fix.sign-in').click();
    await expect(page.locator('#login')).toHaveValue('alice');
    await expect(page.locator('#secret')).toBeFocused();
    await belfry.button('setup.back').click();
    await belfry.rows.first().waitFor();
    await belfry.button('fix.sign-in').click();
    await page.locator('#secret').fill('new');
    await page.keyboard.press('Enter');
    await expect(page.locator('footer')).toContainText('Connected since');
  });

  test('changes the language of the reason at once', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('action-needed');
    const bar = page.locator('footer');
    await expect(bar).toContainText(`${belfry.text('fault.refused')} ${belfry.text('remedy.refused')}`);
    await belfry.button('settings.title').click();
    await page.getByRole('combobox', { name: 'Language' }).selectOption('zh-CN');
    belfry.language = 'zh-CN';
    await expect(bar).toContainText(`${belfry.text('fault.refused')} ${belfry.text('remedy.refused')} (Bad CONNECT)`);
  });

  test('shows a status without its optional fields', async ({ belfry }) => {
    await belfry.open('bare');
    await expect(belfry.page.locator('footer')).toContainText(/Offline since (\w+ )?\d/);
    await expect(belfry.button('inbox.older')).toHaveCount(0);
  });
});

test.describe('settings', () => {
  test('language and theme change at once', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.button('settings.title').click();
    await page.getByRole('combobox', { name: 'Language' }).selectOption('zh-CN');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('设置');
    await page.getByRole('combobox', { name: '外观' }).selectOption('dark');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    expect(
      await page.evaluate(
        () => getComputedStyle(document.body.querySelector('.content') ?? document.body).backgroundColor,
      ),
    ).toBe('rgb(31, 34, 39)');
  });

  test('a managed setting is locked and says where it is managed', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.button('settings.title').click();
    const field = page.locator('.field', { hasText: 'Keep notices for' });
    await expect(field.getByRole('spinbutton')).toBeDisabled();
    await expect(field).toContainText('Managed by your organisation (/etc/belfry/policies/managed/company.json)');
    await expect(field.getByRole('button')).toHaveCount(0);
  });

  test('a wrong value is refused beside its field, a right one is saved, and reset restores the default', async ({
    belfry,
  }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.button('settings.title').click();
    await page.getByRole('button', { name: 'Server', exact: true }).click();
    const field = page.locator('.field', { hasText: 'Polling interval' });
    await field.getByRole('textbox').fill('soon');
    await page.keyboard.press('Enter');
    await expect(field.getByRole('alert')).toContainText('a duration such as "10s"');
    await expect(field.getByRole('textbox')).toHaveAttribute('aria-invalid', 'true');
    await field.getByRole('textbox').fill('30s');
    await page.keyboard.press('Enter');
    await expect(field.getByRole('alert')).toHaveCount(0);
    await field.getByRole('button').click();
    await expect(field.getByRole('textbox')).toHaveValue('5s');
  });

  test('rules and quiet hours can be edited', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.button('settings.title').click();
    await page.getByRole('button', { name: 'Notifications', exact: true }).click();
    await belfry.button('rules.add').click();
    const entry = page.getByRole('group', { name: 'Entry 3' });
    await entry.getByRole('textbox', { name: 'Kind' }).fill('alarm');
    await entry.getByRole('textbox', { name: 'Kind' }).press('Enter');
    await expect(page.getByRole('status').filter({ hasText: 'Saved' })).toHaveCount(1);
    await entry.getByRole('combobox').selectOption('urgent');
    await page.getByRole('button', { name: 'Remove entry 1' }).click();
    await expect(page.getByRole('group', { name: /^Entry/ })).toHaveCount(2);
    await expect(page.getByRole('group', { name: 'Entry 2' }).getByRole('combobox')).toHaveValue('urgent');
    await page.getByRole('button', { name: 'Sat' }).click();
    await expect(page.getByRole('button', { name: 'Sat' })).toHaveAttribute('aria-pressed', 'true');
    await page.getByRole('button', { name: 'Mon' }).click();
    await expect(page.getByRole('button', { name: 'Mon' })).toHaveAttribute('aria-pressed', 'false');
  });

  test('signing out asks first and leads to the sign-in', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('live');
    await belfry.button('settings.title').click();
    await page.getByRole('button', { name: 'Account', exact: true }).click();
    await belfry.button('account.signOut').click();
    await expect(page.getByRole('checkbox', { name: belfry.text('account.forgetDevice') })).not.toBeChecked();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
    await expect(page.locator('#secret')).toBeVisible();
  });

  test('the diagnostics show each step as it ends, and can be copied', async ({ belfry }) => {
    const { page } = belfry;
    await belfry.open('offline');
    await belfry.button('settings.title').click();
    await page.getByRole('button', { name: 'Diagnostics', exact: true }).click();
    await belfry.button('doctor.run').click();
    await expect(page.locator('li.fail')).toContainText(belfry.text('doctor.advice.tcp'));
    await belfry.button('doctor.copy').click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied.split('\n')).toHaveLength(13);
    expect(copied).toMatch(/fail\s+tcp\s+3004 ms/);
  });

  test('offline, the devices page says that it cannot ask', async ({ belfry }) => {
    await belfry.open('offline');
    await belfry.button('settings.title').click();
    await belfry.page.getByRole('button', { name: 'Devices', exact: true }).click();
    await expect(belfry.page.getByText(belfry.text('devices.offline.text'))).toBeVisible();
    await belfry.page.keyboard.press('Escape');
    await expect(belfry.page.getByRole('heading', { level: 1 })).toHaveText('Inbox');
    await expect(belfry.button('settings.title')).toBeFocused();
  });
});
