//! `run`: the engine until somebody says stop, each event printed as it happens.
//!
//! Popups have no screen here, so they are taken and named as they would be shown. An event is printed and flushed before
//! the engine counts it as told, so that what a crash cut off is said again by the next run, and what comes beyond a count
//! is said by it for the first time. It ends on a signal, a count, a time, or when nobody reads the output any more; always
//! with DISCONNECT.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use belfry_core::{
    event::Event,
    ports::{Notifier, NotifyError, Popup, PopupEvent, PopupId},
};
use engine::{Engine, EngineConfig};
use host::texts;
use jiff::{Timestamp, tz::TimeZone};
use tokio::{runtime::Handle, sync::mpsc};

use crate::{
    args::Run,
    ending::{Code, Error},
    output,
    setup::Setup,
};

mod readable;

/// Stays connected.
///
/// # Errors
/// At the start only: [`Code::SignIn`], [`Code::InUse`], [`Code::Store`], and [`Code::Usage`] for a token file; then none,
/// but of standard output.
pub(crate) async fn run(setup: Setup, args: Run, json: bool) -> Result<(), Error> {
    setup.secret()?;
    // Before anything is connected, so that no signal finds us without a good-bye.
    let signal = signal().map_err(|error| Error::new(Code::Failed, format!("signals cannot be heard: {error}")))?;
    let (told, mut stop) = mpsc::unbounded_channel();
    let mut printer = Printer { json, left: args.count, told };
    let config = EngineConfig {
        language: texts::language(setup.settings.app.language),
        settings: setup.settings,
        data_dir: setup.data_dir,
        machine_id: host::machine::machine_id(),
        time_zone: TimeZone::system(),
        notifier: Arc::new(Headless::new()),
        credentials: setup.credentials,
        to_announce: args.count,
        on_event: Box::new(move |event| printer.print(&event)),
    };
    let engine = Engine::start(config, &Handle::current())?;
    engine.connect();
    let failure = tokio::select! {
        () = signal => None,
        stopped = stop.recv() => stopped.flatten(),
        () = wait(args.timeout) => None,
    };
    engine.end().await;
    failure.map_or(Ok(()), |error| Err(error.into()))
}

/// Prints events and says when it is time to stop: the count is reached, or the output is gone (then why).
struct Printer {
    json: bool,
    left: Option<u64>,
    told: mpsc::UnboundedSender<Option<io::Error>>,
}

impl Printer {
    fn print(&mut self, event: &Event) {
        let printed = if self.json { output::json(event) } else { output::lines(readable::lines(event)) };
        if let (Some(left), Event::Notice { .. }) = (&mut self.left, event) {
            *left = left.saturating_sub(1);
        }
        let stop = match printed {
            Err(error) => Some(error),
            Ok(()) if self.left == Some(0) => None,
            Ok(()) => return,
        };
        // Said once is enough; the end may be under way.
        let _ = self.told.send(stop);
    }
}

/// Takes every popup and shows none.
struct Headless {
    run: String,
    next: AtomicU64,
}

impl Headless {
    /// Names that no other run gives.
    fn new() -> Self {
        let run = format!("headless {} {}", Timestamp::now().as_millisecond(), std::process::id());
        Self { run, next: AtomicU64::new(1) }
    }
}

impl Notifier for Headless {
    fn show(&self, _popup: &Popup) -> Result<PopupId, NotifyError> {
        Ok(PopupId(format!("{} {}", self.run, self.next.fetch_add(1, Ordering::Relaxed))))
    }

    fn retract(&self, _id: &PopupId) {}

    fn listen(&self, _sink: Box<dyn Fn(PopupEvent) + Send + Sync>) {}
}

async fn wait(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Resolves at SIGINT or SIGTERM.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves at Ctrl-C, Ctrl-Break, or when the console is closed.
#[cfg(windows)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
    let (mut interrupt, mut broken, mut closed) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = broken.recv() => {}
            _ = closed.recv() => {}
        }
    })
}
