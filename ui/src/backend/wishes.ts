// What the window needs of Rust beyond bindings.ts, as proposed shapes.
//
// bindings.ts is generated from src-tauri/src/view.rs; a type moves there, and leaves here, once Rust has it. What extends
// a type of bindings.ts is optional, so that the window also runs on a back end that does not say it yet. Closed sets of
// codes only: their words are in texts/*.json, so that the person's language is the window's matter alone.

/** Where a managed value stands (`docs/reference/settings.md`); `source` is then its file or registry path. */
export type ManagedLevel = 'mandatory' | 'recommended';

/** saveSettings: the key is managed; `key` says which. */
export type ManagedCode = 'managed';
