//! `--demo`: an expense on its way through a company, as a reason for everyday messages.
//!
//! employee files → supervisor → manager → finance approve in turn → the employee is told that it is paid (or, by
//! whoever says no, rejected). Each step notifies the next person and edits the decided message (same id, higher
//! version, state decided), so that the approver's other devices take it back. The buttons of a notification are the
//! calls below, made with the token of the person whose turn it is. Payment, task and report are the other everyday
//! senders. Deliberately absent: storage of expenses; a restart forgets those under way.

mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use self::words::{Language, Verdict, Words};
use crate::answer::{Answer, ApiError, Body};
use crate::auth::Caller;
use crate::discovery::host;
use crate::hub::Hub;
use crate::random_token;
use crate::records::{Action, Draft, State as Open};
use crate::server::Account;

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

/// Expenses under way, by id. The lock is held while a step sends its messages, so that two clicks are two steps.
#[derive(Default)]
struct Expenses(Mutex<BTreeMap<String, Expense>>);

impl Expenses {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Expense>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Expense {
    id: String,
    by: String,
    what: String,
    amount: String,
    language: Language,
    /// How many have approved.
    approvals: usize,
    is_rejected: bool,
}

impl Expense {
    fn waits_for(&self) -> Option<&'static str> {
        if self.is_rejected { None } else { APPROVERS.get(self.approvals).copied() }
    }

    fn draft(&self, id: String, words: Words) -> Draft {
        Draft { id: Some(id), ..draft("expense", words) }
    }

    /// The request to `approver`. Its id is the step's, so that the decision can edit it.
    fn request(&self, approver: &str, host: &str) -> Draft {
        let call = |verb: &str| format!("http://{host}/demo/expenses/{}/{verb}", self.id);
        let (approve, reject, sure) = self.language.buttons(self);
        let action = |id: &str, label: &str, confirm: Option<String>| Action {
            id: id.to_owned(),
            label: label.to_owned(),
            url: call(id),
            method: "POST".to_owned(),
            confirm,
        };
        Draft {
            url: Some(format!("http://{host}/demo")),
            priority: Some("high".into()),
            state: Some(Open::Open),
            actions: Some(vec![action("approve", approve, None), action("reject", reject, Some(sure))]),
            ..self.draft(self.request_id(approver), self.language.request(self))
        }
    }

    /// What takes the request back.
    fn decided(&self, approver: &str, verdict: Verdict) -> Draft {
        let words = self.language.decided(verdict, approver, self);
        Draft { state: Some(Open::Decided), ..self.draft(self.request_id(approver), words) }
    }

    fn outcome(&self, approver: &str, verdict: Verdict) -> Draft {
        self.draft(format!("expense-{}-outcome", self.id), self.language.outcome(verdict, approver, self))
    }

    fn request_id(&self, approver: &str) -> String {
        format!("expense-{}-{approver}", self.id)
    }
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
    Caller(caller): Caller,
    headers: HeaderMap,
    Body(filed): Body<Filed>,
) -> Result<Answer<Value>, ApiError> {
    if filed.what.trim().is_empty() || filed.amount.trim().is_empty() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "what and amount have to say something"));
    }
    let id = random_token(4);
    let expense = Expense {
        id: id.clone(),
        by: caller,
        what: filed.what,
        amount: filed.amount,
        language: filed.language,
        approvals: 0,
        is_rejected: false,
    };
    if let Some(first) = expense.waits_for() {
        hub.send(&expense.by, expense.request(first, &host(&headers, &hub)), to(first))?;
    }
    expenses.lock().insert(id.clone(), expense);
    Ok(Answer(json!({ "id": id })))
}

/// `POST /demo/expenses/{id}/approve`.
async fn approve(
    State(hub): State<Arc<Hub>>,
    Extension(expenses): Extension<Arc<Expenses>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Answer<()>, ApiError> {
    let mut expenses = expenses.lock();
    let expense = on_turn(&mut expenses, &id, &caller)?;
    hub.send(&expense.by, expense.decided(&caller, Verdict::Approved), to(&caller))?;
    expense.approvals += 1;
    match expense.waits_for() {
        Some(next) => hub.send(&expense.by, expense.request(next, &host(&headers, &hub)), to(next))?,
        None => hub.send(&caller, expense.outcome(&caller, Verdict::Approved), to(&expense.by))?,
    };
    Ok(Answer(()))
}

/// `POST /demo/expenses/{id}/reject`.
async fn reject(
    State(hub): State<Arc<Hub>>,
    Extension(expenses): Extension<Arc<Expenses>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Answer<()>, ApiError> {
    let mut expenses = expenses.lock();
    let expense = on_turn(&mut expenses, &id, &caller)?;
    hub.send(&expense.by, expense.decided(&caller, Verdict::Rejected), to(&caller))?;
    expense.is_rejected = true;
    hub.send(&caller, expense.outcome(&caller, Verdict::Rejected), to(&expense.by))?;
    Ok(Answer(()))
}

/// The expense, if it is `caller`'s to decide now.
fn on_turn<'a>(
    expenses: &'a mut BTreeMap<String, Expense>,
    id: &str,
    caller: &str,
) -> Result<&'a mut Expense, ApiError> {
    let unknown =
        || ApiError::new(StatusCode::NOT_FOUND, "this expense is not known: a restart forgets those under way");
    let expense = expenses.get_mut(id).ok_or_else(unknown)?;
    match expense.waits_for() {
        Some(person) if person == caller => Ok(expense),
        Some(person) if APPROVERS.iter().take(expense.approvals).any(|before| *before == caller) => {
            Err(ApiError::new(StatusCode::CONFLICT, format!("you have decided this: it is with {person} now")))
        }
        Some(person) => Err(ApiError::new(StatusCode::FORBIDDEN, format!("this is for {person} to decide"))),
        None => Err(ApiError::new(StatusCode::CONFLICT, "this expense is decided")),
    }
}

/// `POST /demo/payment {language?}`: the result of a payment, for the caller.
async fn payment(
    State(hub): State<Arc<Hub>>,
    Caller(caller): Caller,
    Body(asked): Body<Asked>,
) -> Result<Answer<Value>, ApiError> {
    sent(&hub, "finance", draft("payment", asked.language.payment()), to(&caller))
}

/// `POST /demo/task {language?}`: a background task that has finished, for the caller.
async fn task(
    State(hub): State<Arc<Hub>>,
    Caller(caller): Caller,
    Body(asked): Body<Asked>,
) -> Result<Answer<Value>, ApiError> {
    let draft = Draft { priority: Some("low".into()), ..draft("task", asked.language.task()) };
    sent(&hub, &caller, draft, to(&caller))
}

/// `POST /demo/report {language?}`: a report for all of the demo's people, online or not.
async fn report(
    State(hub): State<Arc<Hub>>,
    Caller(caller): Caller,
    Body(asked): Body<Asked>,
) -> Result<Answer<Value>, ApiError> {
    let everybody = [EMPLOYEE].into_iter().chain(APPROVERS).map(str::to_owned).collect();
    sent(&hub, &caller, draft("report", asked.language.report()), Some(everybody))
}

fn sent(hub: &Hub, sender: &str, draft: Draft, receivers: Option<Vec<String>>) -> Result<Answer<Value>, ApiError> {
    let id = hub.send(sender, draft, receivers)?;
    Ok(Answer(json!({ "id": id })))
}
