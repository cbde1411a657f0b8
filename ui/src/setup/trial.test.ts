import { expect, test, vi } from 'vitest';

import { speak } from '../texts.svelte';
import { chain, Trial, wordsOfLost } from './trial.svelte';

vi.stubGlobal('document', { documentElement: {} });

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
  trial.hear('delivered', { what: 'nothing-came', seconds: 15 });
  expect(chain.map((step) => trial.stateOf(step))).toEqual(['passed', 'failed', 'waiting', 'waiting']);
  expect(trial.isRunning).toBe(false);
});

test('a call that fails counts for the step that was next, and what comes late changes nothing', () => {
  const trial = new Trial();
  trial.begin();
  const problem = {
    code: 'server',
    message: 'h: HTTP 404',
    fault: { kind: 'status', detail: 'h: HTTP 404', isCatchUp: false },
  } as const;
  trial.fail(problem);
  trial.hear('sent', null);
  expect(trial.failed).toEqual({ step: 'sent', why: { what: 'not-sent', problem } });
  expect(trial.stateOf('sent')).toBe('failed');
});

test('why it was lost is said in the language that is chosen now', () => {
  const lost = [
    { what: 'nothing-came', seconds: 15 },
    { what: 'held-back', why: 'quiet-hours' },
    { what: 'not-taken', why: 'org.freedesktop.DBus.Error.Failed' },
    {
      what: 'not-sent',
      problem: {
        code: 'server',
        message: 'h: HTTP 404',
        fault: { kind: 'status', detail: 'h: HTTP 404', isCatchUp: false },
      },
    },
  ] as const;
  speak('en');
  expect(lost.map(wordsOfLost)).toEqual([
    'Nothing arrived within 15 seconds.',
    'It arrived in your quiet hours.',
    'This computer did not show the notification: org.freedesktop.DBus.Error.Failed',
    'The server did not accept the connection. If it stays so, ask IT whether the address is right (server.endpoints). (h: HTTP 404)',
  ]);
  speak('zh-CN');
  expect(lost.map(wordsOfLost).slice(0, 2)).toEqual(['15 秒内没有收到任何内容。', '到达时处于免打扰时段。']);
});
