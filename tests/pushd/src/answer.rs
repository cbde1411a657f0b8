//! How the HTTP API answers: `{code:0,msg:"ok",data}` or, with the HTTP status of the same number,
//! `{code,msg}`.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::hub::SendError;
use crate::records::PutError;
use crate::store::StoreError;

/// A call that could be done.
pub(crate) struct Answer<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        Json(json!({ "code": 0, "msg": "ok", "data": self.0 })).into_response()
    }
}

/// A call that could not.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    msg: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, msg: impl Into<String>) -> Self {
        Self { status, msg: msg.into() }
    }

    pub(crate) fn unauthorized(msg: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, msg)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Json(json!({ "code": self.status.as_u16(), "msg": self.msg })).into_response();
        *response.status_mut() = self.status;
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a call failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server could not read or write its records")
    }
}

impl From<SendError> for ApiError {
    fn from(error: SendError) -> Self {
        let status = match error {
            SendError::Put(PutError::Store(error)) => return error.into(),
            SendError::Invalid(_) => StatusCode::BAD_REQUEST,
            SendError::Put(PutError::NotSender(_)) => StatusCode::FORBIDDEN,
            SendError::Put(PutError::Stale { .. }) => StatusCode::CONFLICT,
        };
        Self::new(status, error.to_string())
    }
}

/// Reads a JSON body; an empty one is `{}`.
///
/// The content type has to be JSON's: a form of another site's page cannot send that one unasked.
pub(crate) async fn json_body<S: Send + Sync>(request: Request, state: &S) -> Result<Value, ApiError> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the request body has to be JSON, sent as Content-Type: application/json",
        ));
    }
    let bytes = Bytes::from_request(request, state)
        .await
        .map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    let body: Value = serde_json::from_slice(&bytes).map_err(not_taken)?;
    Ok(if body.is_null() { json!({}) } else { body })
}

/// Reads what a call takes out of its body.
pub(crate) fn read_body<T: DeserializeOwned>(body: Value) -> Result<T, ApiError> {
    serde_json::from_value(body).map_err(not_taken)
}

fn not_taken(error: serde_json::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, format!("the request body is not what this call takes: {error}"))
}

/// The JSON body of a call without a sign-in.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        read_body(json_body(request, state).await?).map(Body)
    }
}
