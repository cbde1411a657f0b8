//! How the HTTP API answers: `{code:0,msg:"ok",data}` or, with the HTTP status of the same number, `{code,msg}`.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

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

/// A JSON body, whatever content type it is said to have; none is `{}`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes).map(Body).map_err(|error| {
            ApiError::new(StatusCode::BAD_REQUEST, format!("the request body is not what this call takes: {error}"))
        })
    }
}
