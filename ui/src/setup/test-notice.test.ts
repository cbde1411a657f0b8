import { expect, test, vi } from 'vitest';

import { setLanguage } from '../texts.svelte';
import { describeTestFailure, TestNotice, testSteps } from './test-notice.svelte';

vi.stubGlobal('document', { documentElement: {} });

test('a test notice that passes every step has passed', () => {
  const testNotice = new TestNotice();
  testNotice.begin();
  expect(testNotice.stateOf('sent')).toBe('running');
  for (const step of testSteps) testNotice.handleStep(step, null);
  expect(testNotice.isPassed).toBe(true);
  expect(testNotice.isRunning).toBe(false);
});

test('a failed step ends the test, and the steps before it stay passed', () => {
  const testNotice = new TestNotice();
  testNotice.begin();
  testNotice.handleStep('sent', null);
  testNotice.handleStep('delivered', { what: 'nothing-came', seconds: 15 });
  expect(testSteps.map((step) => testNotice.stateOf(step))).toEqual(['passed', 'failed', 'waiting', 'waiting']);
  expect(testNotice.isRunning).toBe(false);
});

test('a failed command counts for the next step, and later updates change nothing', () => {
  const testNotice = new TestNotice();
  testNotice.begin();
  const error = {
    code: 'server',
    message: 'h: HTTP 404',
    fault: { kind: 'status', detail: 'h: HTTP 404', isCatchUp: false },
  } as const;
  testNotice.handleError(error);
  testNotice.handleStep('sent', null);
  expect(testNotice.failed).toEqual({ step: 'sent', failure: { what: 'not-sent', error } });
  expect(testNotice.stateOf('sent')).toBe('failed');
});

test('the failure is described in the current language', () => {
  const failures = [
    { what: 'nothing-came', seconds: 15 },
    { what: 'held-back', why: 'quiet-hours' },
    { what: 'not-taken', why: 'org.freedesktop.DBus.Error.Failed' },
    {
      what: 'not-sent',
      error: {
        code: 'server',
        message: 'h: HTTP 404',
        fault: { kind: 'status', detail: 'h: HTTP 404', isCatchUp: false },
      },
    },
  ] as const;
  setLanguage('en');
  expect(failures.map(describeTestFailure)).toEqual([
    'Nothing arrived within 15 seconds.',
    'It arrived in your quiet hours.',
    'This computer did not show the notification: org.freedesktop.DBus.Error.Failed',
    'The server did not accept the connection. If the problem continues, ask IT whether the address is right ' +
      '(server.endpoints). (h: HTTP 404)',
  ]);
  setLanguage('zh-CN');
  expect(failures.map(describeTestFailure).slice(0, 2)).toEqual([
    '15 秒内没有收到任何内容。',
    '到达时处于免打扰时段。',
  ]);
});
