//! The log: one line per event, to stderr.
//!
//! Belfry's crates log at the level in `BELFRY_LOG` (default `info`), all other crates at `warn` or
//! higher, because HTTP and WebSocket libraries log URLs and payloads at lower levels. Deliberately
//! absent: a log file. Invariant: no setting makes a foreign crate log below `warn`.

use std::io;

use belfry_core::foreign_text;
use tracing::{Level, Metadata};
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

fn start<W>(writer: W) -> Result<(), LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let own_level = std::env::var(VARIABLE).ok().and_then(|name| name.parse().ok()).unwrap_or(LevelFilter::INFO);
    let filter =
        filter_fn(move |event| is_logged(event.target(), event.level(), own_level)).with_max_level_hint(own_level);
    let layer = fmt::layer().with_writer(Cleaned(writer)).with_ansi(false).with_filter(filter);
    Ok(tracing_subscriber::registry().with(layer).try_init()?)
}

/// A writer of log lines, without what could control the terminal that shows them or begin another
/// line: an event may hold the words of a server or of the system.
struct Cleaned<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Cleaned<W> {
    type Writer = Cleaned<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Cleaned(self.0.make_writer())
    }

    fn make_writer_for(&'w self, meta: &Metadata<'_>) -> Self::Writer {
        Cleaned(self.0.make_writer_for(meta))
    }
}

/// The layer above writes each event at once, with its line end.
impl<W: io::Write> io::Write for Cleaned<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text).replace(['\n', '\t'], " ");
        let mut line = foreign_text::printable(&line).into_owned();
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn is_logged(target: &str, level: &Level, own_level: LevelFilter) -> bool {
    let is_own = target.split("::").next().is_some_and(|name| OWN_CRATES.contains(&name));
    *level <= if is_own { own_level } else { own_level.min(LevelFilter::WARN) }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn the_words_of_a_server_stay_on_their_line_of_the_log_and_cannot_control_a_terminal() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let writer = {
            let log = Arc::clone(&log);
            Cleaned(move || Shared(Arc::clone(&log)))
        };
        let subscriber = tracing_subscriber::registry().with(fmt::layer().with_writer(writer).with_ansi(false));
        tracing::subscriber::with_default(subscriber, || {
            let said = "x\u{1b}[2J\u{9b}\u{202e}\ny";
            tracing::info!(said, shown = %said, "the server said {said}");
        });
        let text = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        let line = text.strip_suffix('\n').unwrap();
        assert!(foreign_text::is_clean(line) && line.contains("the server said x"), "{line:?}");
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

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
