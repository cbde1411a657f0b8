//! The first run, the settings and what is around them, as the window shows them.
//!
//! Values only. Nothing here holds a secret: the one a person types goes the other way, as a plain
//! argument.

use belfry_core::foreign_text;
use belfry_core::settings::{self, origins, policy};
use engine::{doctor, net::requests};
use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;

use super::{Fault, MAX_LINE_CHARS};

mirror! {
    /// How to sign in.
    SignInMode of settings::AuthMode { Token = Token, Password = Password, Oidc = Oidc }
}

mirror! {
    /// What the sign-in is sent to a host for.
    Purpose of origins::Purpose { Messages = Messages, Api = Api, Login = Login, Issuer = Issuer, Actions = Actions }
}

/// A host beside the one that was asked, which the sign-in would be sent to as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct ForeignHost {
    /// Its name.
    pub host: String,
    /// What for.
    pub purposes: Vec<Purpose>,
}

impl From<origins::ForeignHost> for ForeignHost {
    fn from(foreign: origins::ForeignHost) -> Self {
        Self { host: foreign.host, purposes: foreign.purposes.into_iter().map(Purpose::from).collect() }
    }
}

/// What stands at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// As typed, or the origin of the settings.
    pub address: String,
    /// Host, port and path of the first endpoint.
    pub endpoint: String,
    /// Name the server gives itself; may be empty.
    pub name: String,
    /// How to sign in.
    pub mode: SignInMode,
    /// It said so itself; false for an endpoint typed by hand.
    pub is_discovered: bool,
    /// The hosts that the person has to agree to before a sign-in.
    pub foreign: Vec<ForeignHost>,
}

/// Which server to sign in to: as much of a [`Server`] as the window has to give back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chosen {
    /// As it was typed.
    pub address: String,
    /// The hosts of [`Server::foreign`] that the person has agreed to.
    #[serde(default)]
    pub agreed: Vec<String>,
}

/// Which step comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "kebab-case")]
pub enum SetupStep {
    /// The server's address.
    Address,
    /// The sign-in.
    SignIn,
}

/// What is missing before anything can be received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Setup {
    /// Which step comes first.
    pub step: SetupStep,
    /// The server's address is set by the organisation.
    pub is_managed: bool,
    /// The server, if it is known.
    pub server: Option<Server>,
    /// `auth.login`, if it is known.
    pub login: String,
}

/// Who is signed in now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// The account.
    pub account: String,
    /// False: the token is held for this run only.
    pub is_kept: bool,
}

/// The chain a test notice goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "kebab-case")]
pub enum TestStep {
    /// The server has taken it.
    Sent,
    /// The server has delivered it.
    Delivered,
    /// It is committed.
    Stored,
    /// A notification was shown.
    Shown,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Set by an administrator: the person cannot change it.
    Mandatory,
    /// In the person's own file.
    User,
    /// Suggested by an administrator.
    Recommended,
    /// What was given at installation, or what is built in.
    Default,
}

impl From<policy::Level> for Level {
    fn from(level: policy::Level) -> Self {
        match level {
            policy::Level::Mandatory => Self::Mandatory,
            policy::Level::User => Self::User,
            policy::Level::Recommended => Self::Recommended,
            policy::Level::Default | policy::Level::BuiltIn => Self::Default,
        }
    }
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Setting {
    /// Dotted name.
    key: &'static str,
    /// As in the settings file: durations and sizes are texts.
    #[cfg_attr(test, ts(type = "unknown"))]
    value: serde_json::Value,
    /// What holds when the person sets nothing.
    #[cfg_attr(test, ts(type = "unknown"))]
    fallback: serde_json::Value,
    /// Where the value stands.
    level: Level,
    /// The place of a managed value; empty otherwise.
    source: String,
}

impl From<settings::ListedSetting> for Setting {
    fn from(listed: settings::ListedSetting) -> Self {
        let level = listed.level.into();
        let source = if listed.is_set { String::new() } else { listed.source };
        Self { key: listed.key, value: listed.value, fallback: listed.fallback, level, source }
    }
}

/// A person who is signed in on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// Who.
    login: String,
    /// On which device.
    device: String,
    /// Since when; empty when the server does not say.
    since: String,
    /// It is this account on this device.
    is_this: bool,
}

impl From<requests::SignedInClient> for Client {
    fn from(one: requests::SignedInClient) -> Self {
        let line = |text: &str| foreign_text::one_line(text, MAX_LINE_CHARS);
        Self { login: line(&one.login), device: line(&one.device), since: line(&one.since), is_this: one.is_this }
    }
}

mirror! {
    /// What is looked at.
    DoctorStepName of doctor::Step {
        Settings = Settings,
        Dns = Dns,
        Tcp = Tcp,
        Proxy = Proxy,
        Tls = Tls,
        Websocket = Websocket,
        Stomp = Stomp,
        Subscribe = Subscribe,
        Collect = Collect,
        Clock = Clock,
        Keychain = Keychain,
        Notifications = Notifications,
        Tray = Tray,
        WebView = WebView,
    }
}
mirror! {
    /// How it went.
    Verdict of doctor::Verdict { Ok = Ok, Warn = Warn, Fail = Fail, Skipped = Skipped }
}

/// One step of the diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct DoctorStep {
    /// Which.
    step: DoctorStepName,
    /// How it went.
    verdict: Verdict,
    /// How long it took.
    #[cfg_attr(test, ts(type = "number"))]
    ms: u64,
    /// What was seen, without a secret; in English, as IT reads it.
    detail: String,
    /// What to do; may be empty. In English, as IT reads it.
    remedy: String,
    /// The same in the window's words, where it has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    fault: Option<Fault>,
}

impl From<doctor::Finding> for DoctorStep {
    fn from(finding: doctor::Finding) -> Self {
        let doctor::Finding { step, verdict, ms, detail, remedy, why, is_data_dir: _ } = finding;
        let (fault, detail) = (why.as_ref().map(Fault::from), foreign_text::one_line(&detail, MAX_LINE_CHARS));
        Self { step: step.into(), verdict: verdict.into(), ms, detail, remedy, fault }
    }
}

/// What this program is and keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// Its version.
    pub version: String,
    /// The account's own folder.
    pub data_dir: String,
    /// The person's settings.
    pub settings_file: String,
    /// Names the policy in force; empty without one.
    pub policy_digest: String,
    /// Notices.
    #[cfg_attr(test, ts(type = "number"))]
    pub total: u64,
    /// Of these, not read.
    #[cfg_attr(test, ts(type = "number"))]
    pub unread: u64,
    /// Messages that could not be used.
    #[cfg_attr(test, ts(type = "number"))]
    pub rejected: u64,
}

/// What was read of the server's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Older {
    /// Notices that were not there.
    #[cfg_attr(test, ts(type = "number"))]
    pub added: usize,
    /// Whether it goes on.
    pub has_more: bool,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// One array, a notice a line.
    Json,
    /// RFC 4180 with a header.
    Csv,
}

/// What was written to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Exported {
    /// Notices.
    #[cfg_attr(test, ts(type = "number"))]
    pub count: u64,
    /// Where.
    pub path: String,
}

/// What can be asked of the server now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Offers {
    /// Older history.
    pub history: bool,
    /// To delete there, at once or at the next connect.
    pub delete: bool,
    /// Who is signed in.
    pub clients: bool,
}

/// For the bindings.
#[cfg(test)]
pub(super) fn declarations(config: &ts_rs::Config) -> Vec<String> {
    vec![
        SignInMode::decl(config),
        Purpose::decl(config),
        ForeignHost::decl(config),
        Server::decl(config),
        SetupStep::decl(config),
        Setup::decl(config),
        SignedIn::decl(config),
        TestStep::decl(config),
        Level::decl(config),
        Setting::decl(config),
        Client::decl(config),
        DoctorStepName::decl(config),
        Verdict::decl(config),
        DoctorStep::decl(config),
        About::decl(config),
        Older::decl(config),
        ExportFormat::decl(config),
        Exported::decl(config),
        Offers::decl(config),
    ]
}
