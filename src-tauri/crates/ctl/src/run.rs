//! `run`: the engine in a terminal, with each event printed as it happens.
//!
//! It ends at a signal, after a count or a time, or when the reader of the output closes it.
//! Deliberately absent: popups; they are accepted and reported as events. Invariants: an event is
//! printed and flushed before the engine marks it as announced, so the next run repeats what a
//! crash interrupted and prints what exceeded a count; the session always ends with DISCONNECT.

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
use host::exit_reason::ExitReason;
use host::proxies::MachineProxies;
use host::texts;
use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use crate::{args::Run, error::Error, output, setup::Setup};

mod event_lines;

/// Stays connected and prints events.
///
/// # Errors
/// At the start: [`ExitReason::SignIn`], [`ExitReason::InUse`], [`ExitReason::Store`], and
/// [`ExitReason::Usage`] for a token file. Later only errors of standard output.
pub(crate) async fn run(setup: Setup, args: Run, json: bool) -> Result<(), Error> {
    setup.secret()?;
    // Before anything is connected, so that every signal leads to DISCONNECT.
    let signal =
        signal().map_err(|error| Error::new(ExitReason::Failed, format!("cannot listen for signals: {error}")))?;
    let (stop_sender, mut stop) = mpsc::unbounded_channel();
    let mut printer = Printer { json, remaining: args.count, stop: stop_sender };
    let config = EngineConfig {
        language: texts::language(setup.settings.app.language),
        settings: setup.settings,
        data_dir: setup.data_dir,
        machine_id: host::machine::machine_id(),
        host_name: host::machine::host_name(),
        time_zone: TimeZone::system(),
        notifier: Arc::new(Headless::new()),
        credentials: setup.credentials,
        proxies: Arc::new(MachineProxies),
        to_announce: args.count,
        on_event: Box::new(move |event| printer.print(&event)),
        trim_memory: host::memory::trim,
    };
    let engine = Engine::start(config, &Handle::current())?;
    // Only now, since the engine has checked the data directory.
    if let Err(error) = host::logging::to_file(&setup.log_folder, "belfryctl") {
        tracing::warn!(%error, folder = %setup.log_folder.display(), "the log is not written to a file");
    }
    engine.connect();
    host::settings::watch(setup.settings_file, || {
        tracing::warn!("the settings have changed: end belfryctl run and start it again to use them");
    });
    let outcome = tokio::select! {
        () = signal => Ok(()),
        stopped = stop.recv() => stopped.flatten().map_or(Ok(()), |error| Err(error.into())),
        () = time_out(args.timeout) => Ok(()),
        () = closed(engine.snapshot()) => {
            let why = "a part of belfryctl has panicked; its log says where. Start it again: nothing received is lost";
            Err(Error::new(ExitReason::Failed, why))
        }
    };
    engine.end().await;
    outcome
}

/// Prints events. Sends to `stop` when the count is reached, or with the error when the output
/// cannot be written.
struct Printer {
    json: bool,
    remaining: Option<u64>,
    stop: mpsc::UnboundedSender<Option<io::Error>>,
}

impl Printer {
    fn print(&mut self, event: &Event) {
        let printed = if self.json { output::json(event) } else { output::lines(event_lines::lines(event)) };
        if let (Some(remaining), Event::Notice { .. }) = (&mut self.remaining, event) {
            *remaining = remaining.saturating_sub(1);
        }
        let stop = match printed {
            Err(error) => Some(error),
            Ok(()) if self.remaining == Some(0) => None,
            Ok(()) => return,
        };
        // The receiver is gone once the command is ending.
        let _ = self.stop.send(stop);
    }
}

/// Accepts every popup and shows none.
struct Headless {
    run: String,
    next: AtomicU64,
}

impl Headless {
    /// Its popup ids are unique among all runs.
    fn new() -> Self {
        let run = format!("headless {} {}", Timestamp::now().as_millisecond(), std::process::id());
        Self { run, next: AtomicU64::new(1) }
    }
}

impl Notifier for Headless {
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError> {
        let new = || PopupId(format!("{} {}", self.run, self.next.fetch_add(1, Ordering::Relaxed)));
        // As on a desktop, an update keeps the id of the popup that it changes.
        Ok(popup.replaces.clone().unwrap_or_else(new))
    }

    fn retract(&self, _id: &PopupId) {}

    fn listen(&self, _sink: Box<dyn Fn(PopupEvent) + Send + Sync>) {}
}

/// Resolves when the value cannot change any more.
async fn closed<T>(mut watched: watch::Receiver<T>) {
    while watched.changed().await.is_ok() {}
}

async fn time_out(limit: Option<Duration>) {
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
    let (mut interrupt, mut break_key, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = break_key.recv() => {}
            _ = close.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use belfry_core::{
        notice::{NoticeKeys, Priority},
        ports::{Loudness, PopupKind},
    };

    use super::*;

    #[tokio::test]
    async fn an_engine_that_has_ended_by_itself_ends_the_command() {
        let (shown, watched) = watch::channel(1);
        let closed = tokio::spawn(closed(watched));
        shown.send_replace(2);
        drop(shown);
        closed.await.unwrap();
    }

    #[test]
    fn an_update_keeps_the_id_of_its_popup() {
        let headless = Headless::new();
        let popup = |replaces| Popup {
            kind: PopupKind::Single,
            notices: NoticeKeys::default(),
            title: String::new(),
            body: String::new(),
            loudness: Loudness::Normal,
            priority: Priority::Normal,
            sound: String::new(),
            buttons: Vec::new(),
            replaces,
        };
        let first = headless.show(&popup(None)).unwrap();
        assert_eq!(headless.show(&popup(Some(first.clone()))).unwrap(), first);
        assert_ne!(headless.show(&popup(None)).unwrap(), first);
    }
}
