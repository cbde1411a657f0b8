// Picks the back end: Rust in the app, the fake one in a plain browser.

import type { Backend } from './backend';
import { fake, optionsFromAddress } from './fake';
import { isInApp, tauri } from './tauri';

export const backend: Backend = isInApp ? tauri : fake(optionsFromAddress(location.search));
