//! The cases of `ui/src/backend/cases.json` against the real back end. `cases.test.ts` beside them
//! runs the same cases against the window's fake one, so the fake does nothing that the app does
//! not do.

use std::collections::HashMap;

use harness::FakeApi;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::history::{settings, silent_broker};
use super::world::World;
use crate::Request;
use crate::ipc::{Chosen, CommandError, Filter, PageQuery, Update};

const SHARED: &str = include_str!("../../../../../ui/src/backend/cases.json");

#[derive(Deserialize)]
struct Shared {
    notices: Vec<Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    /// False: as right after the installation.
    #[serde(default = "yes")]
    is_set_up: bool,
    /// False: without a folder that exports are written to.
    #[serde(default = "yes")]
    documents: bool,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    call: String,
    #[serde(default)]
    with: Map<String, Value>,
    /// Parts of the answer; a list is whole, unless it is in `$contains`.
    #[serde(default, deserialize_with = "present")]
    answer: Option<Value>,
    /// Parts of the error.
    error: Option<Value>,
    /// Members of the answer that later steps use as `{"$kept": NAME}`.
    #[serde(default)]
    keep: HashMap<String, String>,
}

fn yes() -> bool {
    true
}

/// An answer that is expected to be null is not one that may be anything.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[tokio::test]
async fn the_real_back_end_answers_as_the_fake_one_is_held_to() {
    let Shared { notices, cases } = serde_json::from_str(SHARED).unwrap();
    let mut failures = Vec::new();
    for case in cases {
        let (broker, service) = (silent_broker().await, FakeApi::start().await);
        service.record(notices.iter().cloned());
        let mut world = if case.is_set_up {
            World::set_up(&settings(&broker, &service), |_| ()).await
        } else {
            World::first_run().await
        };
        if case.is_set_up {
            world.live().await;
        }
        if !case.documents {
            std::fs::remove_dir(world.documents_dir()).unwrap();
        }
        failures.extend(run(&mut world, &case).await.err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

async fn run(world: &mut World, case: &Case) -> Result<(), String> {
    let mut kept: HashMap<&str, Value> = HashMap::new();
    for step in &case.steps {
        let mut given = step.with.clone();
        for value in given.values_mut() {
            if let Some(name) = value.get("$kept").and_then(Value::as_str) {
                *value = kept[name].clone();
            }
        }
        let mut result = send(world, &step.call, &given).await;
        // The engine counts what is unread a moment later, and then says so: the window reads again.
        while matches!(step.call.as_str(), "page" | "about") && !is_met(step, &result) {
            println!("{}: {} {given:?} is now {result:?}", case.name, step.call);
            world.update(|update| (update == Update::Inbox).then_some(())).await;
            result = send(world, &step.call, &given).await;
        }
        if !is_met(step, &result) {
            return Err(format!("{}: {} {given:?} is {result:?}", case.name, step.call));
        }
        for (member, name) in &step.keep {
            kept.insert(name, result.as_ref().unwrap()[member].clone());
        }
    }
    Ok(())
}

fn is_met(step: &Step, result: &Result<Value, Value>) -> bool {
    match (result, &step.answer, &step.error) {
        (Ok(_), None, None) => true,
        (Ok(value), Some(expected), None) | (Err(value), None, Some(expected)) => matches(value, expected),
        (Ok(_) | Err(_), _, _) => false,
    }
}

/// Whether a value has all that is expected of it.
fn matches(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Array(values), Value::Object(_)) => {
            let parts = expected["$contains"].as_array().unwrap();
            parts.iter().all(|part| values.iter().any(|value| matches(value, part)))
        }
        (Value::Object(members), Value::Object(expected)) => {
            expected.iter().all(|(name, expected)| matches(members.get(name).unwrap_or(&Value::Null), expected))
        }
        (Value::Array(values), Value::Array(expected)) => {
            values.len() == expected.len() && values.iter().zip(expected).all(|(value, part)| matches(value, part))
        }
        (value, expected) => value == expected,
    }
}

/// Sends a command as the shell does. An argument that a case leaves out has the least value.
async fn send(world: &World, call: &str, given: &Map<String, Value>) -> Result<Value, Value> {
    let app = &world.app;
    let filter = || {
        let mut filter = json!({"text": "", "unread": false, "needsAction": false, "kind": null});
        for (name, value) in given.get("filter").and_then(Value::as_object).into_iter().flatten() {
            filter[name] = value.clone();
        }
        serde_json::from_value::<Filter>(filter).unwrap()
    };
    let seq = || of::<Option<i64>>(given, "seq").unwrap_or_default();
    let seqs = || of::<Option<Vec<i64>>>(given, "seqs");
    let text = |name| of::<Option<String>>(given, name).unwrap_or_default();
    let limit = || of::<Option<usize>>(given, "limit").unwrap_or(100);
    match call {
        "about" => json(app.ask(|reply| Request::About { reply }).await),
        "act" => {
            json(app.ask(|reply| Request::Act { seq: seq(), action: text("action"), confirmed: None, reply }).await)
        }
        "clients" => json(app.ask(|reply| Request::Clients { reply }).await),
        "discover" => json(app.ask(|reply| Request::Discover { address: text("address"), reply }).await),
        "export_notices" => {
            let format = of(given, "format");
            json(app.ask(|reply| Request::Export { format, filter: filter(), seqs: seqs(), reply }).await)
        }
        "kinds" => json(app.ask(|reply| Request::Kinds { reply }).await),
        "load_older" => json(app.ask(|reply| Request::LoadOlder { reply }).await),
        "keep_on_server" => json(app.ask(|reply| Request::KeepOnServer { seqs: seqs().unwrap(), reply }).await),
        "notice" => json(app.ask(|reply| Request::Notice { seq: seq(), text: text("text"), reply }).await),
        "open_link" => json(app.ask(|reply| Request::OpenLink { seq: seq(), reply }).await),
        "page" => {
            let (before, after) = (of(given, "before"), of(given, "after"));
            let query = PageQuery { before, after, limit: limit(), filter: filter() };
            json(app.ask(|reply| Request::Page { query, reply }).await)
        }
        "remove" => json(app.ask(|reply| Request::Remove { seqs: seqs().unwrap(), reply }).await),
        "restore" => json(app.ask(|reply| Request::Restore { undo: of(given, "undo"), reply }).await),
        "save_settings" => json(app.ask(|reply| Request::SaveSettings { values: of(given, "values"), reply }).await),
        "seqs" => json(app.ask(|reply| Request::Seqs { filter: filter(), limit: limit(), reply }).await),
        "set_all_read" => {
            let through = of(given, "through");
            json(app.ask(|reply| Request::SetAllRead { filter: filter(), through, reply }).await)
        }
        "set_read" => {
            let read = of(given, "read");
            json(app.ask(|reply| Request::SetRead { seqs: seqs().unwrap(), read, reply }).await)
        }
        "settings" => json(app.ask(|reply| Request::Settings { reply }).await),
        "show_export" => json(app.ask(|reply| Request::ShowExport { reply }).await),
        "cancel_sign_in" => json(app.ask(|reply| Request::CancelSignIn { reply }).await),
        "sign_in_in_browser" => {
            let server = Chosen { address: text("address"), agreed: Vec::new() };
            json(app.ask(|reply| Request::SignInInBrowser { server, reply }).await)
        }
        "sign_in_again" => json(app.ask(|reply| Request::SignInAgain { reply }).await),
        "sign_out" => json(app.ask(|reply| Request::SignOut { forget_device: false, reply }).await),
        "start" => json(app.ask(|reply| Request::Start { reply }).await),
        "test_notice" => json(app.ask(|reply| Request::TestNotice { reply }).await),
        other => panic!("no such command: {other}"),
    }
}

fn of<T: DeserializeOwned>(given: &Map<String, Value>, name: &str) -> T {
    let value = given.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn json(result: Result<impl serde::Serialize, CommandError>) -> Result<Value, Value> {
    match result {
        Ok(answer) => Ok(serde_json::to_value(answer).unwrap()),
        Err(error) => Err(serde_json::to_value(error).unwrap()),
    }
}
