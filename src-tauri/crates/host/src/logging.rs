//! The log: one line per event, to stderr or to a file.
//!
//! Belfry's crates log at the level in `BELFRY_LOG` (default `info`), all other crates at `warn` or
//! higher, because HTTP and WebSocket libraries log URLs and payloads at lower levels. Deliberately
//! absent: rotation. Invariant: no setting makes a foreign crate log below `warn`.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Crates that may log below `warn`.
const OWN_CRATES: [&str; 6] = ["belfry", "belfry_core", "belfryctl", "engine", "host", "stomp"];
/// Environment variable with the level of Belfry's crates: `off`, `error`, `warn`, `info`, `debug`
/// or `trace`.
pub const VARIABLE: &str = "BELFRY_LOG";

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be written.
    #[error("cannot write the log file {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// The error of the system.
        source: io::Error,
    },
    /// Logging was already started in this process.
    #[error("logging was started twice: {0}")]
    Started(#[from] TryInitError),
}

/// Logs to stderr.
///
/// # Errors
/// [`LogError::Started`].
pub fn to_stderr() -> Result<(), LogError> {
    start(io::stderr)
}

/// Appends to a file, which is created if needed; its directory must exist.
///
/// # Errors
/// [`LogError`].
pub fn to_file(path: &Path) -> Result<(), LogError> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    start(Mutex::new(file.map_err(|source| LogError::File { path: path.display().to_string(), source })?))
}

fn start<W>(writer: W) -> Result<(), LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let own_level = std::env::var(VARIABLE).ok().and_then(|name| name.parse().ok()).unwrap_or(LevelFilter::INFO);
    let filter =
        filter_fn(move |event| is_logged(event.target(), event.level(), own_level)).with_max_level_hint(own_level);
    let layer = fmt::layer().with_writer(writer).with_ansi(false).with_filter(filter);
    Ok(tracing_subscriber::registry().with(layer).try_init()?)
}

fn is_logged(target: &str, level: &Level, own_level: LevelFilter) -> bool {
    let is_own = target.split("::").next().is_some_and(|name| OWN_CRATES.contains(&name));
    *level <= if is_own { own_level } else { own_level.min(LevelFilter::WARN) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_crate_never_logs_below_warn() {
        assert!(is_logged("belfry_core::pipeline::link", &Level::TRACE, LevelFilter::TRACE));
        assert!(is_logged("tungstenite::protocol", &Level::WARN, LevelFilter::TRACE));
        assert!(!is_logged("tungstenite::protocol", &Level::INFO, LevelFilter::TRACE));
        assert!(
            !is_logged("hostname::linux", &Level::INFO, LevelFilter::TRACE),
            "a name that only begins like one of ours"
        );
    }

    #[test]
    fn a_higher_level_applies_to_all_crates() {
        assert!(!is_logged("engine", &Level::WARN, LevelFilter::ERROR));
        assert!(!is_logged("hyper", &Level::WARN, LevelFilter::ERROR));
        assert!(is_logged("hyper", &Level::ERROR, LevelFilter::ERROR));
        assert!(!is_logged("engine", &Level::ERROR, LevelFilter::OFF));
    }
}
