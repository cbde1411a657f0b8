// The test notice on its way: which steps of the chain it has passed, and where it was lost.

import type { TestFailure, TestStep } from '../backend/backend';
import { type Trouble, wordsOf } from '../problem';
import { t } from '../texts.svelte';

export const chain: readonly TestStep[] = ['sent', 'delivered', 'stored', 'shown'];

export type StepState = 'waiting' | 'under-way' | 'passed' | 'failed';

/** Why it came no further. */
export type Lost = Exclude<TestFailure, { what: 'not-sent' }> | { what: 'not-sent'; problem: Trouble };

/** In the person's language. */
export function wordsOfLost(lost: Lost): string {
  switch (lost.what) {
    case 'not-sent':
      return [wordsOf(lost.problem), lost.problem.message && `(${lost.problem.message})`].filter(Boolean).join(' ');
    case 'nothing-came':
    case 'nothing-shown':
      return t(`setup.test.why.${lost.what}`, { n: lost.seconds });
    case 'held-back':
      return t(`why.suppressed.${lost.why}`);
    case 'not-taken':
      return t('why.refused', { why: lost.why });
  }
}

export class Trial {
  passed = $state.raw<ReadonlySet<TestStep>>(new Set());
  failed = $state.raw<{ step: TestStep; why: Lost } | null>(null);
  isRunning = $state(false);

  begin(): void {
    this.passed = new Set();
    this.failed = null;
    this.isRunning = true;
  }

  hear(step: TestStep, failure: TestFailure | null): void {
    if (!this.isRunning) return;
    if (failure === null) this.passed = new Set([...this.passed, step]);
    else this.failed = { step, why: failure };
    if (this.failed || this.isPassed) this.isRunning = false;
  }

  fail(problem: Trouble): void {
    this.failed = { step: chain.find((step) => !this.passed.has(step)) ?? 'sent', why: { what: 'not-sent', problem } };
    this.isRunning = false;
  }

  get isPassed(): boolean {
    return chain.every((step) => this.passed.has(step));
  }

  stateOf(step: TestStep): StepState {
    if (this.failed?.step === step) return 'failed';
    if (this.passed.has(step)) return 'passed';
    return this.isRunning && chain.find((one) => !this.passed.has(one)) === step ? 'under-way' : 'waiting';
  }
}
