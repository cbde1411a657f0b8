//! The log: one line per event, to stderr and to a file that is rotated.
//!
//! Belfry's crates log at the level of `app.log_level` (default `info`), or at that of `BELFRY_LOG`;
//! all other crates at `warn` or higher, because HTTP and WebSocket libraries log URLs and payloads
//! at lower levels. The file is for systems that keep no journal of stderr. Invariants: no setting
//! makes a foreign crate log below `warn`; the files stay below a fixed size; no line holds the
//! content of a message or a secret.

mod rotating_file;

#[cfg(target_os = "linux")]
#[path = "logging/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "logging/macos.rs"]
mod system;
#[cfg(target_os = "windows")]
#[path = "logging/windows.rs"]
mod system;

use std::io;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use belfry_core::foreign_text;
use belfry_core::settings::LogLevel;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use self::rotating_file::RotatingFile;
use crate::paths::NoHome;

/// Crates that may log below `warn`.
const OWN_CRATES: [&str; 7] = ["belfry", "belfry_app", "belfry_core", "belfryctl", "engine", "host", "stomp"];
/// Environment variable with the level of Belfry's crates: `off`, `error`, `warn`, `info`, `debug`
/// or `trace`. It stands over the setting.
pub const VARIABLE: &str = "BELFRY_LOG";

/// The levels that [`LEVEL`] may be an index of.
const LEVELS: [LevelFilter; 4] = [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG];
/// The level of Belfry's crates where the environment says nothing.
static LEVEL: AtomicU8 = AtomicU8::new(2);
/// The file, once there is one.
static FILE: Mutex<Option<RotatingFile>> = Mutex::new(None);

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Logging was already started in this process.
    #[error("logging was started twice: {0}")]
    Started(#[from] TryInitError),
}

/// Logs to stderr, and to the file once [`to_file`] has named one.
///
/// # Errors
/// [`LogError::Started`].
pub fn start() -> Result<(), LogError> {
    let fixed: Option<LevelFilter> = std::env::var(VARIABLE).ok().and_then(|name| name.parse().ok());
    let filter = dynamic_filter_fn(move |event, _| {
        is_logged(event.target(), event.level(), fixed.unwrap_or_else(|| level(&LEVEL)))
    });
    let filter = filter.with_max_level_hint(fixed.unwrap_or(LevelFilter::DEBUG));
    let layer = fmt::layer().with_writer(Cleaned(StderrAndFile::new)).with_ansi(false).with_filter(filter);
    tracing_subscriber::registry().with(layer).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A program of Windows without a console has no other place to say it.
fn log_panic(panic: &PanicHookInfo<'_>) {
    // A text that was put together at run time may hold the content of a message.
    let said = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("its text is left out");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = thread::current();
    tracing::error!(thread = thread.name().unwrap_or_default(), place, said, "a part of Belfry has panicked");
}

/// From now on Belfry's crates log at this level, unless the environment names one.
pub fn set_level(wanted: LogLevel) {
    LEVEL.store(index(wanted), Ordering::Relaxed);
}

/// From now on the log also goes into `NAME.log` in this folder, which is made if need be. Where
/// the system keeps a journal of stderr, nothing is written.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn to_file(folder: &Path, name: &str) -> io::Result<()> {
    if system::is_stderr_kept() {
        return Ok(());
    }
    let file = RotatingFile::open(folder, name)?;
    *FILE.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    Ok(())
}

/// Where the log's files are: below the data directory, if one was given; otherwise where this
/// system keeps logs.
///
/// # Errors
/// [`NoHome`].
pub fn folder(data_dir: Option<&Path>) -> Result<PathBuf, NoHome> {
    data_dir.map_or_else(system::folder, |data_dir| Ok(data_dir.join("logs")))
}

/// The log's files in this folder, rotated ones included.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    files.sort_unstable();
    files
}

fn index(wanted: LogLevel) -> u8 {
    match wanted {
        LogLevel::Error => 0,
        LogLevel::Warn => 1,
        LogLevel::Info => 2,
        LogLevel::Debug => 3,
    }
}

fn level(of: &AtomicU8) -> LevelFilter {
    LEVELS.get(usize::from(of.load(Ordering::Relaxed))).copied().unwrap_or(LevelFilter::INFO)
}

/// Writes every line to both. A program of Windows without a console has no stderr, which is no
/// reason to lose the file's line.
struct StderrAndFile;

impl StderrAndFile {
    fn new() -> Self {
        Self
    }
}

impl io::Write for StderrAndFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
        let filed = file.as_mut().map(|file| file.write_line(line));
        let shown = io::stderr().write_all(line);
        match filed {
            Some(Ok(())) => Ok(line.len()),
            Some(Err(_)) | None => shown.map(|()| line.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

    /// Panics on another thread, and this one's way to note them: only one test may replace it.
    #[test]
    fn a_panic_is_logged_with_its_place_and_without_words_that_may_be_those_of_a_message() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let writer = {
            let log = Arc::clone(&log);
            Cleaned(move || Shared(Arc::clone(&log)))
        };
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(log_panic));
        let subscriber = tracing_subscriber::registry().with(fmt::layer().with_writer(writer).with_ansi(false));
        let secret = "the salary of Bob";
        thread::spawn(move || {
            tracing::subscriber::with_default(subscriber, || {
                let _caught = std::panic::catch_unwind(|| panic!("a fixed text"));
                let _caught = std::panic::catch_unwind(|| panic!("not of {secret}"));
            });
        })
        .join()
        .unwrap();
        std::panic::set_hook(before);
        let text = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("logging.rs:").count(), 2, "{text}");
        assert!(text.contains("a fixed text") && !text.contains("salary"), "{text}");
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
