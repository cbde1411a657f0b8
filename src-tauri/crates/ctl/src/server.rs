//! `messages` and `clients`: the messages on the server, and the clients connected to it.
//!
//! Columns have the server's names; the JSON output is the server's objects, unchanged.
//! Deliberately absent: the inbox.

use std::sync::Arc;

use belfry_core::error::{Failure, Fault};
use engine::net::{
    api::{Api, MessageQuery},
    http,
    identity::Identity,
    intake::Intake,
    token,
};
use host::exit_reason::ExitReason;
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    args::{ListMessages, Messages},
    error::Error,
    output::{self, local, name, short, table},
    setup::Setup,
};

/// The last millisecond of a day: servers keep times in milliseconds.
const LAST_TIME: Time = Time::constant(23, 59, 59, 999_000_000);

/// What one-shot commands need to use a server.
pub(crate) struct Server {
    pub(crate) client: http::Client,
    pub(crate) identity: Arc<Identity>,
    pub(crate) token: SecretString,
}

impl Server {
    /// Gets a token for the password, if the settings say so; otherwise nothing is connected yet.
    ///
    /// # Errors
    /// [`ExitReason::SignIn`] without a secret or with a wrong one, [`ExitReason::Usage`] for files
    /// that the settings name.
    pub(crate) async fn new(setup: &Setup) -> Result<Self, Error> {
        let secret = setup.secret()?;
        let client = setup.http_client()?;
        let identity = Arc::new(setup.identity()?);
        let secret = token::current(setup.credentials.clone(), &client, &identity, secret).await?;
        let token = token::token(&client, &identity, &secret).await?;
        Ok(Self { client, identity, token })
    }

    /// The message API.
    pub(crate) fn api(&self) -> Api {
        let intake = Intake::new(&self.identity.settings, TimeZone::system());
        Api::new(self.client.clone(), Arc::clone(&self.identity), Arc::new(intake))
    }
}

/// `messages`.
///
/// # Errors
/// [`ExitReason::SignIn`], [`ExitReason::Unreachable`], or [`ExitReason::Failed`] if the server
/// refuses.
pub(crate) async fn messages(setup: Setup, command: Messages, json: bool) -> Result<(), Error> {
    match command {
        Messages::List(args) => {
            let query = query(args, setup.settings.message.time_zone.resolve(&TimeZone::system()))?;
            let server = Server::new(&setup).await?;
            let rows = server.api().messages(&server.token, &query).await.map_err(request_error)?;
            show(&rows, ["sendTime", "sender", "receiver", "status", "title", "id"], json)
        }
        Messages::Delete { id } => {
            let server = Server::new(&setup).await?;
            server.api().delete(&server.token, &id).await.map_err(request_error)?;
            let text = format!("deleted message {} on the server", short(&id));
            Ok(if json { output::json(&json!({ "deleted": id })) } else { output::lines([text]) }?)
        }
    }
}

/// What to ask the server for.
fn query(args: ListMessages, zone: &TimeZone) -> Result<MessageQuery, Error> {
    let ListMessages { status, sender, receiver, kind, from, to, page } = args;
    let from = from.map(|text| time("--from", &text, Time::midnight(), zone)).transpose()?;
    let to = to.map(|text| time("--to", &text, LAST_TIME, zone)).transpose()?;
    Ok(MessageQuery { status, sender, receiver, kind, from, to, page })
}

/// A point in time: RFC 3339, or without an offset in the time zone of the messages; a date stands
/// for this time of its day.
fn time(option: &str, text: &str, of_day: Time, zone: &TimeZone) -> Result<Timestamp, Error> {
    let text = text.trim();
    let local = || match text.parse::<Date>() {
        // A date parses as the midnight of a date and time, too.
        Ok(date) if !text.contains(':') => Some(date.to_datetime(of_day)),
        Ok(_) | Err(_) => text.parse::<DateTime>().ok(),
    };
    let found = text.parse::<Timestamp>().ok();
    let found = found.or_else(|| Some(local()?.to_zoned(zone.clone()).ok()?.timestamp()));
    found.ok_or_else(|| {
        let accepted = "a date, a date with a time, or RFC 3339, such as 2026-01-31 or \"2026-01-31 09:00\"";
        Error::new(ExitReason::Usage, format!("{option}: {text:?} is no time; accepted is {accepted}"))
    })
}

/// `clients list`.
///
/// # Errors
/// As [`messages`].
pub(crate) async fn clients(setup: Setup, json: bool) -> Result<(), Error> {
    let server = Server::new(&setup).await?;
    let rows = server.api().clients(&server.token).await.map_err(request_error)?;
    show(&rows, ["loginTime", "loginName", "device", "status"], json)
}

/// The error of an API request. A status means something else here than for a connection: 403 is a
/// missing permission and not a missing sign-in, 404 may be a missing message.
pub(crate) fn request_error(failure: Failure) -> Error {
    let Fault::Status(status) = failure.fault else { return failure.into() };
    let remedy = match status {
        403 => "this account does not have permission: ask your administrator",
        404 => "check the message id and the paths in [api]",
        _ => return failure.into(),
    };
    Error::new(ExitReason::Failed, format!("{}: {remedy}", failure.detail))
}

/// Prints the rows as a table or as JSON.
fn show<const N: usize>(rows: &[Value], columns: [&str; N], json: bool) -> Result<(), Error> {
    if json {
        return Ok(output::json(&rows)?);
    }
    if rows.is_empty() {
        output::message("no entries");
    }
    let cells: Vec<[String; N]> = rows.iter().map(|row| columns.map(|column| short(&cell(row, column)))).collect();
    Ok(output::lines(table(&cells))?)
}

fn cell(row: &Value, column: &str) -> String {
    match row.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(values)) => values.iter().map(name).collect::<Vec<_>>().join(", "),
        Some(Value::String(text)) => text.parse().map_or_else(|_| text.clone(), local),
        Some(other) => name(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_is_not_a_missing_sign_in() {
        assert_eq!(request_error(Failure::new(Fault::Status(403), "h answered HTTP 403")).reason, ExitReason::Failed);
        assert_eq!(request_error(Failure::new(Fault::Status(401), "")).reason, ExitReason::SignIn);
    }

    #[test]
    fn a_time_is_a_date_of_which_the_end_is_meant_or_not_or_a_moment() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        for (text, first, last) in [
            ("2026-01-31", "2026-01-30T16:00:00Z", "2026-01-31T15:59:59.999Z"),
            ("2026-01-31 09:30", "2026-01-31T01:30:00Z", "2026-01-31T01:30:00Z"),
            ("2026-01-31T09:30:05", "2026-01-31T01:30:05Z", "2026-01-31T01:30:05Z"),
            ("2026-01-31T09:30:05+01:00", "2026-01-31T08:30:05Z", "2026-01-31T08:30:05Z"),
        ] {
            let at = |of_day| time("--from", text, of_day, &zone).unwrap().to_string();
            assert_eq!((at(Time::midnight()), at(LAST_TIME)), (first.to_owned(), last.to_owned()), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "9:30"] {
            let error = time("--to", text, LAST_TIME, &zone).unwrap_err();
            assert_eq!(error.reason, ExitReason::Usage, "{text}");
        }
    }

    #[test]
    fn cells_show_the_values_of_the_servers_fields() {
        let row = json!({ "id": 7, "title": "a", "sender": null, "receiver": ["b", "c"] });
        let columns = ["id", "title", "sender", "none", "receiver"];
        assert_eq!(columns.map(|column| cell(&row, column)), ["7", "a", "", "", "b, c"]);
    }
}
