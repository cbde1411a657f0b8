//! A test that cannot run says so loudly, and fails where nothing may be missing (`CI=true`).

use std::io::Write;

/// Prints `SKIPPED: why` past the capture of test output, where `cargo xtask test` counts it.
///
/// # Panics
/// With `CI=true`: a tool that is missing there is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "missing in CI: {why}");
    writeln!(std::io::stderr(), "SKIPPED: {why}").expect("stderr can be written");
}
