//! The session: the WebSocket, CONNECT, and each subscription.
//!
//! A subscription is probed with `ack:client-individual` and one message at most, whatever the
//! settings say, and nothing is acknowledged or unsubscribed: what was delivered goes back to its
//! queue when the session ends, marked `redelivered`. A destination without a queue of its own (a
//! topic, an exchange, a user destination) gives each subscriber a copy. What would be deleted with
//! the probe is not probed ([`why_not_probed`]). A `/amq/queue` that was declared auto-delete
//! elsewhere is deleted with any consumer, Belfry too, so it cannot keep missed messages anyway. A
//! raw WebSocket is asked for but not opened: its server would send what waits for this device.
//! Deliberately absent: trying again, except once and without headers after a refusal without a
//! word, which tells a wrong queue from a wrong destination.

use std::{collections::HashMap, time::Duration};

use secrecy::SecretString;
use stomp::SessionEvent;
use tokio::time::timeout;
use url::Url;

use super::{
    DoctorToken, Finding, Step, StepRun, Subject, Verdict,
    queues::{self, Refused, Sharing},
};
use crate::{
    net::{
        address::host_of,
        api::Api,
        connection::{Connection, PREFETCH, STREAM_OFFSET, SubscribeRequest, stream_name},
        intake::Intake,
        one_shot::{self, Greeting},
    },
    runtime::data_dir::is_running,
};
use belfry_core::{
    error::{Failure, Fault},
    foreign_text::one_line,
    pipeline::link::ATTEMPT_LIMIT,
    settings::{Protocol, ServerSettings, Settings, Subscription},
};

/// How long a server may take to refuse or confirm a subscription; Spring's simple broker does
/// neither.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a queue is not probed that the running engine takes from.
const TAKEN: &str = "not probed, since the Belfry that is running takes from this queue";

/// Opens a session on an endpoint.
pub(super) async fn open(
    subject: &Subject,
    endpoint: &Url,
    is_reachable: bool,
    doctor_token: &mut DoctorToken,
    report: &mut impl FnMut(Finding),
) -> Option<Connection> {
    let host = host_of(endpoint);
    let why = match &subject.secret {
        _ if !is_reachable => "it cannot be reached",
        None => "no account is signed in",
        Some(_) => "",
    };
    let Some(secret) = subject.secret.as_ref().filter(|_| why.is_empty()) else {
        report(Finding::skipped(Step::Websocket, format!("{host}: {why}")));
        report(Finding::skipped(Step::Stomp, format!("{host}: {why}")));
        return None;
    };
    if subject.identity.settings.server.protocol == Protocol::Websocket {
        let run = StepRun::start(Step::Websocket);
        let asked = async {
            let token = doctor_token.token(subject, secret).await?;
            one_shot::ask_raw(&subject.client, &subject.identity, &token, endpoint).await
        };
        report(match asked.await {
            Ok(()) => run.ok(format!("{host} has a WebSocket there; it was not opened, so that no message is lost")),
            Err(failure) => run.failed(&failure),
        });
        report(Finding::skipped(Step::Stomp, format!("{host}: server.protocol is websocket, which has no CONNECT")));
        return None;
    }
    let run = StepRun::start(Step::Websocket);
    let opening = async {
        let token = doctor_token.token(subject, secret).await?;
        let opening = Connection::open(&subject.client, &subject.identity, &token, endpoint);
        timeout(ATTEMPT_LIMIT, opening).await.unwrap_or_else(|_| Err(Failure::new(Fault::TimedOut, host.clone())))
    };
    let mut connection = match opening.await {
        Ok(connection) => connection,
        Err(failure) => {
            report(run.failed(&failure));
            report(Finding::skipped(Step::Stomp, format!("{host}: no WebSocket")));
            return None;
        }
    };
    report(run.ok(format!("{host} opens a WebSocket")));
    let run = StepRun::start(Step::Stomp);
    match one_shot::greet(&mut connection, &subject.identity).await {
        Ok(greeting) => {
            report(greeted(run, &greeting, &subject.identity.settings.server));
            Some(connection)
        }
        Err(failure) => {
            report(run.failed(&failure));
            None
        }
    }
}

fn greeted(run: StepRun, greeting: &Greeting, settings: &ServerSettings) -> Finding {
    let Greeting { version, heart_beat, server, names_user } = greeting;
    let has_user_destination = settings.subscriptions.iter().any(|it| it.destination.starts_with("/user/"));
    let server = if server.is_empty() { "a server without a name" } else { server };
    let every = |interval: Duration| match interval.as_millis() {
        0 => "none".to_owned(),
        millis => format!("every {millis} ms"),
    };
    let (send, expect) = (every(heart_beat.send), every(heart_beat.expect));
    let detail =
        format!("{server}, STOMP {}, heart-beat granted: from us {send}, from the server {expect}", version.as_str());
    if has_user_destination && !names_user {
        // Spring names the user in CONNECTED if there is one. Without one it accepts /user/… and
        // sends nothing to it.
        let remedy = "destinations below /user/ may stay empty: ask who runs the server whether it sets the user of \
                      the session (Spring: the principal) when it accepts the token";
        run.warn(format!("{detail}, user not named"), remedy)
    } else if !settings.heart_beat.expect.is_zero() && heart_beat.expect.is_zero() {
        run.warn(detail, "a lost connection is noticed late: ask who runs the server to switch its heart-beat on")
    } else {
        run.ok(detail)
    }
}

/// Probes every subscription, on a session that is open already, or on new ones after a refusal.
pub(super) async fn subscribe(
    subject: &Subject,
    mut session: Option<Connection>,
    token: Option<&SecretString>,
    report: &mut impl FnMut(Finding),
) {
    if subject.identity.settings.server.protocol == Protocol::Websocket {
        let why = "server.protocol is websocket: the server sends what is for this account";
        return report(Finding::skipped(Step::Subscribe, why));
    }
    let subscriptions = &subject.identity.settings.server.subscriptions;
    if subscriptions.is_empty() {
        report(Finding::skipped(Step::Subscribe, "server.subscriptions is empty: nothing is pushed, only collected"));
    }
    let has_session = session.is_some();
    let others = other_computers(subject, token).await;
    for (index, subscription) in subscriptions.iter().enumerate() {
        let name = &subscription.destination;
        let sharing = Shared::of(subscription, &others);
        let why = why_not_probed(subscription, is_running(&subject.data_dir));
        if let Some(why) = why.or((!has_session).then_some("there is no session")) {
            let skipped = Finding::skipped(Step::Subscribe, format!("{name}: {why}"));
            report(match sharing.filter(|_| why == TAKEN) {
                Some(shared) => shared.warn(skipped),
                None => skipped,
            });
            continue;
        }
        let run = StepRun::start(Step::Subscribe);
        let probed = async {
            let mut connection = match (session.take(), token) {
                (Some(connection), _) => connection,
                (None, Some(token)) => one_shot::connect(&subject.client, &subject.identity, token).await?,
                (None, None) => return Err(Failure::new(Fault::NoCredential, "")),
            };
            let is_confirmed = probe(&mut connection, subject, index, true).await?;
            Ok((connection, is_confirmed))
        };
        match probed.await {
            Ok((connection, is_confirmed)) => {
                session = Some(connection);
                let how = if is_confirmed { "confirmed" } else { "not refused; this server confirms nothing" };
                let found = run.ok(format!("{name}: {how}"));
                // A server that confirms nothing has no queues either: Spring's simple broker gives
                // each subscriber a copy.
                report(match sharing.filter(|_| is_confirmed) {
                    Some(shared) => shared.warn(found),
                    None => found,
                });
            }
            Err(failure) => {
                let found = run.failed(&failure);
                let mut found = Finding { detail: format!("{name}: {}", found.detail), ..found };
                if failure.fault == Fault::Died {
                    let refused = what_was_refused(subject, token, index).await;
                    found.remedy = queues::refused_remedy(subscription, refused);
                }
                report(found);
            }
        }
    }
    if let Some(connection) = session {
        connection.close().await;
    }
}

/// A queue that this computer shares.
struct Shared<'a> {
    sharing: Sharing,
    /// The account's other computers that are signed in, as far as the server tells.
    others: &'a [String],
}

impl<'a> Shared<'a> {
    fn of(subscription: &Subscription, others: &'a [String]) -> Option<Self> {
        Sharing::of(subscription).map(|sharing| Self { sharing, others })
    }

    /// The finding as a warning, for a person to look at.
    fn warn(self, found: Finding) -> Finding {
        let also = match self.others {
            [] => String::new(),
            others => format!("; also signed in as this account: {}", others.join(", ")),
        };
        Finding {
            verdict: Verdict::Warn,
            detail: one_line(&format!("{}; {}{also}", found.detail, self.sharing.detail()), usize::MAX),
            remedy: queues::SHARING_REMEDY.to_owned(),
            ..found
        }
    }
}

/// The names of the account's other computers, if a subscription shares its queue and the server
/// tells who is signed in.
async fn other_computers(subject: &Subject, token: Option<&SecretString>) -> Vec<String> {
    let Settings { api, server, .. } = &subject.identity.settings;
    let is_asked = server.subscriptions.iter().any(|subscription| Sharing::of(subscription).is_some());
    let Some(token) = token.filter(|_| is_asked && api.base.is_some() && !api.clients.is_empty()) else {
        return Vec::new();
    };
    let intake = Intake::new(&subject.identity.settings, subject.time_zone.clone());
    let api = Api::new(subject.client.clone(), subject.identity.clone(), intake.into());
    match api.clients(token).await {
        Ok(rows) => subject.identity.other_devices(&rows),
        Err(failure) => {
            tracing::debug!(reason = failure.reason(), "the server does not tell who is signed in");
            Vec::new()
        }
    }
}

/// What of a subscription the server has refused without a word: without its headers the
/// destination gets a queue of its own, which ends with the session.
async fn what_was_refused(subject: &Subject, token: Option<&SecretString>, index: usize) -> Refused {
    let subscriptions = &subject.identity.settings.server.subscriptions;
    let has_queue_of_its_own =
        subscriptions.get(index).is_some_and(|subscription| queues::queue_of(&subscription.destination).is_none());
    let Some(token) = token.filter(|_| has_queue_of_its_own) else { return Refused::Destination };
    let probed = async {
        let mut connection = one_shot::connect(&subject.client, &subject.identity, token).await?;
        probe(&mut connection, subject, index, false).await?;
        connection.close().await;
        Ok::<_, Failure>(())
    };
    if probed.await.is_ok() { Refused::Queue } else { Refused::Destination }
}

/// Subscribes, and says whether the server confirmed it or only did not refuse.
async fn probe(
    connection: &mut Connection,
    subject: &Subject,
    index: usize,
    with_headers: bool,
) -> Result<bool, Failure> {
    let Some(mut request) = SubscribeRequest::new(&subject.identity, index, &HashMap::new())? else {
        return Ok(false);
    };
    request.ack = stomp::AckMode::ClientIndividual;
    if !with_headers {
        request.headers.clear();
    }
    request.set(PREFETCH, "1".to_owned());
    if with_headers && stream_name(&subject.identity, index).is_some() {
        request.set(STREAM_OFFSET, "next".to_owned());
    }
    let receipt = connection.subscribe(&request)?;
    let answered = async {
        loop {
            match connection.next_event().await {
                Ok(SessionEvent::Receipt(id)) if id == receipt => return Ok(()),
                Ok(event) => connection.session_end(&event, true).map_or(Ok(()), Err)?,
                Err(failure) if failure.fault == Fault::Closed => {
                    return Err(Failure::new(Fault::Died, failure.detail));
                }
                Err(failure) => return Err(failure),
            }
        }
    };
    match timeout(ANSWER_TIMEOUT, answered).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Ok(false),
    }
}

/// Why a subscription is not probed; `None` if probing does no harm.
fn why_not_probed(subscription: &Subscription, is_running: bool) -> Option<&'static str> {
    let Subscription { destination, headers, .. } = subscription;
    let is = |name: &str| headers.get(name).is_some_and(|value| value == "true");
    let is_queue = headers.contains_key("x-queue-name")
        || is("durable")
        || headers.contains_key("persistent")
        || queues::queue_of(destination).is_some();
    if !is_queue || queues::is_stream(subscription) {
        None
    } else if is("auto-delete") || is("exclusive") {
        Some("not probed, since the queue would be deleted with all that is in it when the check leaves")
    } else if is_running {
        Some(TAKEN)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::queues::tests::subscription;

    #[test]
    fn a_queue_that_would_end_with_the_probe_is_left_alone() {
        for (destination, headers) in [
            ("/queue/a", &[("auto-delete", "true")][..]),
            ("/queue/a", &[("exclusive", "true")]),
            ("/topic/a", &[("x-queue-name", "q"), ("auto-delete", "true")]),
        ] {
            assert!(
                why_not_probed(&subscription(destination, headers), false).unwrap().contains("deleted"),
                "{destination}"
            );
        }
    }

    #[test]
    fn a_queue_is_probed_only_while_no_engine_takes_from_it_and_a_copy_always() {
        let durable = [("durable", "true"), ("auto-delete", "false"), ("x-queue-name", "belfry.{login}.{device}")];
        let stream = [("x-queue-type", "stream"), ("durable", "true"), ("x-queue-name", "s")];
        for (destination, headers, is_queue) in [
            ("/queue/a", &[][..], true),
            ("/amq/queue/a", &[], true),
            ("/topic/a", &durable, true),
            ("/topic/a", &[], false),
            ("/topic/a", &[("auto-delete", "true")], false),
            ("/exchange/e/k", &[("exclusive", "true")], false),
            ("/user/queue/a", &[], false),
            ("/topic/a", &stream, false),
        ] {
            let subscription = subscription(destination, headers);
            assert_eq!(why_not_probed(&subscription, false), None, "{destination}");
            assert_eq!(why_not_probed(&subscription, true).is_some(), is_queue, "{destination}");
        }
    }

    #[test]
    fn a_server_that_grants_no_heart_beat_is_a_warning() {
        let verdict = |granted, wanted| {
            let heart_beat = belfry_core::settings::HeartBeat { expect: wanted, ..Default::default() };
            let settings = ServerSettings { heart_beat, ..ServerSettings::default() };
            greeted(StepRun::start(Step::Stomp), &greeting(granted, true), &settings).verdict
        };
        assert_eq!(verdict(Duration::from_secs(10), Duration::from_secs(10)), Verdict::Ok);
        assert_eq!(verdict(Duration::ZERO, Duration::from_secs(10)), Verdict::Warn);
        assert_eq!(verdict(Duration::ZERO, Duration::ZERO), Verdict::Ok);
    }

    #[test]
    fn a_server_that_names_no_user_is_a_warning_where_a_user_destination_depends_on_it() {
        let finding = |destination: &str, names_user| {
            let subscriptions = vec![subscription(destination, &[])];
            let settings = ServerSettings { subscriptions, ..ServerSettings::default() };
            greeted(StepRun::start(Step::Stomp), &greeting(Duration::from_secs(10), names_user), &settings)
        };
        assert_eq!(finding("/user/queue/approvals", true).verdict, Verdict::Ok);
        assert_eq!(finding("/topic/news", false).verdict, Verdict::Ok);
        let unnamed = finding("/user/queue/approvals", false);
        assert_eq!(unnamed.verdict, Verdict::Warn);
        assert!(unnamed.remedy.contains("principal"), "{unnamed:?}");
    }

    fn greeting(expect: Duration, names_user: bool) -> Greeting {
        Greeting {
            version: stomp::Version::V1_2,
            heart_beat: stomp::HeartBeat { send: Duration::ZERO, expect },
            server: String::new(),
            names_user,
        }
    }
}
