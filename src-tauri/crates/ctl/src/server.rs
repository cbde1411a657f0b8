//! `messages` and `clients`: what the server has on record, and who is connected to it.
//!
//! Rows are shown as the server names them; JSON output is its own objects, untouched. Absent: the inbox.

use std::sync::Arc;

use belfry_core::error::{Failure, Fault};
use engine::net::{api::Api, connection::Identity, http, intake::Intake, token};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    args::Messages,
    ending::{Code, Error},
    output::{self, local, name, plain, table},
    setup::Setup,
};

/// What one-shot commands need of a server.
pub(crate) struct Server {
    pub(crate) client: http::Client,
    pub(crate) identity: Arc<Identity>,
    pub(crate) token: SecretString,
}

impl Server {
    /// Nothing is connected yet, but a password is made into a token where the settings say so.
    ///
    /// # Errors
    /// [`Code::SignIn`] without a secret or with a wrong one, [`Code::Usage`] for files the settings name.
    pub(crate) async fn new(setup: &Setup) -> Result<Self, Error> {
        let secret = setup.secret()?;
        let client = http::client(&setup.settings.network)?;
        let identity = Arc::new(setup.identity()?);
        let token = token::token(&client, &identity, &secret).await?;
        Ok(Self { client, identity, token })
    }

    /// The message service's API.
    pub(crate) fn api(&self) -> Api {
        let intake = Intake::new(&self.identity.settings, TimeZone::system());
        Api::new(self.client.clone(), Arc::clone(&self.identity), Arc::new(intake))
    }
}

/// `messages`.
///
/// # Errors
/// [`Code::SignIn`], [`Code::Unreachable`], or [`Code::Failed`] when the server says no.
pub(crate) async fn messages(setup: Setup, command: Messages, json: bool) -> Result<(), Error> {
    let server = Server::new(&setup).await?;
    match command {
        Messages::List { page } => {
            let rows = server.api().messages(&server.token, page).await.map_err(refused)?;
            show(&rows, ["sendTime", "sender", "receiver", "status", "title", "id"], json)
        }
        Messages::Delete { id } => {
            server.api().delete(&server.token, &id).await.map_err(refused)?;
            let words = format!("deleted {} on the server", plain(&id));
            Ok(if json { output::json(&json!({ "deleted": id })) } else { output::lines([words]) }?)
        }
    }
}

/// `clients list`.
///
/// # Errors
/// As [`messages`].
pub(crate) async fn clients(setup: Setup, json: bool) -> Result<(), Error> {
    let server = Server::new(&setup).await?;
    let rows = server.api().clients(&server.token).await.map_err(refused)?;
    show(&rows, ["loginTime", "loginName", "device", "status"], json)
}

/// Of a call, a status means something else than of a connection: 403 is no lack of a sign-in, 404 no wrong endpoint.
pub(crate) fn refused(failure: Failure) -> Error {
    let remedy = match failure.fault {
        Fault::Status(403) => "this account may not do that: ask who runs the server",
        Fault::Status(404) => "there is no such message, or a path in [api] is wrong",
        _ => return failure.into(),
    };
    Error::new(Code::Failed, format!("{}: {remedy}", failure.detail))
}

/// Columns that no row has are left out.
fn show<const N: usize>(rows: &[Value], columns: [&str; N], json: bool) -> Result<(), Error> {
    if json {
        return Ok(output::json(&rows)?);
    }
    if rows.is_empty() {
        output::note("none");
    }
    let cells: Vec<[String; N]> = rows.iter().map(|row| columns.map(|column| plain(&cell(row, column)))).collect();
    Ok(output::lines(table(&cells))?)
}

fn cell(row: &Value, column: &str) -> String {
    match row.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(several)) => several.iter().map(name).collect::<Vec<_>>().join(", "),
        Some(Value::String(text)) => text.parse().map_or_else(|_| text.clone(), local),
        Some(other) => name(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_call_is_not_a_lack_of_a_sign_in() {
        assert_eq!(refused(Failure::new(Fault::Status(403), "h answered HTTP 403")).code, Code::Failed);
        assert_eq!(refused(Failure::new(Fault::Status(401), "")).code, Code::SignIn);
    }

    #[test]
    fn cells_show_what_the_server_calls_them() {
        let row = json!({ "id": 7, "title": "a", "sender": null, "receiver": ["b", "c"] });
        let columns = ["id", "title", "sender", "none", "receiver"];
        assert_eq!(columns.map(|column| cell(&row, column)), ["7", "a", "", "", "b, c"]);
    }
}
