//! A token for a login and a password, or for the refresh token of an earlier one: mode `password`
//! with `auth.login_url` (`docs/reference/settings.md`).
//!
//! One request returns a token or a [`Failure`]. A server that refuses the password is
//! distinguished from one that cannot answer now: only the first needs a person. Any other status,
//! such as 404, means a wrong address. Deliberately absent: when to ask ([`crate::net::token`]).
//! Invariant: the password goes to `auth.login_url` and nowhere else, and never over plain text
//! that the settings do not allow.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::net::{
    address::host_of,
    auth,
    http::{self, Client},
    identity::Identity,
    issued::Issued,
};
use belfry_core::{
    envelope::{self, PageError},
    error::{Failure, Fault},
    settings::AuthSettings,
    status::Kind,
};

/// How long the answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer taken, in bytes.
const MAX_ANSWER: usize = 256 * 1024;
/// Where a token is looked for when the settings do not say it.
const USUAL_POINTERS: [&str; 3] = ["/token", "/data/token", "/access_token"];
/// The statuses that servers answer to a wrong password. The same password is not sent again by
/// itself, since that can lock the account.
const REFUSALS: [u16; 5] = [400, 401, 403, 422, 423];

/// Asks for a token, and learns the user id if the answer names it.
///
/// # Errors
/// [`Fault::Password`] when the server refuses login and password, else the failure that kept it
/// from answering.
pub(crate) async fn token(
    client: &Client,
    identity: &Identity,
    url: &Url,
    password: &SecretString,
) -> Result<Issued, Failure> {
    request(client, identity, url, body(&identity.settings.auth, password)).await
}

/// Asks for a token with the refresh token that came with an earlier one.
///
/// # Errors
/// As [`token`]; [`Fault::Password`] when the server refuses the refresh token.
pub(crate) async fn refresh(
    client: &Client,
    identity: &Identity,
    url: &Url,
    refresh: &SecretString,
) -> Result<Issued, Failure> {
    let body = serde_json::json!({ "refreshToken": refresh.expose_secret() });
    request(client, identity, url, body.to_string()).await
}

async fn request(client: &Client, identity: &Identity, url: &Url, body: String) -> Result<Issued, Failure> {
    let settings = &identity.settings;
    let issued_at = Timestamp::now();
    let host = host_of(url);
    settings.network.is_allowed(url).map_err(|refusal| Failure::new(Fault::Insecure, refusal.place()))?;
    let request = client
        .post(url.clone())
        .headers(auth::device_headers(identity))
        .header("content-type", "application/json")
        .header("accept", "application/json");
    let sent = request.body(body).timeout(ANSWER_TIMEOUT).send().await;
    let response = sent.map_err(|error| http::failure(error, url))?;
    let status = response.status();
    if REFUSALS.contains(&status.as_u16()) {
        return Err(Failure::new(Fault::Password, format!("{host}: HTTP {}", status.as_u16())));
    }
    if !status.is_success() {
        let failure = http::status_failure(status, response.headers(), url);
        // Waiting does not help against a wrong address.
        return Err(if failure.kind() == Kind::Status {
            Failure::new(Fault::Settings, format!("auth.login_url ({})", failure.detail))
        } else {
            failure
        });
    }
    let answer = http::read_body(response, MAX_ANSWER, url).await?;
    let answer = answer.ok_or_else(|| Failure::new(Fault::BadAnswer, host.clone()))?;
    let token = read(&answer, &settings.auth, &host)?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    identity.handle_login_answer(&answer);
    Ok(Issued::by_server(token, &answer, issued_at))
}

/// The template with login and password inserted as JSON text; inserted text is not searched for
/// placeholders.
fn body(auth: &AuthSettings, password: &SecretString) -> String {
    let mut body = String::new();
    let mut rest = auth.login_body.as_str();
    while let Some((before, from)) = rest.find('{').map(|at| rest.split_at(at)) {
        body.push_str(before);
        rest = if let Some(after) = from.strip_prefix("{login}") {
            body.push_str(&escaped(&auth.login));
            after
        } else if let Some(after) = from.strip_prefix("{password}") {
            body.push_str(&escaped(password.expose_secret()));
            after
        } else {
            body.push('{');
            from.strip_prefix('{').unwrap_or_default()
        };
    }
    body.push_str(rest);
    body
}

fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// The token in an answer that came with success, unless its envelope says otherwise
/// ([`belfry_core::envelope`]).
fn read(answer: &[u8], auth: &AuthSettings, host: &str) -> Result<SecretString, Failure> {
    envelope::check(answer).map_err(|error| refusal(error, host))?;
    let answer: Value = serde_json::from_slice(answer)
        .map_err(|_| Failure::new(Fault::BadAnswer, format!("{host}: auth.login_url")))?;
    let found = if auth.login_token.is_empty() {
        USUAL_POINTERS.iter().find_map(|pointer| answer.pointer(pointer)?.as_str().filter(|token| !token.is_empty()))
    } else {
        answer.pointer(auth.login_token.as_str()).and_then(Value::as_str).filter(|token| !token.is_empty())
    };
    // The same server will give the same answer: a person has to set where the token is.
    let token = found.ok_or_else(|| Failure::new(Fault::Settings, format!("auth.login_token ({host})")))?;
    Ok(SecretString::from(token))
}

/// The failure for an envelope that reports one.
fn refusal(error: PageError, host: &str) -> Failure {
    match error {
        PageError::Unavailable(why) => Failure::new(Fault::Declined, format!("{host}: {why}")),
        PageError::Failed(why) => Failure::new(Fault::Password, format!("{host}: {why}")),
        PageError::Status(code) => Failure::new(Fault::Password, format!("{host}: code {code}")),
        PageError::NotJson(_) | PageError::NoItems => Failure::new(Fault::BadAnswer, format!("{host}: auth.login_url")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(login: &str, body: &str, pointer: &str) -> AuthSettings {
        AuthSettings {
            login: login.to_owned(),
            login_body: if body.is_empty() { AuthSettings::default().login_body } else { body.to_owned() },
            login_token: pointer.parse().unwrap(),
            ..AuthSettings::default()
        }
    }

    #[test]
    fn login_and_password_are_put_in_as_json_writes_them_and_once() {
        let sent = |login: &str, template: &str, password: &str| body(&auth(login, template, ""), &password.into());
        let odd = "a\"b\\c\n{login}";
        let parsed: Value = serde_json::from_str(&sent("{password}", "", odd)).unwrap();
        assert_eq!(parsed, serde_json::json!({ "login": "{password}", "password": odd }));
        assert_eq!(sent("alice", r#"{"u":{"n":"{login}"},"p":"{password}"}"#, "x"), r#"{"u":{"n":"alice"},"p":"x"}"#);
    }

    #[test]
    fn the_token_is_where_the_settings_say_or_in_a_usual_place() {
        let token = |answer: &str, pointer: &str| {
            read(answer.as_bytes(), &auth("", "", pointer), "h:1")
                .map(|token| token.expose_secret().to_owned())
                .map_err(|failure| failure.fault)
        };
        for usual in [r#"{"token":"t"}"#, r#"{"code":0,"data":{"token":"t"}}"#, r#"{"token":"","access_token":"t"}"#] {
            assert_eq!(token(usual, "").as_deref(), Ok("t"), "{usual}");
        }
        assert_eq!(token(r#"{"token":"other","a":{"b":"t"}}"#, "/a/b").as_deref(), Ok("t"));
        for none in [r#"{"token":7}"#, r#"{"token":""}"#, "{}", "[]", "\"t\""] {
            assert_eq!(token(none, ""), Err(Fault::Settings), "{none}");
        }
        assert_eq!(token(r#"{"token":"t"}"#, "/a/b"), Err(Fault::Settings));
        assert_eq!(token("<html>", ""), Err(Fault::BadAnswer));
    }

    #[test]
    fn an_envelope_that_refuses_is_a_wrong_password_unless_the_server_is_unavailable() {
        let failure = |answer: &str| read(answer.as_bytes(), &auth("", "", ""), "h:1").unwrap_err();
        for no in [r#"{"code":401,"token":"t"}"#, r#"{"code":"1001","msg":"bad\n password"}"#, r#"{"success":false}"#] {
            assert_eq!(failure(no).fault, Fault::Password, "{no}");
        }
        assert_eq!(failure(r#"{"code":1001,"msg":"bad\n password"}"#).detail, "h:1: bad password (code 1001)");
        for unavailable in [r#"{"code":500}"#, r#"{"code":429,"msg":"slow down"}"#] {
            assert_eq!(failure(unavailable).fault, Fault::Declined, "{unavailable}");
        }
    }
}
