//! `--demo`: an expense on its way through a company, as a reason for everyday messages.
//!
//! employee files → supervisor → manager → finance approve in turn → the employee is told that it
//! is paid (or, by the first who rejects it, rejected). Each step notifies the next person and
//! edits the decided message (same id, higher version, state decided), so that the approver's other
//! devices take it back. The buttons of a notification are the calls below, made with the token of
//! the person whose turn it is; a call repeated with its `Idempotency-Key` is answered as it was.
//! Payment, task and report are the other everyday senders.
//! Deliberately absent: storage of expenses; a restart forgets those under way.

mod expense;
mod words;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use self::expense::{Expense, Expenses, NotNow, Step};
use self::words::{Language, Verdict, Words};
use crate::account::Account;
use crate::answer::{Answer, ApiError};
use crate::auth::Call;
use crate::hub::Hub;
use crate::records::Draft;

/// Who has to say yes, in this order.
const APPROVERS: [&str; 3] = ["supervisor", "manager", "finance"];
const EMPLOYEE: &str = "employee";

/// Nothing from elsewhere, nothing inline, not in a frame; calls go to this server only.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                       base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The demo's people.
pub(crate) fn accounts() -> Vec<Account> {
    let account = |login: &str| Account { login: login.to_owned(), password: "demo".to_owned() };
    [EMPLOYEE].into_iter().chain(APPROVERS).map(account).collect()
}

/// What the addresses of all buttons begin with; `http` is the server's own address.
pub(crate) fn action_url(http: &str) -> String {
    format!("{http}/demo/expenses")
}

pub(crate) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/demo", get(async || page("text/html; charset=utf-8", include_str!("demo/page.html"))))
        .route("/demo/page.css", get(async || page("text/css; charset=utf-8", include_str!("demo/page.css"))))
        .route("/demo/page.js", get(async || page("text/javascript; charset=utf-8", include_str!("demo/page.js"))))
        .route("/demo/expenses", post(file))
        .route("/demo/expenses/{id}/approve", post(approve))
        .route("/demo/expenses/{id}/reject", post(reject))
        .route("/demo/payment", post(payment))
        .route("/demo/task", post(task))
        .route("/demo/report", post(report))
        .layer(Extension(Arc::new(Expenses::default())))
}

fn page(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

fn draft(kind: &str, (title, content): Words) -> Draft {
    Draft { title, content, kind: kind.into(), ..Draft::default() }
}

fn to(person: &str) -> Option<Vec<String>> {
    Some(vec![person.to_owned()])
}

#[derive(Deserialize)]
struct Filed {
    what: String,
    amount: String,
    #[serde(default)]
    language: Language,
}

/// What the other everyday senders are asked.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    language: Language,
}

/// `POST /demo/expenses {what,amount,language?}` → `{id}`.
async fn file(
    State(hub): State<Arc<Hub>>,
    Extension(expenses): Extension<Arc<Expenses>>,
    Call { caller, body: filed, .. }: Call<Filed>,
) -> Result<Answer<Value>, ApiError> {
    if filed.what.trim().is_empty() || filed.amount.trim().is_empty() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "what and amount have to be filled in"));
    }
    let expense = Expense::new(caller, filed.what, filed.amount, filed.language);
    let id = expense.id.clone();
    if let Some(first) = expense.waits_for() {
        hub.send(&expense.claim.by, expense.request(first, &hub.rules.addresses.http()), to(first))?;
    }
    expenses.lock().insert(id.clone(), expense);
    Ok(Answer(json!({ "id": id })))
}

/// What a button sends; a caller without a message, such as a script, leaves it out.
#[derive(Deserialize)]
struct Pressed {
    /// Of the message that has the button.
    id: Option<String>,
    /// Of the button.
    action: Option<String>,
}

/// `POST /demo/expenses/{id}/approve`.
async fn approve(
    State(hub): State<Arc<Hub>>,
    Extension(expenses): Extension<Arc<Expenses>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    call: Call<Pressed>,
) -> Result<Answer<()>, ApiError> {
    decide(&hub, &expenses, &id, &headers, &call, Verdict::Approved)
}

/// `POST /demo/expenses/{id}/reject`.
async fn reject(
    State(hub): State<Arc<Hub>>,
    Extension(expenses): Extension<Arc<Expenses>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    call: Call<Pressed>,
) -> Result<Answer<()>, ApiError> {
    decide(&hub, &expenses, &id, &headers, &call, Verdict::Rejected)
}

fn decide(
    hub: &Hub,
    expenses: &Expenses,
    id: &str,
    headers: &HeaderMap,
    Call { caller, body, .. }: &Call<Pressed>,
    verdict: Verdict,
) -> Result<Answer<()>, ApiError> {
    if body.action.as_deref().is_some_and(|action| action != verdict.action()) {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "the action is not the one of this address"));
    }
    let key = headers.get("idempotency-key").map(|key| key.as_bytes());
    let mut expenses = expenses.lock();
    let unknown =
        || ApiError::new(StatusCode::NOT_FOUND, "this expense is not known: a restart forgets those under way");
    let expense = expenses.get_mut(id).ok_or_else(unknown)?;
    match expense.step(caller, body.id.as_deref(), verdict, key)? {
        Step::Repeated => return Ok(Answer(())),
        Step::Open => {}
    }
    hub.send(&expense.claim.by, expense.decided(caller, verdict), to(caller))?;
    expense.decide(caller, verdict, key);
    tracing::info!(expense = id, caller, verdict = verdict.action(), "expense decided");
    match (expense.waits_for(), verdict) {
        (Some(next), _) => hub.send(&expense.claim.by, expense.request(next, &hub.rules.addresses.http()), to(next))?,
        (None, _) => hub.send(caller, expense.outcome(caller, verdict), to(&expense.claim.by))?,
    };
    Ok(Answer(()))
}

impl From<NotNow> for ApiError {
    fn from(error: NotNow) -> Self {
        let status = match error {
            NotNow::Decided { .. } => StatusCode::CONFLICT,
            NotNow::OtherPerson(_) => StatusCode::FORBIDDEN,
            NotNow::UnknownMessage => StatusCode::NOT_FOUND,
        };
        Self::new(status, error.to_string())
    }
}

/// `POST /demo/payment {language?}`: the result of a payment, for the caller.
async fn payment(
    State(hub): State<Arc<Hub>>,
    Call { caller, body: asked, .. }: Call<Asked>,
) -> Result<Answer<Value>, ApiError> {
    sent(&hub, "finance", draft("payment", asked.language.payment()), to(&caller))
}

/// `POST /demo/task {language?}`: a background task that has finished, for the caller.
async fn task(
    State(hub): State<Arc<Hub>>,
    Call { caller, body: asked, .. }: Call<Asked>,
) -> Result<Answer<Value>, ApiError> {
    let draft = Draft { priority: Some("low".into()), ..draft("task", asked.language.task()) };
    sent(&hub, &caller, draft, to(&caller))
}

/// `POST /demo/report {language?}`: a report for all of the demo's people, online or not.
async fn report(
    State(hub): State<Arc<Hub>>,
    Call { caller, body: asked, .. }: Call<Asked>,
) -> Result<Answer<Value>, ApiError> {
    let everybody = [EMPLOYEE].into_iter().chain(APPROVERS).map(str::to_owned).collect();
    sent(&hub, &caller, draft("report", asked.language.report()), Some(everybody))
}

fn sent(hub: &Hub, sender: &str, draft: Draft, receivers: Option<Vec<String>>) -> Result<Answer<Value>, ApiError> {
    let id = hub.send(sender, draft, receivers)?;
    Ok(Answer(json!({ "id": id })))
}
