//! What the controller can be asked: by the window, the tray, the system, and a later start of the
//! program.
//!
//! Closed, so that the compiler finds every place when a request is added. The first group is the
//! window's commands, one each; they are described where the window calls them, in the shell's
//! `ipc/commands.rs`.

use std::fmt;

use belfry_core::app_link::AppLink;
use host::power::Hint;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::gui::WindowListener;
use crate::ipc::{
    About, Chosen, Client, CommandError, Detail, DoctorStep, ExportFormat, Exported, Filter, Kind, Older, Page,
    PageQuery, Pause, Removed, RemovedOnServer, Server, Setting, Setup, SignedIn, Start,
};
use crate::tray::TrayAction;

/// Where the answer to a request goes.
pub type Reply<T> = oneshot::Sender<Result<T, CommandError>>;

/// One request.
#[allow(missing_docs, reason = "the fields are the arguments of the window's commands, documented there")]
pub enum Request {
    Listen {
        listener: Box<dyn WindowListener>,
        reply: Reply<()>,
    },
    Start {
        reply: Reply<Start>,
    },
    Page {
        query: PageQuery,
        reply: Reply<Page>,
    },
    Seqs {
        filter: Filter,
        limit: usize,
        reply: Reply<Vec<i64>>,
    },
    Kinds {
        reply: Reply<Vec<Kind>>,
    },
    Notice {
        seq: i64,
        text: String,
        reply: Reply<Option<Detail>>,
    },
    SetRead {
        seqs: Vec<i64>,
        read: bool,
        reply: Reply<()>,
    },
    SetAllRead {
        filter: Filter,
        through: i64,
        reply: Reply<()>,
    },
    Remove {
        seqs: Vec<i64>,
        reply: Reply<Removed>,
    },
    Restore {
        undo: i64,
        reply: Reply<()>,
    },
    OpenLink {
        seq: i64,
        reply: Reply<()>,
    },
    TryNow {
        reply: Reply<()>,
    },
    /// Pauses notifications, or ends the pause.
    Pause {
        pause: Option<Pause>,
        reply: Reply<()>,
    },
    RemoveOnServer {
        seqs: Vec<i64>,
        reply: Reply<RemovedOnServer>,
    },
    KeepOnServer {
        seqs: Vec<i64>,
        reply: Reply<()>,
    },
    Act {
        seq: i64,
        action: String,
        /// What was confirmed, where it asks first.
        confirmed: Option<String>,
        reply: Reply<()>,
    },
    LoadOlder {
        reply: Reply<Older>,
    },
    Export {
        format: ExportFormat,
        filter: Filter,
        seqs: Option<Vec<i64>>,
        reply: Reply<Exported>,
    },
    ShowExport {
        reply: Reply<()>,
    },
    Discover {
        address: String,
        reply: Reply<Server>,
    },
    SignIn {
        server: Chosen,
        login: String,
        secret: SecretString,
        reply: Reply<SignedIn>,
    },
    SignInInBrowser {
        server: Chosen,
        reply: Reply<SignedIn>,
    },
    CancelSignIn {
        reply: Reply<()>,
    },
    SignInAgain {
        reply: Reply<Setup>,
    },
    SignOut {
        forget_device: bool,
        reply: Reply<()>,
    },
    TestNotice {
        reply: Reply<()>,
    },
    Settings {
        reply: Reply<Vec<Setting>>,
    },
    SaveSettings {
        values: Map<String, Value>,
        reply: Reply<Vec<Setting>>,
    },
    Clients {
        reply: Reply<Vec<Client>>,
    },
    Diagnose {
        on_step: Box<dyn FnMut(DoctorStep) + Send>,
        reply: Reply<()>,
    },
    About {
        reply: Reply<About>,
    },

    /// The window is gone.
    WindowClosed,
    /// The window is to be shown. The token lets it take the focus, where the desktop needs one.
    ShowWindow {
        token: Option<String>,
    },
    /// Somebody has opened an address of the app. Without a token the window stays as it is.
    OpenAddress {
        link: AppLink,
        window: Option<WindowToken>,
    },
    /// A click on the tray's icon or menu.
    Tray {
        action: TrayAction,
        token: WindowToken,
    },
    /// The machine woke up, or its network changed.
    Power(Hint),
    /// The settings file or the managed settings are no longer what they were.
    SettingsChanged,
    /// End the session politely, then the program with this exit code.
    Quit {
        code: u8,
    },
}

/// The desktop's permission to take the focus; `None` inside where the desktop gave none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowToken(pub Option<String>);

impl fmt::Debug for Request {
    /// Without the arguments: one of them is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Request")
    }
}
