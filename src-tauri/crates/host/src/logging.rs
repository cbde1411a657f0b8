//! The log: one line an event, to stderr or to a file.
//!
//! Our own crates speak as `BELFRY_LOG` says (default `info`); every other crate stops at `warn`, because HTTP and
//! WebSocket libraries print URLs and payloads below that. Invariant: nothing can raise a foreign crate above `warn`.

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

/// Crates whose events may go below `warn`.
const OURS: [&str; 5] = ["belfry", "belfryctl", "engine", "host", "stomp"];
/// Environment variable with our level: `off`, `error`, `warn`, `info`, `debug` or `trace`.
pub const VARIABLE: &str = "BELFRY_LOG";

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be written.
    #[error("cannot write the log file {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A log was started before in this process.
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

/// Logs to the end of a file, which is made if needed; its directory has to exist.
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
    let ours = std::env::var(VARIABLE).ok().and_then(|name| name.parse().ok()).unwrap_or(LevelFilter::INFO);
    let filter = filter_fn(move |event| is_logged(event.target(), event.level(), ours)).with_max_level_hint(ours);
    let layer = fmt::layer().with_writer(writer).with_ansi(false).with_filter(filter);
    Ok(tracing_subscriber::registry().with(layer).try_init()?)
}

fn is_logged(target: &str, level: &Level, ours: LevelFilter) -> bool {
    let is_ours = target.split("::").next().is_some_and(|name| OURS.contains(&name));
    *level <= if is_ours { ours } else { ours.min(LevelFilter::WARN) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_crate_never_speaks_below_warn() {
        assert!(is_logged("belfry_core::pipeline::link", &Level::TRACE, LevelFilter::TRACE));
        assert!(is_logged("tungstenite::protocol", &Level::WARN, LevelFilter::TRACE));
        assert!(!is_logged("tungstenite::protocol", &Level::INFO, LevelFilter::TRACE));
        assert!(!is_logged("hostname::linux", &Level::INFO, LevelFilter::TRACE), "a name that begins like ours");
    }

    #[test]
    fn a_quieter_level_quiets_everybody() {
        assert!(!is_logged("engine", &Level::WARN, LevelFilter::ERROR));
        assert!(!is_logged("hyper", &Level::WARN, LevelFilter::ERROR));
        assert!(is_logged("hyper", &Level::ERROR, LevelFilter::ERROR));
        assert!(!is_logged("engine", &Level::ERROR, LevelFilter::OFF));
    }
}
