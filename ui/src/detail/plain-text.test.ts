import { expect, test } from 'vitest';

import { fake } from '../backend/fake';
import { plainText } from './plain-text';

test('a notice is copied with title, sender, date, text and link', async () => {
  const notice = await fake().notice(56, '');
  if (!notice) throw new Error('notice 56 is missing');
  const [title, about, blank, ...rest] = plainText(notice, 'en').split('\n');
  expect(title).toBe('Expense report 4711 waits for you');
  expect(about).toMatch(/^Expenses · \w+/);
  expect(blank).toBe('');
  expect(rest.at(-1)).toBe('https://push.example.com/expenses/4711');
});
