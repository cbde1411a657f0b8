// Chooses the back end: Rust in the app, the fake in a plain browser. The app never loads the fake.

import type { Backend } from './backend';
import { isInApp, tauri } from './tauri';

export async function connect(): Promise<Backend> {
  if (isInApp) return tauri;
  const { fake, optionsFromAddress } = await import('./fake');
  return fake(optionsFromAddress(location.search));
}
