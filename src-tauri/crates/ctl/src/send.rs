//! `send`: one message, over STOMP or through the API.
//!
//! Invariant: what is said to be sent was taken by the server; one that confirms nothing is said to.

use std::io::{self, Read as _};

use belfry_core::error::{Failure, Fault};
use engine::net::{api::Outgoing, one_shot};
use serde_json::json;

use crate::{
    args::Send,
    ending::{Code, Error},
    output,
    server::Server,
    setup::Setup,
};

/// Sends it.
///
/// # Errors
/// [`Code::SignIn`], [`Code::Unreachable`], or [`Code::Failed`] when the server does not take it.
pub(crate) async fn send(setup: Setup, args: Send, json: bool) -> Result<(), Error> {
    let body = if args.body == "-" { read_body()? } else { args.body };
    let server = Server::new(&setup).await?;
    match args.destination {
        Some(destination) => {
            let connection = one_shot::connect(&server.client, &server.identity, &server.token).await?;
            let sent = one_shot::send(connection, &destination, &args.headers, body.as_bytes()).await;
            let is_confirmed = sent.map_err(|failure| refused(failure, &destination))?;
            if !is_confirmed {
                output::note("warning: sent, but this server does not confirm what it was sent");
            }
            let said = json!({ "destination": destination, "confirmed": is_confirmed });
            Ok(if json { output::json(&said) } else { output::lines([format!("sent to {destination}")]) }?)
        }
        None => {
            let message = Outgoing {
                title: args.title.unwrap_or_default(),
                content: body,
                kind: args.kind.unwrap_or_default(),
                receivers: args.to,
            };
            let id = server.api().send(&server.token, &message).await.map_err(crate::server::refused)?;
            let words = id.as_ref().map_or_else(|| "sent".to_owned(), |id| format!("sent, id {}", output::plain(id)));
            Ok(if json { output::json(&json!({ "id": id })) } else { output::lines([words]) }?)
        }
    }
}

/// A session that was fine until the message came says something about the message.
fn refused(failure: Failure, destination: &str) -> Error {
    match failure.fault {
        Fault::Denied => Error::new(
            Code::Failed,
            format!("{destination}: {}: check that it exists and that this account may send there", failure.reason()),
        ),
        _ => failure.into(),
    }
}

fn read_body() -> Result<String, Error> {
    let mut body = String::new();
    io::stdin().read_to_string(&mut body).map_err(|error| {
        Error::new(Code::Usage, format!("standard input: the body cannot be read ({error}): send text in UTF-8"))
    })?;
    Ok(body)
}
