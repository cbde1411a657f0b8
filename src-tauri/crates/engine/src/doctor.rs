//! Examines, step by step, what messages need to arrive on this computer
//! (`docs/reference/commands.md`, "doctor").
//!
//! Each step yields a [`Finding`]: what was found and what to do. Deliberately absent: the steps of
//! the machine (keychain, notification service, tray, web view), which the `host` crate examines. Invariant:
//! no message is consumed. Queues are probed and what they deliver goes back; a page is collected
//! only into the store, under the engine's lock.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use secrecy::SecretString;
use serde::Serialize;
use tokio::time::Instant;

use crate::clock;
use crate::net::{http::Client, identity::Identity, token};
use belfry_core::{
    error::{Failure, Fault},
    foreign_text::one_line,
    ports::Secret,
    status::{Cause, Kind},
};

mod collect;
mod queues;
mod route;
mod session;

/// A clock that is off by more than this causes errors: tokens seem expired, times are wrong.
const MAX_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What is examined, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The settings file, and the files it names.
    Settings,
    /// The name of the server, or of the proxy.
    Dns,
    /// Whether it takes a connection.
    Tcp,
    /// Whether the proxy lets us through.
    Proxy,
    /// Whether the certificate is trusted.
    Tls,
    /// Whether it opens a WebSocket.
    Websocket,
    /// Whether it opens a session.
    Stomp,
    /// Whether a destination may be subscribed to.
    Subscribe,
    /// Whether missed messages can be collected.
    Collect,
    /// How far the server's clock is off.
    Clock,
    /// Where the token is kept.
    Keychain,
    /// What shows notifications.
    Notifications,
    /// What shows the tray icon.
    Tray,
    /// What draws the window; only where it may be missing.
    WebView,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It works.
    Ok,
    /// It works, but a person should look at it.
    Warn,
    /// It does not work.
    Fail,
    /// It was not examined; the detail says why.
    Skipped,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The step.
    pub step: Step,
    /// How it went.
    pub verdict: Verdict,
    /// How long it took.
    pub ms: u64,
    /// What was found, without a secret.
    pub detail: String,
    /// What to do; empty if nothing.
    pub remedy: String,
    /// The failure it was, if it was one of the engine's; `detail` and `remedy` say the same in
    /// English.
    #[serde(skip)]
    pub why: Option<Cause>,
    /// Whether it is the data folder, or the inbox in it, that cannot be used.
    #[serde(skip)]
    pub is_data_dir: bool,
}

impl Finding {
    /// A step that was not examined.
    pub fn skipped(step: Step, why: impl Into<String>) -> Self {
        let detail = one_line(&why.into(), usize::MAX);
        Self { step, verdict: Verdict::Skipped, ms: 0, detail, remedy: String::new(), why: None, is_data_dir: false }
    }
}

/// A step that is being examined, and since when.
#[derive(Debug, Clone, Copy)]
pub struct StepRun {
    step: Step,
    since: Instant,
}

impl StepRun {
    /// Starts a step.
    pub fn start(step: Step) -> Self {
        Self { step, since: Instant::now() }
    }

    /// It works.
    pub fn ok(self, detail: impl Into<String>) -> Finding {
        self.found(Verdict::Ok, detail, "")
    }

    /// It works, but a person should look at it.
    pub fn warn(self, detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.found(Verdict::Warn, detail, remedy)
    }

    /// It does not work.
    pub fn fail(self, detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.found(Verdict::Fail, detail, remedy)
    }

    /// It does not work, as this failure says.
    pub fn failed(self, failure: &Failure) -> Finding {
        let remedy = match (failure.remedy(), failure.kind()) {
            ("", Kind::Unreachable | Kind::TimedOut | Kind::Closed | Kind::Broken | Kind::Silent) => {
                "try again; if it stays, ask IT whether the server runs and a firewall lets this computer reach it"
            }
            ("", _) => "try again later; if it stays, ask who runs the server",
            (remedy, _) => remedy,
        };
        Finding { why: Some(failure.into()), ..self.fail(failure.reason(), remedy) }
    }

    /// The data folder, or the inbox in it, cannot be used, as this error says.
    pub fn failed_data_dir(self, error: impl Into<String>) -> Finding {
        let remedy = "repair the data folder, or give another one with --data-dir";
        Finding { is_data_dir: true, ..self.fail(error, remedy) }
    }

    fn found(self, verdict: Verdict, detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A server names itself and words its errors.
        let detail = one_line(&detail.into(), usize::MAX);
        Finding { step: self.step, verdict, ms, detail, remedy: remedy.into(), why: None, is_data_dir: false }
    }
}

/// What is to be examined.
#[derive(Debug)]
pub struct Subject {
    /// Settings, account and device.
    pub identity: Arc<Identity>,
    /// The shared HTTP client, made of these settings.
    pub client: Client,
    /// The secret; `None` when there is none, so that everything that needs it is skipped.
    pub secret: Option<Secret>,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The machine's time zone.
    pub time_zone: TimeZone,
}

/// Examines everything from [`Step::Dns`] to [`Step::Clock`], every endpoint in turn; `report` gets
/// each finding at once. Takes up to half a minute for an endpoint that does not answer.
pub async fn examine(subject: &Subject, report: &mut impl FnMut(Finding)) {
    let mut server_time = None;
    let mut session = None;
    let mut doctor_token = DoctorToken::default();
    for endpoint in &subject.identity.settings.server.endpoints {
        let seen = route::examine(subject, endpoint, report).await;
        server_time = server_time.or(seen.server_time);
        let opened = session::open(subject, endpoint, seen.is_reachable, &mut doctor_token, report).await;
        session = session.or(opened);
    }
    let token = doctor_token.ok();
    session::subscribe(subject, session, token.as_ref(), report).await;
    collect::examine(subject, token.as_ref(), report).await;
    report(clock(server_time));
}

/// The token, once it was needed: a password is exchanged for one at the first endpoint that can be
/// reached, and only once.
#[derive(Debug, Default)]
enum DoctorToken {
    #[default]
    NotYet,
    Token(SecretString),
    Failed(Failure),
}

impl DoctorToken {
    async fn token(&mut self, subject: &Subject, secret: &Secret) -> Result<SecretString, Failure> {
        if let Self::NotYet = self {
            *self = match token::token(&subject.client, &subject.identity, secret).await {
                Ok(token) => Self::Token(token),
                Err(failure) => Self::Failed(failure),
            };
        }
        match self {
            Self::Token(token) => Ok(token.clone()),
            Self::Failed(failure) => Err(failure.clone()),
            Self::NotYet => Err(Failure::new(Fault::NoCredential, "")),
        }
    }

    fn ok(self) -> Option<SecretString> {
        match self {
            Self::Token(token) => Some(token),
            Self::NotYet | Self::Failed(_) => None,
        }
    }
}

/// The server's time, and this computer's when it was read.
#[derive(Debug, Clone, Copy)]
struct ServerTime {
    server: Timestamp,
    here: Timestamp,
    /// It may be off by as much as the answer took, and a second for the fraction that `Date` does
    /// not have.
    precision: Duration,
}

fn clock(time: Option<ServerTime>) -> Finding {
    let run = StepRun::start(Step::Clock);
    let Some(ServerTime { server, here, precision }) = time else {
        return Finding::skipped(Step::Clock, "no server sent the time (Date)");
    };
    let skew = here.duration_since(server);
    let (by, precision) = (skew.unsigned_abs().as_secs(), precision.as_secs() + 1);
    let direction = if skew.is_negative() { "behind" } else { "ahead of" };
    if skew.abs() > MAX_SKEW + SignedDuration::from_secs(i64::try_from(precision).unwrap_or_default()) {
        run.warn(
            format!("this computer's clock is {by} s {direction} the server's"),
            "set this computer's clock, or let it be set over the network",
        )
    } else {
        run.ok(format!("this computer's clock is {by} s {direction} the server's, give or take {precision} s"))
    }
}

/// Pairs a server's time with this computer's; the request was sent at `asked`.
fn server_time(server: Timestamp, asked: Instant) -> ServerTime {
    ServerTime { server, here: clock::now().wall, precision: asked.elapsed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_have_exactly_the_documented_keys() {
        let json = serde_json::to_value(Finding::skipped(Step::Websocket, "why")).unwrap();
        let keys: Vec<_> = json.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["detail", "ms", "remedy", "step", "verdict"]);
        assert_eq!((&json["step"], &json["verdict"]), (&"websocket".into(), &"skipped".into()));
    }

    #[test]
    fn a_clock_that_is_a_minute_off_is_a_warning_with_its_direction() {
        let finding = |seconds: i64| {
            let here = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
            let server = here - SignedDuration::from_secs(seconds);
            clock(Some(ServerTime { server, here, precision: Duration::ZERO }))
        };
        assert_eq!(finding(0).verdict, Verdict::Ok);
        assert_eq!(finding(60).verdict, Verdict::Ok);
        assert_eq!(finding(90).detail, "this computer's clock is 90 s ahead of the server's");
        assert_eq!(finding(-90).detail, "this computer's clock is 90 s behind the server's");
        assert!(finding(-90).verdict == Verdict::Warn && !finding(-90).remedy.is_empty());
        assert_eq!(clock(None).verdict, Verdict::Skipped);
    }

    #[test]
    fn whatever_fails_says_what_to_do() {
        for fault in [Fault::Unreachable, Fault::Status(503), Fault::BadAnswer, Fault::Died, Fault::Refused] {
            let finding = StepRun::start(Step::Stomp).failed(&Failure::new(fault, ""));
            assert!(!finding.remedy.is_empty() && !finding.detail.is_empty(), "{finding:?}");
        }
    }
}
