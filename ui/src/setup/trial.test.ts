import { expect, test } from 'vitest';

import { chain, Trial } from './trial.svelte';

test('a test notice that passes every step works', () => {
  const trial = new Trial();
  trial.begin();
  expect(trial.stateOf('sent')).toBe('under-way');
  for (const step of chain) trial.hear(step, null);
  expect(trial.isPassed).toBe(true);
  expect(trial.isRunning).toBe(false);
});

test('where it was lost is said, and what came before stays passed', () => {
  const trial = new Trial();
  trial.begin();
  trial.hear('sent', null);
  trial.hear('delivered', 'nothing arrived within 15 s');
  expect(chain.map((step) => trial.stateOf(step))).toEqual(['passed', 'failed', 'waiting', 'waiting']);
  expect(trial.isRunning).toBe(false);
});

test('a call that fails counts for the step that was next, and what comes late changes nothing', () => {
  const trial = new Trial();
  trial.begin();
  trial.fail('the server has no such call');
  trial.hear('sent', null);
  expect(trial.failed).toEqual({ step: 'sent', why: 'the server has no such call' });
  expect(trial.stateOf('sent')).toBe('failed');
});
