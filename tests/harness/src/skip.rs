//! A test that cannot run says so loudly, and fails where nothing may be missing (`CI=true`).

use std::io::Write;

/// Prints `SKIPPED: why`, not captured with the test's output, where `cargo xtask test` counts it.
///
/// # Panics
/// With `CI=true`: a tool that is missing there is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "missing in CI: {why}");
    writeln!(std::io::stderr(), "SKIPPED: {why}").expect("stderr can be written");
}

/// Whether all these programs are on the search path; if not, it is said which test is skipped for
/// which of them.
///
/// # Panics
/// With `CI=true`, if one is missing.
pub fn has(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let missing = programs.iter().find(|name| !is_there(name));
    if let Some(name) = missing {
        skip(&format!("{name} is not installed; cargo xtask test installs what the tests need"));
    }
    missing.is_none()
}
