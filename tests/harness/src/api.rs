//! A message service (collect, history, delete, clients and send; see `docs/reference/servers.md`)
//! whose faults a test can choose.
//!
//! For what `belfry-pushd` and real services cannot be made to do: ignore the cursor, cap pages,
//! lose an answer after having marked its messages delivered, throttle, answer half. Without faults
//! it is a plain, correct service.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::http::{Request, Response};

/// The last part of a call's path.
pub const COLLECT: &str = "collectMessage";
/// The last part of a call's path.
pub const HISTORY: &str = "getMessagePage";
/// The last part of a call's path.
pub const DELETE: &str = "deleteMessageById";
/// The last part of a call's path.
pub const CLIENTS: &str = "getWebSocketClients";
/// The last part of a call's path.
pub const SEND: &str = "sendMessage";

/// How the service misbehaves all the time; [`Habits::default`] is a correct one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    /// Every page is the first one.
    pub ignores_cursor: bool,
    /// No page is longer than this, whatever the limit asked for.
    pub page_cap: Option<usize>,
    /// Serving a message marks it delivered: it is never collected again, and the cursor is not
    /// looked at.
    pub marks_on_serving: bool,
}

/// What happens to one single request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This instead of the proper answer; nothing is done.
    Instead(Response),
    /// All is done, and the connection closed without an answer.
    Lost,
    /// All is done, and only so many bytes of the answer's body are sent.
    Cut(usize),
    /// Nothing is done or answered, and the connection stays open.
    Silence,
}

/// The service. Dropping it ends all its connections.
#[derive(Debug)]
pub struct FakeApi {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    requests: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    habits: Habits,
    records: Vec<Value>,
    served: HashSet<String>,
    answers: HashMap<&'static str, VecDeque<Answer>>,
    requests: Vec<Request>,
}

impl FakeApi {
    /// Listens, with no messages.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::default();
        let (counter, requests) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&shared), counter));
        Self { address, shared, requests, _tasks: tasks }
    }

    /// `http://127.0.0.1:PORT`, for `api.base`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address, to put a [`FaultProxy`](crate::FaultProxy) in front of.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Records messages, oldest first; each needs a string `id`.
    ///
    /// # Panics
    /// If a handler broke.
    pub fn record(&self, messages: impl IntoIterator<Item = Value>) {
        self.lock().records.extend(messages);
    }

    /// Changes how the service misbehaves.
    ///
    /// # Panics
    /// If a handler broke.
    pub fn set(&self, habits: Habits) {
        self.lock().habits = habits;
    }

    /// What happens to the next request of one call; several are taken in turn.
    ///
    /// # Panics
    /// If a handler broke.
    pub fn next(&self, call: &'static str, answer: Answer) {
        self.lock().answers.entry(call).or_default().push_back(answer);
    }

    /// The requests of one call so far.
    ///
    /// # Panics
    /// If a handler broke.
    pub fn requests(&self, call: &str) -> Vec<Request> {
        self.lock().requests.iter().filter(|request| request.path.ends_with(call)).cloned().collect()
    }

    /// Returns when at least `count` requests of one call have come in all.
    ///
    /// # Panics
    /// If they don't within 30 s.
    pub async fn wait_for_requests(&self, call: &str, count: usize) {
        let mut requests = self.requests.clone();
        let enough = requests.wait_for(|_| self.requests(call).len() >= count);
        let enough = tokio::time::timeout(Duration::from_secs(30), enough).await;
        enough.unwrap_or_else(|_| panic!("no {count} requests to {call}")).expect("the service runs");
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().expect("no panic while held")
    }
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>, counter: watch::Sender<usize>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, counter) = (Arc::clone(&shared), counter.clone());
        // A client may go away at any time; its test sees that.
        connections.spawn(async move { drop(answer(stream, &shared, &counter).await) });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(mut stream: TcpStream, shared: &Mutex<Shared>, counter: &watch::Sender<usize>) -> std::io::Result<()> {
    let request = Request::read(&mut stream).await?;
    let (response, answer) = {
        let mut shared = shared.lock().expect("no panic while held");
        shared.requests.push(request.clone());
        let answer = shared.answers.iter_mut().find(|(call, _)| request.path.ends_with(**call));
        let answer = answer.and_then(|(_, answers)| answers.pop_front());
        let response = match &answer {
            Some(Answer::Instead(response)) => response.clone(),
            Some(Answer::Silence) => Response::json(204, &Value::Null),
            None | Some(Answer::Lost | Answer::Cut(_)) => shared.handle(&request),
        };
        (response, answer)
    };
    counter.send_modify(|count| *count += 1);
    match answer {
        None | Some(Answer::Instead(_)) => response.write(stream, usize::MAX).await,
        Some(Answer::Cut(body_bytes)) => response.write(stream, body_bytes).await,
        Some(Answer::Lost) => Ok(()),
        Some(Answer::Silence) => {
            std::future::pending::<()>().await;
            Ok(())
        }
    }
}

impl Shared {
    fn handle(&mut self, request: &Request) -> Response {
        if request.method == "POST" && !request.is_json() {
            return Response::json(415, &json!({"code": 415, "msg": "the body has to be application/json"}));
        }
        if !["GET", "POST"].contains(&request.method.as_str()) {
            return Response::json(405, &json!({"code": 405, "msg": "no such method here"}));
        }
        let body = &request.body;
        let number = |name: &str, default: u64| body[name].as_u64().unwrap_or(default) as usize;
        let data = match request.path.rsplit('/').next().unwrap_or_default() {
            COLLECT => self.collect(body["after"].as_str(), number("limit", 200)),
            HISTORY => {
                let (page, size) = (number("pageNum", 1), number("pageSize", 200));
                let newest_first = self.records.iter().rev().skip((page - 1) * size).take(size);
                json!({"records": newest_first.collect::<Vec<_>>(), "total": self.records.len()})
            }
            DELETE => {
                self.records.retain(|record| record["id"] != body["id"]);
                Value::Null
            }
            CLIENTS => json!([]),
            SEND => {
                let id = format!("sent-{}", self.records.len());
                let mut record = body.clone();
                record["id"] = json!(id);
                self.records.push(record);
                json!({"id": id})
            }
            _ => return Response::json(404, &json!({"code": 404, "msg": "no such call"})),
        };
        Response::json(200, &json!({"code": 0, "msg": "ok", "data": data}))
    }

    fn collect(&mut self, after: Option<&str>, limit: usize) -> Value {
        let Habits { ignores_cursor, page_cap, marks_on_serving } = self.habits;
        let limit = limit.min(page_cap.unwrap_or(usize::MAX));
        let open: Vec<&Value> = if marks_on_serving {
            self.records.iter().filter(|record| !self.served.contains(id_of(record))).collect()
        } else {
            let known = |after| self.records.iter().position(|record| id_of(record) == after);
            let begin = after.filter(|_| !ignores_cursor).and_then(known).map_or(0, |at| at + 1);
            self.records[begin..].iter().collect()
        };
        let page: Vec<Value> = open.into_iter().take(limit).cloned().collect();
        self.served.extend(page.iter().map(|record| id_of(record).to_owned()));
        let next = page.last().map(|record| record["id"].clone());
        json!({"records": page, "next": next})
    }
}

fn id_of(record: &Value) -> &str {
    record["id"].as_str().expect("a record with a string id")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::post;

    async fn collect(api: &FakeApi, after: &Value) -> std::io::Result<Vec<String>> {
        let url = format!("{}/api/message/{COLLECT}", api.url());
        let (status, body) = post(&url, None, &json!({"after": after, "limit": 3})).await?;
        assert_eq!(status, 200);
        Ok(body["data"]["records"].as_array().unwrap().iter().map(|record| id_of(record).to_owned()).collect())
    }

    async fn service_with_five() -> FakeApi {
        let api = FakeApi::start().await;
        api.record((1..=5).map(|n| json!({"id": n.to_string()})));
        api
    }

    #[tokio::test]
    async fn without_faults_the_cursor_leads_through_all_pages() {
        let api = service_with_five().await;
        assert_eq!(collect(&api, &Value::Null).await.unwrap(), ["1", "2", "3"]);
        assert_eq!(collect(&api, &json!("3")).await.unwrap(), ["4", "5"]);
        assert!(collect(&api, &json!("5")).await.unwrap().is_empty());
        assert_eq!(api.requests(COLLECT).len(), 3);
    }

    #[tokio::test]
    async fn habits_break_the_cursor_the_page_and_the_marks() {
        let api = service_with_five().await;
        api.set(Habits { ignores_cursor: true, page_cap: Some(2), ..Habits::default() });
        assert_eq!(collect(&api, &json!("2")).await.unwrap(), ["1", "2"]);
        api.set(Habits { marks_on_serving: true, ..Habits::default() });
        assert_eq!(collect(&api, &Value::Null).await.unwrap(), ["3", "4", "5"]);
        assert!(collect(&api, &Value::Null).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_lost_a_cut_and_a_replaced_answer_each_happen_once() {
        let api = service_with_five().await;
        api.next(COLLECT, Answer::Lost);
        api.next(COLLECT, Answer::Cut(10));
        api.next(COLLECT, Answer::Instead(Response::json(503, &Value::Null)));
        assert!(collect(&api, &Value::Null).await.is_err());
        assert!(collect(&api, &Value::Null).await.is_err());
        api.wait_for_requests(COLLECT, 2).await;
        let (status, _) = post(&format!("{}/{COLLECT}", api.url()), None, &Value::Null).await.unwrap();
        assert_eq!(status, 503);
        assert_eq!(collect(&api, &Value::Null).await.unwrap().len(), 3);
    }
}
