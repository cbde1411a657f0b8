//! What needs the server: deleting there, who is signed in, actions.
//!
//! Nothing is tried again without being asked for: what fails is reported.

use belfry_core::error::{Failure, Fault};
use engine::inbox::Seq;

use crate::controller::Controller;
use crate::gui::Gui;
use crate::inbox_reader::InboxReader;
use crate::ipc::{Client, CommandError, CommandErrorCode};
use crate::request::Reply;
use crate::task::{Outcome, Reporter, answer, report};
use engine::net::requests::ServerRequests;

impl<G: Gui> Controller<G> {
    pub(crate) fn remove_on_server(&self, seqs: Vec<i64>, reply: Reply<usize>) {
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

    pub(crate) fn act(&self, seq: i64, action: String, reply: Reply<()>) {
        let (server, inbox) = (self.server(), self.inbox.clone());
        self.spawn(|reporter| async move {
            let gone = || {
                CommandError::new(
                    CommandErrorCode::Gone,
                    "this notice, or what could be done with it, is no longer there",
                )
            };
            let detail = match inbox.read(move |inbox| Ok(inbox.show(Seq(seq))?)).await {
                Ok(detail) => detail.ok_or_else(gone),
                Err(error) => Err(error),
            };
            let offered = detail.and_then(|detail| {
                let found = detail.actions.into_iter().find(|offered| offered.id == action);
                Ok((found.ok_or_else(gone)?, detail.row.id))
            });
            match offered {
                Ok((action, _)) if action.method.is_empty() => {
                    report(&reporter, Outcome::OpenUrl { link: action.url, reply });
                }
                Ok((action, id)) => answer(
                    reply,
                    match server {
                        Ok(server) => server.act(&action, &id).await.map_err(refused),
                        Err(error) => Err(error),
                    },
                ),
                Err(error) => answer(reply, Err(error)),
            }
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

/// Deletes notices on the server, then here, one by one; how many the server deleted.
async fn delete(
    server: &ServerRequests,
    inbox: &InboxReader,
    seqs: &[i64],
    reporter: &Reporter,
) -> Result<usize, CommandError> {
    let mut deleted = 0;
    for seq in seqs.iter().copied().map(Seq) {
        let Some(detail) = inbox.read(move |inbox| Ok(inbox.show(seq)?)).await? else { continue };
        deleted += usize::from(server.delete(&detail.row.id).await.map_err(refused)?);
        inbox.read(move |inbox| Ok(inbox.delete(&[seq])?)).await?;
        report(reporter, Outcome::InboxChanged);
    }
    Ok(deleted)
}

/// For a person who asks something of a server that is connected.
pub(crate) fn refused(failure: Failure) -> CommandError {
    let code = match failure.fault {
        Fault::Unreachable
        | Fault::TimedOut
        | Fault::Broken
        | Fault::Closed
        | Fault::Restarting
        | Fault::Silent
        | Fault::NoCredential => CommandErrorCode::Offline,
        _ => CommandErrorCode::Server,
    };
    CommandError::of(code, &failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_no_is_told_from_one_that_cannot_be_reached() {
        assert_eq!(refused(Failure::new(Fault::Status(403), "h answered HTTP 403")).code, CommandErrorCode::Server);
        assert_eq!(refused(Failure::new(Fault::Closed, "")).code, CommandErrorCode::Offline);
    }
}
