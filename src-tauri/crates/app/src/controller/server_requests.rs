//! What needs the server: deleting there, who is signed in, actions.
//!
//! Nothing is tried again without being asked for: what fails is reported. Only a deletion that the
//! server cannot be asked for now is kept, and sent by the engine ([`Inbox::delete_on_server`]).

use belfry_core::alerts::buttons::Question;
use belfry_core::error::{Failure, Fault};
use belfry_core::notice::Action;
use belfry_core::settings::Settings;
use belfry_core::settings::action_url::ActionTarget;
use belfry_core::status::Kind;
use belfry_core::storage::{ActionOutcome, ActionResult};
use engine::inbox::{Detail, Inbox, Seq};
use engine::net::api::ActionCall;
use jiff::Timestamp;
use url::Url;

use crate::controller::Controller;
use crate::controller::notices::to_seqs;
use crate::gui::Gui;
use crate::inbox_reader::InboxReader;
use crate::ipc::{Client, CommandError, CommandErrorCode, RemovedOnServer};
use crate::request::Reply;
use crate::task::{CarriedOut, Outcome, Reporter, answer, report};
use engine::net::requests::ServerRequests;

impl<G: Gui> Controller<G> {
    pub(crate) fn remove_on_server(&self, seqs: Vec<i64>, reply: Reply<RemovedOnServer>) {
        if !self.session.settings.inbox.delete_on_server {
            return answer(reply, Err(CommandError::new(CommandErrorCode::Setting, "inbox.delete_on_server = false")));
        }
        let server = match self.server() {
            Ok(server) => server,
            Err(error) => return answer(reply, Err(error)),
        };
        let inbox = self.inbox.clone();
        self.spawn(|reporter| async move { answer(reply, delete(&server, &inbox, &seqs, &reporter).await) });
    }

    /// Takes back deletions on the server that were not carried out yet.
    pub(crate) fn keep_on_server(&self, seqs: Vec<i64>, reply: Reply<()>) {
        let keep = move |inbox: &mut Inbox| match inbox.keep_on_server(&to_seqs(&seqs))? {
            0 => Err(CommandError::new(CommandErrorCode::Gone, "no deletion on the server waits for these notices")),
            _ => Ok(()),
        };
        self.change_inbox(keep, reply);
    }

    /// Does what a button of a notice does. What asks first is done only as a person has confirmed
    /// it ([`Question::name`]): the notice may have changed meanwhile.
    pub(crate) fn act(&mut self, seq: i64, action: String, confirmed: Option<String>, reply: Reply<()>) {
        if !self.buttons.running.insert(seq) {
            let words = "another button of this notice is being carried out";
            return answer(reply, Err(CommandError::new(CommandErrorCode::Busy, words)));
        }
        let (server, inbox, settings) = (self.server(), self.inbox.clone(), self.session.settings.clone());
        self.spawn(|reporter| async move {
            let offered = match inbox.read(move |inbox| Ok(inbox.show(Seq(seq))?)).await {
                Ok(detail) => offered(detail, &action, confirmed.as_deref(), &settings),
                Err(error) => Err(error),
            };
            match offered {
                Ok((Question { target: ActionTarget::Open(link), .. }, _)) => {
                    report(&reporter, Outcome::OpenUrl { link, reply });
                }
                Ok((Question { target: ActionTarget::Call(url), action, .. }, detail)) => {
                    let done = match server {
                        Ok(server) => call(&server, &inbox, &reporter, &action, &detail, url).await,
                        Err(error) => Err(error),
                    };
                    answer(reply, done.and_then(|carried| carried.error.map_or(Ok(()), Err)));
                }
                Err(error) => answer(reply, Err(error)),
            }
            report(&reporter, Outcome::ButtonDone { seq });
        });
    }

    pub(crate) fn clients(&self, reply: Reply<Vec<Client>>) {
        let server = match self.server() {
            Ok(server) => server,
            Err(error) => return answer(reply, Err(error)),
        };
        self.spawn(|_| async move {
            let clients = server.clients().await.map_err(refused);
            answer(reply, clients.map(|clients| clients.into_iter().map(Into::into).collect()));
        });
    }
}

/// What a person has confirmed is no longer what the button does, or what the notice says.
pub(crate) fn has_changed() -> CommandError {
    let words = "the notice has changed since this was confirmed; nothing was sent";
    CommandError::new(CommandErrorCode::Changed, words)
}

/// The action of this id, if the notice still offers it, and what it does. One that asks first has
/// to be what was `confirmed`, in words as well.
///
/// # Errors
/// It is gone or has changed, or the settings do not allow what it does.
pub(crate) fn offered(
    detail: Option<Detail>,
    action: &str,
    confirmed: Option<&str>,
    settings: &Settings,
) -> Result<(Question, Detail), CommandError> {
    let gone =
        || CommandError::new(CommandErrorCode::Gone, "this notice, or what could be done with it, is no longer there");
    let detail = detail.ok_or_else(gone)?;
    let action = detail.actions.iter().find(|offered| offered.id == action).ok_or_else(gone)?;
    let question = Question::about(detail.offer(), action, settings)
        .map_err(|refusal| CommandError::new(CommandErrorCode::LinkRefused, refusal))?;
    if question.is_asked() && confirmed != Some(&question.name(&detail.key(), detail.opening)) {
        return Err(has_changed());
    }
    Ok((question, detail))
}

/// Sends the request of a button, and keeps what came of it on the notice. Until then the notice
/// says that it is not known: the program may end meanwhile.
///
/// # Errors
/// The inbox cannot be written; nothing was sent.
pub(crate) async fn call(
    server: &ServerRequests,
    inbox: &InboxReader,
    reporter: &Reporter,
    action: &Action,
    detail: &Detail,
    url: Url,
) -> Result<CarriedOut, CommandError> {
    let (seq, at) = (detail.row.seq, Timestamp::now());
    let keep = async |outcome: ActionOutcome, fault: Option<Kind>, words: &str| {
        let result = ActionResult {
            action: action.id.clone(),
            label: action.label.clone(),
            at,
            outcome,
            fault,
            detail: words.to_owned(),
        };
        let written = result.clone();
        let kept = inbox.read(move |inbox| Ok(inbox.keep_action_result(seq, &written)?)).await;
        report(reporter, Outcome::InboxChanged);
        (result, kept)
    };
    keep(ActionOutcome::Unknown, None, "").await.1?;
    let key = detail.key();
    let call = ActionCall {
        url,
        id: detail.row.id.clone(),
        action: action.id.clone(),
        idempotency_key: server.idempotency_key(&key, detail.opening, &action.id),
    };
    let ((result, kept), error) = match server.act(&call).await {
        Ok(answer) => {
            let is_done = answer.outcome == ActionOutcome::Done;
            let error = (!is_done).then(|| CommandError::new(CommandErrorCode::Server, &answer.detail));
            (keep(answer.outcome, None, &answer.detail).await, error)
        }
        Err(failure) => {
            let is_unknown = matches!(failure.fault, Fault::TimedOut | Fault::Broken);
            let outcome = if is_unknown { ActionOutcome::Unknown } else { ActionOutcome::Refused };
            let (fault, place) = (failure.kind(), place_of(&failure, &call.url));
            tracing::info!(reason = failure.reason(), "the request of a button has failed");
            (keep(outcome, Some(fault), &place).await, Some(refused(failure)))
        }
    };
    Ok(CarriedOut { result, error: kept.err().or(error) })
}

/// Where it failed. Of a network that failed, the system says more, in its own language; a person is
/// told the host, and the log has the rest.
fn place_of(failure: &Failure, url: &Url) -> String {
    let is_network = matches!(
        failure.fault,
        Fault::Unreachable | Fault::TimedOut | Fault::Broken | Fault::Tls(_) | Fault::ProxyAuth
    );
    if !is_network {
        return failure.detail.clone();
    }
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Deletes notices on the server, then here, one by one. From the first one that the server cannot be
/// asked for now, they are kept for the engine to send.
async fn delete(
    server: &ServerRequests,
    inbox: &InboxReader,
    seqs: &[i64],
    reporter: &Reporter,
) -> Result<RemovedOnServer, CommandError> {
    let mut removed = RemovedOnServer { deleted: 0, waiting: 0 };
    for (index, seq) in seqs.iter().copied().map(Seq).enumerate() {
        let Some(detail) = inbox.read(move |inbox| Ok(inbox.show(seq)?)).await? else { continue };
        let key = detail.key();
        match server.delete(&key.id).await {
            Ok(had_record) => {
                removed.deleted += usize::from(had_record);
                inbox.read(move |inbox| Ok(inbox.deleted_on_server(&key)?)).await?;
                report(reporter, Outcome::InboxChanged);
            }
            Err(failure) if is_out_of_reach(&failure) => {
                let rest: Vec<Seq> = seqs.iter().skip(index).copied().map(Seq).collect();
                let keep = move |inbox: &mut Inbox| Ok(inbox.delete_on_server(&rest, Timestamp::now())?);
                removed.waiting = inbox.read(keep).await?;
                report(reporter, Outcome::InboxChanged);
                break;
            }
            Err(failure) => return Err(refused(failure)),
        }
    }
    Ok(removed)
}

/// Whether the server may answer the same request later.
fn is_out_of_reach(failure: &Failure) -> bool {
    failure.kind() == Kind::Busy || refused(failure.clone()).code == CommandErrorCode::Offline
}

/// For a person who asks something of a server that is connected.
pub(crate) fn refused(failure: Failure) -> CommandError {
    let is_offline = matches!(
        failure.fault,
        Fault::Unreachable
            | Fault::TimedOut
            | Fault::Broken
            | Fault::Closed
            | Fault::Restarting
            | Fault::TurnedAway
            | Fault::Silent
            | Fault::NoCredential
            | Fault::NotAgreed
            | Fault::Expired
    );
    let code = if is_offline { CommandErrorCode::Offline } else { CommandErrorCode::Server };
    CommandError::of(code, &failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_failed_is_named_by_its_host_alone() {
        let url = Url::parse("https://push.example.com:8443/approvals/7").unwrap();
        let place = |fault, detail| place_of(&Failure::new(fault, detail), &url);
        assert_eq!(place(Fault::Unreachable, "h: Connection refused (os error 111)"), "push.example.com:8443");
        assert_eq!(place(Fault::TimedOut, "h"), "push.example.com:8443");
        assert_eq!(place(Fault::Status(401), "401: sign in first"), "401: sign in first");
        assert_eq!(place(Fault::Settings, "network.client_cert: no such file"), "network.client_cert: no such file");
    }

    #[test]
    fn a_server_that_says_no_is_told_from_one_that_cannot_be_reached() {
        assert_eq!(refused(Failure::new(Fault::Status(403), "h answered HTTP 403")).code, CommandErrorCode::Server);
        assert_eq!(refused(Failure::new(Fault::Closed, "")).code, CommandErrorCode::Offline);
        for (fault, is_kept) in [
            (Fault::Unreachable, true),
            (Fault::TimedOut, true),
            (Fault::Expired, true),
            (Fault::Status(503), true),
            (Fault::Status(400), false),
            (Fault::NotPermitted, false),
            (Fault::Declined, false),
        ] {
            assert_eq!(is_out_of_reach(&Failure::new(fault, "")), is_kept, "{fault:?}");
        }
    }
}
