//! Belfry's shell: all that needs Tauri, tied to the app ([`belfry_app`]).
//!
//! It shows the app's tray and window, and hands clicks back. It decides nothing. Invariants: what
//! is wrong with settings or data is said before anything is connected; the program ends only when
//! a person or the system says so, and then ends the session politely.

mod args;
mod gui;
mod ipc;
mod panicked;
mod platform;
mod smoke;
mod startup;
mod tray;
mod window;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use belfry_app::{App, Controller, Request, Requests, Started, WindowToken};
use engine::StartError;
use host::exit_reason::ExitReason;
use host::{logging, power, tray_host};
use tauri::async_runtime as runtime;
use tauri::{AppHandle, Manager, RunEvent};
use tokio::runtime::Runtime;

pub use crate::args::Args;
use crate::gui::TauriGui;
use crate::platform::instance::{self, Call, Claim, Place};
use crate::platform::{display, open_url};
use crate::startup::Failure;
use crate::window::{DataDir, Unavailable};

/// How long a start in the tray waits for the tray: at login the panel may come later than we do.
const TRAY_TIMEOUT: Duration = Duration::from_secs(20);

/// WebKitGTK's faster renderer shows nothing on some graphics drivers and under virtual displays.
const RENDERER: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
/// Without that renderer the processor draws the window. These two keep GTK (which asks for the
/// kinds of pixels) and WebKitGTK (for the device of its pages) from loading the graphics driver all
/// the same: it takes 11 MB and is never unloaded.
const NO_DRIVER: [(&str, &str); 2] = [("GDK_GL", "disable"), ("WEBKIT_WEB_RENDER_DEVICE_FILE", "/dev/null")];

/// To be called first, while the program has one thread. Nothing is drawn by a graphics processor
/// unless the environment has set [`RENDERER`]. Secrets are taken out of the environment, which
/// child processes inherit. Freed memory goes back to the system.
pub fn prepare_environment() {
    host::memory::return_freed_memory();
    // SAFETY: no other thread runs yet that could read the environment meanwhile.
    #[allow(unsafe_code)]
    unsafe {
        host::credentials::take_environment();
    }
    if std::env::var_os(RENDERER).is_none() {
        for (name, value) in [(RENDERER, "1")].into_iter().chain(NO_DRIVER) {
            if std::env::var_os(name).is_none() {
                // SAFETY: no other thread runs yet that could read the environment meanwhile.
                #[allow(unsafe_code)]
                unsafe {
                    std::env::set_var(name, value);
                }
            }
        }
    }
}

/// Runs until the program is told to end. The exit codes are those of `belfryctl`.
pub fn run(args: Args) -> ExitCode {
    if let Err(error) = logging::start() {
        return fail(&Failure::other(error));
    }
    if let Err(error) = start_runtime() {
        return fail(&Failure::other(format!("cannot start threads: {error}")));
    }
    let (data_dir, place) = match take_place(&args) {
        Ok(Some(taken)) => taken,
        Ok(None) => return ExitCode::SUCCESS,
        Err(failure) => {
            // A program of Windows has no other way to say it.
            if args.data_dir.is_none() {
                log_to_file(&args);
            }
            return fail(&failure);
        }
    };
    log_to_file(&args);
    let started = match startup::start(&args, data_dir, runtime::handle().inner()) {
        Ok(started) => started,
        Err(failure) => return fail(&failure),
    };
    if let Err(error) = display::open() {
        return fail(&Failure::other(error));
    }
    let end_signal = end_signal();
    if let Some(engine) = &started.engine {
        engine.connect();
    }
    let (app, requests) = belfry_app::channel();
    if let Some(link) = &args.link {
        app.send(Request::OpenAddress { link: link.clone(), window: None });
    }
    let (smoke_test, data_dir) = (args.smoke_test, started.machine.data_dir.clone());
    let is_hidden = (args.hidden && args.link.is_none()) || smoke_test;
    let built = tauri::Builder::default()
        .manage(app.clone())
        .manage(DataDir(data_dir))
        .invoke_handler(ipc::handler())
        .on_window_event(window::handle_event)
        .setup(move |handle| {
            if smoke_test {
                runtime::spawn(smoke::run(app.clone(), started.machine.notifier.clone(), started.language()));
            }
            let first = app.clone();
            runtime::spawn(place.listen(move |call| handle_call(&first, call)));
            let woken = app.clone();
            power::watch(move |hint| woken.send(Request::Power(hint)));
            let changed = app.clone();
            let settings_file = started.machine.settings_file.clone();
            host::settings::watch(settings_file, move || changed.send(Request::SettingsChanged));
            let quit = app.clone();
            runtime::spawn(async move {
                end_signal.await;
                quit.send(Request::Quit { code: 0 });
            });
            set_up(handle.handle(), &app, requests, started, is_hidden)
        })
        .build(tauri::generate_context!());
    match built {
        Ok(app) => ExitCode::from(u8::try_from(app.run_return(handle_event)).unwrap_or(1)),
        Err(error) => fail(&Failure::other(format!("the desktop cannot be used: {error}"))),
    }
}

/// Starts the threads for asynchronous work. Tauri would start one for each processor, and a
/// notifier needs no more than `belfryctl`. They end with the program.
fn start_runtime() -> io::Result<()> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let started = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime::set(RUNTIME.get_or_init(|| started).handle().clone());
    Ok(())
}

/// The log also goes into a file. A program that cannot write one runs without it.
fn log_to_file(args: &Args) {
    let written = logging::folder(args.data_dir.as_deref()).map_err(|error| error.to_string()).and_then(|folder| {
        logging::to_file(&folder, "belfry").map_err(|error| format!("{}: {error}", folder.display()))
    });
    if let Err(error) = written {
        tracing::warn!(error, "the log is not written to a file");
    }
}

/// The first start keeps its place; a later one hands over, and gets none. A smoke test never hands
/// over: it has to show that *it* can start.
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

/// A later start asks this one for something.
fn handle_call(app: &App, call: Call) {
    let window = call.show.then_some(WindowToken(call.token.clone()));
    match call.link() {
        Some(link) => app.send(Request::OpenAddress { link, window }),
        None if call.show => app.send(Request::ShowWindow { token: call.token }),
        None => {}
    }
}

fn fail(failure: &Failure) -> ExitCode {
    tracing::error!("{}", failure.message);
    failure.reason.into()
}

/// Closing the last window does not end the program; only [`Request::Quit`] gives a code.
fn handle_event(app: &AppHandle, event: RunEvent) {
    for link in open_url::links(&event) {
        let window = Some(WindowToken(None));
        app.state::<App>().send(Request::OpenAddress { link, window });
    }
    if let RunEvent::ExitRequested { code: None, api, .. } = event {
        api.prevent_exit();
    }
}

/// Puts the icon into the tray, starts the controller, and shows the window unless it is to stay
/// hidden.
fn set_up(
    handle: &AppHandle,
    app: &App,
    requests: Requests,
    started: Started,
    is_hidden: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    tray::create(handle, started.tray())?;
    let theme = started.settings.app.theme;
    let unavailable = Unavailable::new(Arc::clone(&started.machine.notifier), started.language());
    let gui = TauriGui::new(handle.clone(), unavailable.clone());
    let notifier = Arc::clone(&started.machine.notifier);
    let language = started.language();
    let controller = runtime::spawn(Controller::new(requests, gui, started)?.run());
    let ending = handle.clone();
    runtime::spawn(async move {
        if controller.await.is_err() {
            panicked::tell(notifier, language).await;
            ending.exit(ExitReason::Failed.code().into());
        }
    });
    if is_hidden {
        let app = app.clone();
        runtime::spawn_blocking(move || {
            if let Err(reason) = tray_host::wait(TRAY_TIMEOUT) {
                tracing::warn!(%reason, "the window is shown, since the tray is not");
                app.send(Request::ShowWindow { token: None });
            }
        });
        return Ok(());
    }
    match window::show(handle, theme, None) {
        Err(error) if tray_host::probe().is_ok() => {
            tracing::error!(%error, "the window could not be shown");
            unavailable.tell();
            Ok(())
        }
        shown => Ok(shown?),
    }
}

/// Returns when the system asks the program to end with a signal; Windows and the desktop's own
/// ways come through the window library. Signals count from the call on, so that one which comes
/// while the desktop is being opened ends politely too.
#[cfg(unix)]
fn end_signal() -> impl Future<Output = ()> + Send + 'static {
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
                tracing::warn!(%error, "signals cannot be received");
                std::future::pending().await
            }
        }
    }
}

#[cfg(not(unix))]
fn end_signal() -> impl Future<Output = ()> + Send + 'static {
    std::future::pending()
}
