//! Windows and macOS: no hints; the engine's comparison of clocks is enough.

use super::Hint;

/// Nothing to watch.
pub fn watch(_on_hint: impl Fn(Hint) + Send + 'static) {}
