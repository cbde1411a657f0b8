//! What the engine needs from the machine: the `host` crate implements it for real desktops, tests
//! implement their own.
//!
//! Implementations may block (D-Bus, keychain prompts): they are called from threads that may wait,
//! by the driver, and by the app for the questions and results of buttons. Deliberately absent: everything that no feature uses today.

use std::sync::{Arc, OnceLock};

use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use crate::{
    notice::{NoticeKey, NoticeKeys, Priority},
    oidc_tokens::OidcTokens,
    settings::{
        AuthMode, Settings,
        origins::{AgreedOrigins, ForeignHost},
    },
    texts::Language,
};

/// Names one OS notification across restarts: the daemon's id with the daemon's own name, since a
/// restarted daemon counts from the beginning. Opaque to the engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PopupId(pub String);

/// What a popup shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PopupKind {
    /// One notice.
    Single,
    /// Several notices of one batch.
    Summary,
    /// New text for a notification that is still on the screen.
    Update,
    /// Asks a person to confirm what a button does. It is useless without its buttons, so a desktop
    /// that cannot show them refuses it.
    Question,
    /// Says what came of a button.
    Result,
}

/// A button of a popup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopupButton {
    /// What [`PopupEvent::Activated`] names it by: ASCII, without spaces.
    pub key: String,
    /// What it says: one line of plain text.
    pub label: String,
}

/// How loud a popup is (`notifications.rules`, the priority and quiet hours taken together).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loudness {
    /// Shown without a sound.
    Quiet,
    /// The desktop's default.
    Normal,
    /// Stays ([`Popup::stays`]), and breaks through the desktop's own do-not-disturb where it allows
    /// that.
    Urgent,
}

/// One notification to hand to the OS. Title and body are plain text: the host escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Popup {
    /// Single, summary or update.
    pub kind: PopupKind,
    /// Its notices; never empty.
    pub notices: NoticeKeys,
    /// First line.
    pub title: String,
    /// The rest; may be empty.
    pub body: String,
    /// How loud.
    pub loudness: Loudness,
    /// The highest priority among the notices.
    pub priority: Priority,
    /// Name of the sound (`notifications.sound`); empty for none.
    pub sound: String,
    /// What a person can do beside opening it; left out where the desktop shows no buttons.
    pub buttons: Vec<PopupButton>,
    /// The popup this one replaces, for an update.
    pub replaces: Option<PopupId>,
}

impl Popup {
    /// Whether it stays until a person closes it, where the desktop supports that.
    pub fn stays(&self) -> bool {
        let is_important = self.loudness == Loudness::Normal && self.priority >= Priority::High;
        self.kind == PopupKind::Question || self.loudness == Loudness::Urgent || is_important
    }

    /// A popup about the program itself. `id` is that of no notice, so that a click on it opens none.
    pub fn of_program(id: &str, title: &str, body: &str) -> Self {
        Self {
            kind: PopupKind::Single,
            notices: NoticeKey { scope: String::new(), id: id.to_owned() }.into(),
            title: title.to_owned(),
            body: body.to_owned(),
            loudness: Loudness::Normal,
            priority: Priority::Normal,
            sound: String::new(),
            buttons: Vec::new(),
            replaces: None,
        }
    }
}

/// What a person did to a popup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PopupEvent {
    /// Clicked: the body, or the button with this action id.
    Activated {
        /// Which popup.
        id: PopupId,
        /// `default` for the body, else the [`PopupButton::key`].
        action: String,
        /// XDG activation token, which lets a window take the focus.
        activation_token: Option<String>,
    },
    /// It left the screen: dismissed, expired or closed.
    Closed {
        /// Which popup.
        id: PopupId,
    },
    /// A notification service has started: what none could show is shown now.
    ServiceStarted,
}

/// Why a popup was not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// No notification service on this desktop, so that nothing was shown.
    #[error("no notification service: {0}")]
    Unavailable(String),
    /// The service refused the notification.
    #[error("the notification service refused: {0}")]
    Refused(String),
}

/// The desktop's notification service.
pub trait Notifier: Send + Sync + 'static {
    /// Hands a popup to the OS and returns its name. May block for as long as the service takes.
    ///
    /// # Errors
    /// [`NotifyError`] when there is no service or it refused; the notice stays unread in the
    /// inbox.
    fn show(&self, popup: &Popup) -> Result<PopupId, NotifyError>;

    /// Whether the person has told the system not to disturb: popups are handed over all the same,
    /// and the system keeps them. False where the system does not say.
    fn is_silenced(&self) -> bool {
        false
    }

    /// Takes a popup off the screen. Nothing happens if it has left the screen, or if another
    /// daemon showed it.
    fn retract(&self, id: &PopupId);

    /// The person's language has changed: for the words that are the system's to show beside a
    /// popup's own.
    fn set_language(&self, _language: Language) {}

    /// Called once by each engine, before its first [`show`](Self::show): `sink` receives what
    /// people do to popups. A later call replaces it.
    fn listen(&self, sink: Box<dyn Fn(PopupEvent) + Send + Sync>);
}

/// Why the credential could not be read or kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// There is no keychain.
    #[error(
        "the keychain cannot be used ({0}): start the keychain service of the system (on Linux GNOME Keyring or KWallet)"
    )]
    Unavailable(String),
    /// The keychain is locked.
    #[error("the keychain is locked ({0}): unlock it, then try again")]
    Locked(String),
    /// The token file is readable by others, missing or empty.
    #[error("{0}")]
    File(String),
}

/// The secret of a sign-in.
#[derive(Debug, Clone)]
pub enum Secret {
    /// A token that the server issued: it is sent unchanged.
    Token(SecretString),
    /// A password: with `auth.login_url` it is exchanged for a token, else it is sent unchanged.
    Password(SecretString),
    /// The tokens of a sign-in in the browser: the access token is sent.
    Oidc(OidcTokens),
}

impl Secret {
    /// The secret that was stored as this text.
    pub fn of_stored(stored: SecretString, mode: AuthMode) -> Self {
        // In every mode, so that a refresh token is never sent in place of a token or a password.
        match (OidcTokens::of_stored(&stored), mode) {
            (Some(tokens), _) => Self::Oidc(tokens),
            (None, AuthMode::Password) => Self::Password(stored),
            // A token may also have been given where no browser is.
            (None, AuthMode::Token | AuthMode::Oidc) => Self::Token(stored),
        }
    }

    /// The text to store it as.
    pub fn to_stored(&self) -> SecretString {
        match self {
            Self::Token(text) | Self::Password(text) => text.clone(),
            Self::Oidc(tokens) => tokens.to_stored(),
        }
    }

    /// Every text in it that no log and no file may contain.
    pub fn texts(&self) -> Vec<&SecretString> {
        match self {
            Self::Token(text) | Self::Password(text) => vec![text],
            Self::Oidc(tokens) => std::iter::once(&tokens.access).chain(&tokens.refresh).collect(),
        }
    }
}

/// A secret together with the origins that it may be sent to: it can be taken only for settings that
/// name no others.
#[derive(Debug, Clone)]
pub struct StoredSecret {
    secret: Secret,
    agreed: Agreement,
}

#[derive(Debug, Clone)]
enum Agreement {
    /// What the person agreed to at the sign-in.
    Origins(AgreedOrigins),
    /// What the settings name with which the secret is used first.
    FirstUse(ProvidedAgreement),
}

/// The origins that secrets from the environment or a token file are agreed for: those of the
/// settings with which the program starts.
#[derive(Debug, Clone, Default)]
pub struct ProvidedAgreement(Arc<OnceLock<AgreedOrigins>>);

impl StoredSecret {
    /// A secret that was stored at a sign-in.
    pub fn kept(secret: Secret, agreed: AgreedOrigins) -> Self {
        Self { secret, agreed: Agreement::Origins(agreed) }
    }

    /// A secret that the environment or a token file provides.
    pub fn provided(secret: Secret, agreement: &ProvidedAgreement) -> Self {
        Self { secret, agreed: Agreement::FirstUse(agreement.clone()) }
    }

    /// The origins that the person agreed to at the sign-in; `None` for a secret that was provided.
    pub fn agreed(&self) -> Option<&AgreedOrigins> {
        match &self.agreed {
            Agreement::Origins(agreed) => Some(agreed),
            Agreement::FirstUse(_) => None,
        }
    }

    /// The issuer's name for the person who has signed in in the browser.
    pub fn subject(&self) -> Option<&str> {
        match &self.secret {
            Secret::Oidc(tokens) => Some(&tokens.subject),
            Secret::Token(_) | Secret::Password(_) => None,
        }
    }

    /// The secret, to be used with these settings.
    ///
    /// # Errors
    /// [`NotAgreed`], which names the hosts that the person has not agreed to.
    pub fn for_settings(self, settings: &Settings) -> Result<Secret, NotAgreed> {
        let agreed = match &self.agreed {
            Agreement::Origins(agreed) => agreed,
            Agreement::FirstUse(agreement) => agreement.0.get_or_init(|| AgreedOrigins::of(settings)),
        };
        let missing = agreed.missing(settings);
        if missing.is_empty() { Ok(self.secret) } else { Err(NotAgreed(missing)) }
    }
}

/// The settings name hosts that the secret was not given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAgreed(pub Vec<ForeignHost>);

impl NotAgreed {
    /// The hosts with the settings that name them, as `api.example.com (api.base)`.
    pub fn hosts(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Where the secret of an account lives. `account` is the account's stable name
/// ([`crate::account::Account::name`]).
pub trait Credentials: Send + Sync + 'static {
    /// The secret; `None` when there is none. `mode` says what kind of secret it is.
    ///
    /// # Errors
    /// [`CredentialError`] when the place itself cannot be used.
    fn secret(&self, account: &str, mode: AuthMode) -> Result<Option<StoredSecret>, CredentialError>;

    /// Stores the secret, and the origins that the person has agreed to send it to.
    ///
    /// # Errors
    /// [`CredentialError`] when the place itself cannot be used; nothing is stored then.
    fn keep(&self, account: &str, secret: &SecretString, agreed: &AgreedOrigins) -> Result<(), CredentialError>;

    /// Deletes the secret; succeeds if there is none.
    ///
    /// # Errors
    /// [`CredentialError`] when the place itself cannot be used.
    fn forget(&self, account: &str) -> Result<(), CredentialError>;
}

/// The variables of the environment that name proxies; empty where they are not set. They may hold
/// a credential.
#[derive(Clone, Default)]
pub struct ProxyVariables {
    /// `HTTPS_PROXY`.
    pub https: String,
    /// `ALL_PROXY`.
    pub all: String,
    /// `NO_PROXY`: hosts that are reached without a proxy.
    pub no: String,
}

/// The system cannot be asked for proxies, or has answered with an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProxyLookupError(pub String);

/// What environment and system say about proxies (`network.proxy = "system"`).
pub trait SystemProxies: Send + Sync + 'static {
    /// The variables of the environment, which come before the system.
    fn variables(&self) -> ProxyVariables;

    /// Asks the system which proxies lead to this server, automatic configuration included. `origin`
    /// is scheme, host and port, since a path may carry a token. The answers are in the system's
    /// order and words; [`crate::proxies::choose`] says what they mean. May block for as long as the
    /// system takes, so it is called on a thread of its own.
    ///
    /// # Errors
    /// [`ProxyLookupError`] when there is nothing to ask.
    fn lookup(&self, origin: &Url) -> Result<Vec<String>, ProxyLookupError>;
}
