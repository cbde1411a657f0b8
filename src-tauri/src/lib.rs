//! Belfry's shell: all that needs Tauri, tied to the engine.
//!
//! It shows the engine's state in the tray and its inbox in a window, and hands clicks back. It decides nothing.
//! Invariants: what is wrong with settings or data is said before anything is connected; the program ends only when a
//! person or the system says so, and then ends the session politely.

mod args;
mod commands;
mod deep_link;
mod display;
mod instance;
mod keeping;
mod links;
mod opened;
mod placement;
mod shell;
mod smoke;
mod startup;
mod tray;
mod view;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use belfry_core::event::Event;
use belfry_core::status::Connectivity;
use engine::{Engine, StartError};
use host::power::{self, Hint};
use host::{logging, tray_host};
use tauri::async_runtime as runtime;
use tauri::{AppHandle, Manager, RunEvent};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use crate::args::Args;
pub use crate::deep_link::NoticeLink;
use crate::instance::{Call, Claim, Place};
use crate::shell::Shell;
use crate::startup::Failure;
use crate::tray::render::Rendered;
use crate::tray::{Action, Tray};
use crate::view::Update;

/// How long a start in the tray waits for the tray: at login the panel may come later than we do.
const TRAY_PATIENCE: Duration = Duration::from_secs(20);
/// Shortest time between two calls to the window to read again, so that a burst costs it little.
const BURST: Duration = Duration::from_millis(100);

/// The icon on the screen, for as long as the program runs.
struct TrayIcon(Mutex<Rendered>);

/// To be called first, while the program has one thread: WebKitGTK's faster renderer shows nothing on some graphics
/// drivers and under virtual displays, so it is off unless the environment asks for it.
pub fn prepare_web_view() {
    const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: no other thread runs yet that could read the environment meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var(VARIABLE, "1");
        }
    }
}

/// Runs until the program is told to end. The exit codes are those of `belfryctl`.
pub fn run(args: Args) -> ExitCode {
    if let Err(error) = logging::to_stderr() {
        return fail(&Failure::other(error));
    }
    let (data_dir, place) = match take_place(&args) {
        Ok(Some(taken)) => taken,
        Ok(None) => return ExitCode::SUCCESS,
        Err(failure) => return fail(&failure),
    };
    let (events, heard) = unbounded_channel();
    let (machine, settings, engine) = match startup::start(&args, data_dir, runtime::handle().inner(), events) {
        Ok(started) => started,
        Err(failure) => return fail(&failure),
    };
    if let Err(error) = display::open() {
        return fail(&Failure::other(error));
    }
    let end_wanted = end_wanted();
    if let Some(engine) = &engine {
        engine.connect();
    }
    let notifier = machine.notifier.clone();
    let shell = Shell::new(machine, settings, engine);
    if let Some(link) = &args.link {
        shell.show_id(&link.id);
    }
    let is_hidden = (args.hidden && args.link.is_none()) || args.smoke_test;
    let built = tauri::Builder::default()
        .manage(shell)
        .invoke_handler(tauri::generate_handler![
            commands::listen,
            commands::start,
            commands::page,
            commands::seqs,
            commands::kinds,
            commands::notice,
            commands::set_read,
            commands::set_all_read,
            commands::remove,
            commands::restore,
            commands::open_link,
            commands::try_now,
            commands::remove_on_server,
            commands::act,
            commands::load_older,
            commands::export_notices,
            commands::show_export,
            commands::discover,
            commands::sign_in,
            commands::sign_out,
            commands::test_notice,
            commands::settings,
            commands::save_settings,
            commands::clients,
            commands::diagnose,
            commands::about,
        ])
        .on_window_event(window::handle)
        .setup(move |app| {
            if args.smoke_test {
                runtime::spawn(smoke::run(app.handle().clone(), notifier));
            }
            let first = app.handle().clone();
            runtime::spawn(place.listen(move |call| answer(&first, &call)));
            let woken = app.handle().clone();
            power::watch(move |hint| take_hint(&woken, hint));
            Ok(set_up(app.handle(), is_hidden, heard, end_wanted)?)
        })
        .build(tauri::generate_context!());
    match built {
        Ok(app) => ExitCode::from(u8::try_from(app.run_return(keep_running)).unwrap_or(1)),
        Err(error) => fail(&Failure::other(format!("the desktop cannot be used: {error}"))),
    }
}

/// The first start keeps its place; a later one hands over, and gets none. A smoke test never hands over: it has to show
/// that *it* can start.
fn take_place(args: &Args) -> Result<Option<(PathBuf, Place)>, Failure> {
    let call = Call {
        show: !args.hidden || args.link.is_some(),
        link: args.link.as_ref().map(ToString::to_string),
        token: ["XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID"].into_iter().find_map(|name| std::env::var(name).ok()),
    };
    let data_dir = startup::data_dir(args)?;
    if args.smoke_test && instance::is_taken(&data_dir) {
        return Err(StartError::InUse(data_dir).into());
    }
    match runtime::block_on(instance::claim(&data_dir, &call))? {
        Claim::First(place) => Ok(Some((data_dir, place))),
        Claim::HandedOver => {
            tracing::info!("Belfry is running already; it was asked to show itself");
            Ok(None)
        }
    }
}

/// A later start wants something of this one.
fn answer(app: &AppHandle, call: &Call) {
    if let Some(link) = call.notice() {
        app.state::<Shell>().show_id(&link.id);
    }
    if call.show {
        show_window(app, call.token.clone());
    }
}

fn take_hint(app: &AppHandle, hint: Hint) {
    app.state::<Shell>().wish(match hint {
        Hint::Woke => Engine::woke,
        Hint::NetworkChanged => Engine::network_changed,
    });
}

fn fail(failure: &Failure) -> ExitCode {
    tracing::error!("{}", failure.message);
    failure.exit_code()
}

/// Closing the last window is no wish to end; only [`quit`] gives a code.
fn keep_running(app: &AppHandle, event: RunEvent) {
    for link in opened::links(&event) {
        app.state::<Shell>().show_id(&link.id);
        show_window(app, None);
    }
    if let RunEvent::ExitRequested { code: None, api, .. } = event {
        api.prevent_exit();
    }
}

fn set_up(
    app: &AppHandle,
    is_hidden: bool,
    heard: UnboundedReceiver<Event>,
    end_wanted: impl Future<Output = ()> + Send + 'static,
) -> tauri::Result<()> {
    app.manage(TrayIcon(Mutex::new(Rendered::new(app, tray_now(app), act)?)));
    runtime::spawn(follow_engine(app.clone()));
    runtime::spawn(follow_inbox(app.clone()));
    runtime::spawn(follow_events(app.clone(), heard));
    let ending = app.clone();
    runtime::spawn(async move {
        end_wanted.await;
        quit(ending, 0).await;
    });
    if is_hidden {
        let app = app.clone();
        runtime::spawn_blocking(move || {
            if let Err(reason) = tray_host::wait(TRAY_PATIENCE) {
                tracing::warn!(%reason, "the window is shown, since the tray is not");
                show_window(&app, None);
            }
        });
        return Ok(());
    }
    window::show(app, None)
}

fn tray_now(app: &AppHandle) -> Tray {
    let shell = app.state::<Shell>();
    if !shell.has_account() {
        return Tray::without_account(shell.language());
    }
    let snapshot = shell.snapshot();
    let seen = snapshot.borrow();
    Tray::of(seen.status.state, seen.counts.badge, seen.retry_at.is_some(), shell.language())
}

/// Shows in tray and window what the engine says of itself.
async fn follow_engine(app: AppHandle) {
    let mut snapshot = app.state::<Shell>().snapshot();
    // What has happened since the tray was made is news too: a server nearby is quicker than a desktop's library.
    snapshot.mark_changed();
    let contents = |snapshot: &engine::Snapshot| (snapshot.counts, snapshot.revision);
    let mut known = contents(&snapshot.borrow());
    let mut is_missing = false;
    while snapshot.changed().await.is_ok() {
        let shell = app.state::<Shell>();
        let now = contents(&snapshot.borrow_and_update());
        shell.tell_status();
        // An attempt between two that found nothing is no news: nobody is led to the sign-in page twice.
        if snapshot.borrow().status.state != Connectivity::Connecting {
            let missing = shell.missing();
            if !std::mem::replace(&mut is_missing, missing.is_some()) && missing.is_some() {
                shell.tell(Update::Setup { setup: missing });
            }
        }
        if std::mem::replace(&mut known, now) != now {
            shell.note_change();
        }
        on_main_thread(&app, |app| {
            let icon = app.state::<TrayIcon>();
            let mut icon = icon.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = icon.show(app, tray_now(app)) {
                tracing::warn!(%error, "the tray icon could not be changed");
            }
        });
    }
}

/// Calls the window to read again, not more often than it can show.
async fn follow_inbox(app: AppHandle) {
    let shell = app.state::<Shell>();
    loop {
        shell.next_change().await;
        shell.tell(Update::Inbox);
        tokio::time::sleep(BURST).await;
    }
}

async fn follow_events(app: AppHandle, mut heard: UnboundedReceiver<Event>) {
    while let Some(event) = heard.recv().await {
        let shell = app.state::<Shell>();
        shell.heard(&event);
        match event {
            Event::Changed { .. } => shell.note_change(),
            Event::Activated { notices, activation_token, .. } => {
                if let [notice] = notices.as_slice() {
                    shell.show_notice(notice);
                }
                show_window(&app, activation_token);
            }
            // What these say, the snapshot says too.
            Event::Status(_)
            | Event::Notice { .. }
            | Event::CaughtUp { .. }
            | Event::Notification { .. }
            | Event::Rejected { .. } => {}
        }
    }
}

/// The system asks programs to end with signals; Windows and the desktop's own ways come through the window library. They
/// are heard from the call on, so that one which comes while the desktop is being opened ends politely too.
#[cfg(unix)]
fn end_wanted() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let handle = runtime::handle();
    let _inside = handle.inner().enter();
    let signals = signal(SignalKind::terminate()).and_then(|it| Ok((it, signal(SignalKind::interrupt())?)));
    async move {
        match signals {
            Ok((mut terminate, mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "signals are not listened to");
                std::future::pending().await
            }
        }
    }
}

#[cfg(not(unix))]
fn end_wanted() -> impl Future<Output = ()> + Send + 'static {
    std::future::pending()
}

fn act(app: &AppHandle, action: Action) {
    match action {
        Action::Open => show_window(app, None),
        Action::TryNow => app.state::<Shell>().try_now(),
        Action::Connect => app.state::<Shell>().wish(Engine::connect),
        Action::Disconnect => app.state::<Shell>().wish(Engine::disconnect),
        Action::Quit => drop(runtime::spawn(quit(app.clone(), 0))),
    }
}

/// Ends the session with a good-bye, then the program with this exit code.
async fn quit(app: AppHandle, code: u8) {
    on_main_thread(&app, window::keep_placement);
    if let Some(engine) = app.state::<Shell>().take_engine() {
        engine.end().await;
    }
    app.exit(code.into());
}

fn show_window(app: &AppHandle, token: Option<String>) {
    on_main_thread(app, move |app| {
        if let Err(error) = window::show(app, token.as_deref()) {
            tracing::error!(%error, "the window could not be shown");
        }
    });
}

fn on_main_thread(app: &AppHandle, work: impl FnOnce(&AppHandle) + Send + 'static) {
    let inner = app.clone();
    if let Err(error) = app.run_on_main_thread(move || work(&inner)) {
        tracing::debug!(%error, "the main thread is gone; the program is ending");
    }
}
