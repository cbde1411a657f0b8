//! `send`: one message, over STOMP or through the message API.
//!
//! Deliberately absent: retries. Invariant: "sent" means that the server has confirmed the message;
//! for a server that does not confirm, a warning says so.

use std::io::{self, Read as _};

use belfry_core::{
    error::{Failure, Fault},
    settings::Protocol,
};
use engine::net::{api::Outgoing, one_shot};
use host::exit_reason::ExitReason;
use serde_json::json;

use crate::{args::Send, error::Error, output, server::Server, setup::Setup};

/// Sends it.
///
/// # Errors
/// [`ExitReason::SignIn`], [`ExitReason::Unreachable`], or [`ExitReason::Failed`] if the server
/// refuses it.
pub(crate) async fn send(setup: Setup, args: Send, json: bool) -> Result<(), Error> {
    if args.destination.is_some() && setup.settings.server.protocol == Protocol::Websocket {
        return Err(Error::new(
            ExitReason::Usage,
            "server.protocol is websocket, where a client sends no messages: use send --title T --type N, \
             which uses api.send",
        ));
    }
    let body = if args.body == "-" { read_body()? } else { args.body };
    let server = Server::new(&setup).await?;
    match args.destination {
        Some(destination) => {
            let connection = one_shot::connect(&server.client, &server.identity, &server.token).await?;
            let sent = one_shot::send(connection, &destination, &args.headers, body.as_bytes()).await;
            let is_confirmed = sent.map_err(|failure| send_error(failure, &destination))?;
            if !is_confirmed {
                output::message("warning: the message was sent, but this server does not confirm messages");
            }
            let report = json!({ "destination": destination, "confirmed": is_confirmed });
            Ok(if json {
                output::json(&report)
            } else {
                output::lines([format!("sent to {}", output::short(&destination))])
            }?)
        }
        None => {
            let message = Outgoing {
                title: args.title.unwrap_or_default(),
                content: body,
                kind: args.kind.unwrap_or_default(),
                receivers: args.to,
            };
            let id = server.api().send(&server.token, &message).await.map_err(crate::server::request_error)?;
            let text =
                id.as_ref().map_or_else(|| "sent".to_owned(), |id| format!("sent with id {}", output::short(id)));
            Ok(if json { output::json(&json!({ "id": id })) } else { output::lines([text]) }?)
        }
    }
}

/// The error of a sent message. The session was accepted before, so a refusal is about the
/// destination.
fn send_error(failure: Failure, destination: &str) -> Error {
    if failure.fault != Fault::Denied {
        return failure.into();
    }
    Error::new(
        ExitReason::Failed,
        format!(
            "{destination}: {}: check that the destination exists and that this account may send to it",
            failure.reason()
        ),
    )
}

fn read_body() -> Result<String, Error> {
    let mut body = String::new();
    io::stdin().read_to_string(&mut body).map_err(|error| {
        Error::new(
            ExitReason::Usage,
            format!("standard input: the message text cannot be read ({error}): it must be UTF-8"),
        )
    })?;
    Ok(body)
}
