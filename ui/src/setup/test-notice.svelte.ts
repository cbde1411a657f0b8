// The state of a test notice: which steps it has passed, and where and why it failed.

import type { TestFailure, TestStep } from '../backend/backend';
import { describeError, type DisplayError, toDisplayError } from '../errors';
import { t } from '../texts.svelte';

export const testSteps: readonly TestStep[] = ['sent', 'delivered', 'stored', 'shown'];

export type StepState = 'waiting' | 'running' | 'passed' | 'failed';

export type TestNoticeFailure = Exclude<TestFailure, { what: 'not-sent' }> | { what: 'not-sent'; error: DisplayError };

/** Why the test failed, in the person's language. */
export function describeTestFailure(failure: TestNoticeFailure): string {
  switch (failure.what) {
    case 'not-sent':
      return [describeError(failure.error), failure.error.message && `(${failure.error.message})`]
        .filter(Boolean)
        .join(' ');
    case 'nothing-came':
    case 'nothing-shown':
      return t(`setup.test.why.${failure.what}`, { n: failure.seconds });
    case 'held-back':
      return t(`why.suppressed.${failure.why}`);
    case 'not-taken':
      return t('why.refused', { why: failure.why });
  }
}

export class TestNotice {
  passed = $state.raw<ReadonlySet<TestStep>>(new Set());
  failed = $state.raw<{ step: TestStep; failure: TestNoticeFailure } | null>(null);
  isRunning = $state(false);

  begin(): void {
    this.passed = new Set();
    this.failed = null;
    this.isRunning = true;
  }

  /** Takes the outcome of one step; `failure` is null when the step passed. */
  handleStep(step: TestStep, failure: TestFailure | null): void {
    if (!this.isRunning) return;
    if (failure === null) this.#pass(step);
    else if (failure.what === 'not-sent') this.#fail(step, { what: 'not-sent', error: toDisplayError(failure.error) });
    else this.#fail(step, failure);
  }

  /** Takes the error of the command itself, which counts for the next step. */
  handleError(error: DisplayError): void {
    this.#fail(this.#nextStep ?? 'sent', { what: 'not-sent', error });
  }

  get isPassed(): boolean {
    return this.#nextStep === undefined;
  }

  stateOf(step: TestStep): StepState {
    if (this.failed?.step === step) return 'failed';
    if (this.passed.has(step)) return 'passed';
    return this.isRunning && this.#nextStep === step ? 'running' : 'waiting';
  }

  get #nextStep(): TestStep | undefined {
    return testSteps.find((step) => !this.passed.has(step));
  }

  #pass(step: TestStep): void {
    this.passed = new Set([...this.passed, step]);
    if (this.isPassed) this.isRunning = false;
  }

  #fail(step: TestStep, failure: TestNoticeFailure): void {
    this.failed = { step, failure };
    this.isRunning = false;
  }
}
