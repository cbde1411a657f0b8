//! Signing in and out: `POST /login` and `/logout`, and who is calling.
//!
//! A pair of login and password, or a refresh token, buys an access token for `Authorization:
//! Bearer` (or `X-Auth-Token`), the CONNECT frame and the raw WebSocket's path. Deliberately
//! absent: throttling and an account store; a company has both in its identity provider.
//! Invariant: an answer never says which of login and password was wrong, and nothing of either is
//! logged.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::answer::{Answer, ApiError, Body, json_body, read_body};
use crate::device::Device;
use crate::hub::{Hub, Tokens};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Login {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    refresh_token: Option<String>,
}

/// `POST /login` with `{login,password}` or `{refreshToken}`.
pub(crate) async fn login(State(hub): State<Arc<Hub>>, Body(request): Body<Login>) -> Result<Json<Tokens>, ApiError> {
    if let Some(token) = request.refresh_token {
        let tokens = hub.refresh(&token)?;
        return tokens.map(Json).ok_or_else(|| ApiError::unauthorized("the refresh token is not valid: sign in again"));
    }
    if !hub.is_password(&request.login, &request.password) {
        return Err(ApiError::unauthorized("login or password is wrong"));
    }
    Ok(Json(hub.sign_in(&request.login)?))
}

/// `POST /logout` with the token that is to end; the calls that follow with it get 401.
pub(crate) async fn logout(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Result<Answer<()>, ApiError> {
    let token = token(&headers).ok_or_else(|| ApiError::unauthorized("there is no token to end"))?;
    hub.sign_out(token)?;
    Ok(Answer(()))
}

/// A call of a person who is signed in: who, from which device, and what the body asks for. Anybody
/// else gets 401.
pub(crate) struct Call<T> {
    /// A login.
    pub(crate) caller: String,
    pub(crate) device: Device,
    pub(crate) body: T,
}

impl<T: DeserializeOwned> FromRequest<Arc<Hub>> for Call<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, hub: &Arc<Hub>) -> Result<Self, ApiError> {
        let missing =
            || ApiError::unauthorized("sign in: send Authorization: Bearer TOKEN with a token of POST /login");
        let login = hub.token_login(token(request.headers()).ok_or_else(missing)?)?;
        let caller =
            login.ok_or_else(|| ApiError::unauthorized("the token is not valid or has expired: sign in again"))?;
        let of_headers = Device::of_headers(request.headers());
        let body = json_body(request, hub).await?;
        let device = Device::of_body(&body).or(of_headers);
        hub.note_device(&caller, &device);
        Ok(Self { caller, device, body: read_body(body)? })
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    header("authorization").and_then(bearer).or_else(|| header("x-auth-token"))
}

/// The token of an `Authorization: Bearer` value; the scheme's case does not matter (RFC 9110,
/// section 11.1).
pub(crate) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_either_header() {
        let of = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            token(&headers).map(str::to_owned)
        };
        assert_eq!(of("authorization", "Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("authorization", "bearer  abc").as_deref(), Some("abc"));
        assert_eq!(of("x-auth-token", "abc").as_deref(), Some("abc"));
        assert_eq!(of("authorization", "Basic abc"), None);
        assert_eq!(of("cookie", "abc"), None);
    }
}
