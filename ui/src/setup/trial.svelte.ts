// The test notice on its way: which steps of the chain it has passed, and where it was lost.

import type { TestStep } from '../backend/backend';

export const chain: readonly TestStep[] = ['sent', 'delivered', 'stored', 'shown'];

export type StepState = 'waiting' | 'under-way' | 'passed' | 'failed';

export class Trial {
  passed = $state.raw<ReadonlySet<TestStep>>(new Set());
  failed = $state.raw<{ step: TestStep; why: string } | null>(null);
  isRunning = $state(false);

  begin(): void {
    this.passed = new Set();
    this.failed = null;
    this.isRunning = true;
  }

  hear(step: TestStep, failure: string | null): void {
    if (!this.isRunning) return;
    if (failure === null) this.passed = new Set([...this.passed, step]);
    else this.failed = { step, why: failure };
    if (this.failed || this.isPassed) this.isRunning = false;
  }

  fail(why: string): void {
    this.failed = { step: chain.find((step) => !this.passed.has(step)) ?? 'sent', why };
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
