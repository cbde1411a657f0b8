//! Every key of the settings has its effect on the wire or on the screen, and a test that shows it.
//!
//! [`SHOWN_BY`] names that test, here or elsewhere. Each of them fails if its key is ignored.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use belfry_core::settings;
use harness::api::{Answer, CLIENTS, COLLECT, DELETE, HISTORY, Habits, SEND};
use harness::http::Response;
use harness::{FakeApi, FakeBroker, Home, Running};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stomp::{Command, Frame};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::fixtures::{Person, api, ids, settings as plain_settings, text, with_server};

/// Key and name of the test.
const SHOWN_BY: &[(&str, &str)] = &[
    ("server.endpoints", "the_handshake_connect_and_subscribe_carry_what_the_settings_say"),
    ("server.protocol", "the_server_knows_the_device_by_id_and_name"),
    ("server.host", "the_handshake_connect_and_subscribe_carry_what_the_settings_say"),
    ("server.heart_beat", "the_handshake_connect_and_subscribe_carry_what_the_settings_say"),
    ("server.max_message", "greetings_and_heart_beats_are_no_notices_and_what_is_too_large_is_kept_as_rejected"),
    ("server.poll_every", "without_an_interval_for_polling_the_api_is_not_polled"),
    ("server.reconnect_spread", "the_first_retry_is_spread_as_widely_as_the_settings_say"),
    ("server.subscriptions", "the_handshake_connect_and_subscribe_carry_what_the_settings_say"),
    ("api.base", "each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings"),
    ("api.collect", "each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings"),
    ("api.history", "each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings"),
    ("api.delete", "each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings"),
    ("api.clients", "each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings"),
    ("api.send", "each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings"),
    ("api.method", "each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings"),
    ("api.page", "each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings"),
    ("api.wait", "a_poll_asks_the_server_to_hold_it_as_long_as_the_settings_say"),
    ("api.reconcile_every", "a_live_session_collects_as_often_as_the_settings_say"),
    ("api.items", "rows_and_cursor_are_read_where_the_settings_say"),
    ("api.cursor", "rows_and_cursor_are_read_where_the_settings_say"),
    ("api.scope", "the_scopes_of_the_api_and_of_a_subscription_keep_equal_ids_apart"),
    ("auth.mode", "a_password_is_exchanged_for_a_token_as_the_settings_say"),
    ("auth.login", "the_handshake_connect_and_subscribe_carry_what_the_settings_say"),
    ("auth.device", "connect_the_handshake_and_every_call_carry_the_device_id_and_the_device_name"),
    ("auth.stomp", "the_handshake_connect_and_subscribe_carry_what_the_settings_say"),
    ("auth.http", "the_handshake_connect_and_subscribe_carry_what_the_settings_say"),
    ("auth.login_url", "a_password_is_exchanged_for_a_token_as_the_settings_say"),
    ("auth.login_body", "a_password_is_exchanged_for_a_token_as_the_settings_say"),
    ("auth.login_token", "a_password_is_exchanged_for_a_token_as_the_settings_say"),
    ("auth.oidc", "the_login_is_the_preferred_name_that_the_issuer_tells_for_the_scope_profile"),
    ("network.proxy", "a_socks_proxy_resolves_the_name_of_the_server_with_socks5h"),
    ("network.ca_bundle", "a_server_with_tls_1_2_only_is_live"),
    (
        "network.client_cert",
        "a_server_that_requires_a_client_certificate_is_live_with_it_and_names_its_setting_without",
    ),
    ("network.insecure_hosts", "a_host_is_called_in_plain_text_only_if_the_settings_list_it"),
    ("message.id", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.title", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.body", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.kind", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.sender", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.sent_at", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.link", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.priority", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.state", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.status", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.undelivered", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.kinds", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.version", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.actions", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("message.time_zone", "each_field_of_a_message_is_read_where_its_pointer_leads"),
    ("notifications.enabled", "without_notifications_a_notice_arrives_and_none_is_shown"),
    ("notifications.sound", "a_popup_has_the_sound_of_the_settings"),
    ("notifications.preview", "popups_show_no_more_than_the_preview_setting_allows_and_name_kinds"),
    ("notifications.quiet_hours", "in_quiet_hours_only_what_is_urgent_is_shown_and_it_stays"),
    ("notifications.burst", "more_than_the_burst_of_the_settings_is_one_summary_without_what_a_rule_mutes"),
    ("notifications.rules", "more_than_the_burst_of_the_settings_is_one_summary_without_what_a_rule_mutes"),
    ("inbox.retention_days", "history_that_is_older_than_the_retention_is_not_taken"),
    ("inbox.delete_on_server", "what_the_server_does_not_permit_is_said_and_not_offered_again_before_the_next_connect"),
    ("app.language", "a_chosen_language_is_used_at_once_and_after_the_next_start"),
    ("app.theme", "settings_that_change_outside_hold_at_once_and_broken_ones_leave_the_session_alone"),
    ("app.start_at_login", "an_entry_is_written_and_removed_with_the_setting"),
    ("app.allowed_link_hosts", "a_list_replaces_the_servers_hosts"),
    ("app.action_urls", "a_confirmed_button_is_a_post_with_the_sign_in_and_a_stable_key_and_its_result_is_kept"),
    ("app.log_level", "the_log_says_as_much_as_the_settings_ask_for"),
];

#[test]
fn every_setting_has_a_test_that_shows_its_effect() {
    let listed = settings::list("", "defaults").unwrap();
    let shown: Vec<&str> = SHOWN_BY.iter().map(|(key, _)| *key).collect();
    assert_eq!(shown, listed.iter().map(|listed| listed.key).collect::<Vec<_>>());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut tests = BTreeSet::new();
    for folder in ["src-tauri/src", "src-tauri/crates", "tests"] {
        tests_below(&root.join(folder), &mut tests);
    }
    let missing: Vec<_> = SHOWN_BY.iter().filter(|(_, test)| !tests.contains(*test)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

/// The names of the functions that `#[test]` or `#[tokio::test]` marks, in every source below a folder.
fn tests_below(folder: &Path, tests: &mut BTreeSet<String>) {
    let paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in paths {
        if path.is_dir() {
            tests_below(&path, tests);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let marked = ["\n#[test]", "\n#[tokio::test", "\n    #[test]", "\n    #[tokio::test"];
            for rest in marked.iter().flat_map(|mark| source.split(mark).skip(1)) {
                let name = rest.split_once("fn ").and_then(|(_, rest)| rest.split('(').next());
                tests.extend(name.map(str::to_owned));
            }
        }
    }
}

const QUEUE: &str = "destination = \"/queue/test\"";

/// A broker that accepts everybody, hands on what it got first, sends these messages, and serves.
async fn broker(messages: Vec<Value>) -> (FakeBroker, UnboundedReceiver<Frame>) {
    let (sender, frames) = unbounded_channel();
    let broker = FakeBroker::start(move |_, mut wire| {
        let (sender, messages) = (sender.clone(), messages.clone());
        async move {
            let _the_test_is_over = sender.send(wire.welcome().await);
            let subscribe = wire.serve_until(Command::Subscribe).await;
            let subscription = subscribe.header("id").unwrap().into_owned();
            let _the_test_is_over = sender.send(subscribe);
            for (number, message) in messages.iter().enumerate() {
                wire.message(&subscription, &number.to_string(), message.to_string()).await;
            }
            wire.serve().await;
        }
    })
    .await;
    (broker, frames)
}

#[tokio::test]
async fn the_handshake_connect_and_subscribe_carry_what_the_settings_say() {
    let ((broker, mut frames), service) = (broker(Vec::new()).await, FakeApi::start().await);
    let settings = format!(
        "[server]\nendpoints = [\"{}\"]\nhost = \"accounting\"\nheart_beat = {{ send = \"3s\", expect = \"7s\" }}\n\
         [[server.subscriptions]]\ndestination = \"/queue/{{login}}\"\nack = \"client\"\n\
         headers = {{ durable = \"true\" }}\n[auth]\nlogin = \"alice\"\nstomp = \"header:X-Auth-Token\"\n\
         http = \"header:X-Key\"\n{}",
        broker.url(),
        api(&service.url())
    );
    let alice = Person::new(&settings, "the token");
    let _running = alice.run_live().await;
    let (connect, subscribe) = (frames.recv().await.unwrap(), frames.recv().await.unwrap());
    let of_connect = |name| connect.header(name).map(|value| value.into_owned());
    assert_eq!(of_connect("host").as_deref(), Some("accounting"));
    assert_eq!(of_connect("heart-beat").as_deref(), Some("3000,7000"));
    assert_eq!(of_connect("login").as_deref(), Some("alice"));
    assert_eq!((of_connect("X-Auth-Token").as_deref(), of_connect("passcode")), (Some("the token"), None));
    let of_subscribe = |name| subscribe.header(name).map(|value| value.into_owned());
    assert_eq!(of_subscribe("destination").as_deref(), Some("/queue/alice"));
    assert_eq!((of_subscribe("ack").as_deref(), of_subscribe("durable").as_deref()), (Some("client"), Some("true")));
    service.wait_for_requests(COLLECT, 1).await;
    let request = service.requests(COLLECT).remove(0);
    assert_eq!((request.header("x-key"), request.header("authorization")), (Some("the token"), None));
}

#[tokio::test]
async fn the_first_retry_is_spread_as_widely_as_the_settings_say() {
    let broker = FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        wire.serve_until(Command::Subscribe).await;
    })
    .await;
    let settings = plain_settings(&broker.url(), "alice", &[QUEUE], "");
    let settings = settings.replacen("reconnect_spread = \"1s\"", "reconnect_spread = \"366d\"", 1);
    let alice = Person::new(&settings, "token");
    let mut running = alice.run().await;
    let lost = running.event("the next attempt", |event| event["retry_in_ms"].is_u64()).await;
    // Less than a minute of a year.
    assert!(lost["retry_in_ms"].as_u64().unwrap() > 60_000, "{lost}");
}

#[tokio::test]
async fn without_an_interval_for_polling_the_api_is_not_polled() {
    let service = FakeApi::start().await;
    let settings = plain_settings("ws://127.0.0.1:1/ws", "alice", &[QUEUE], &api(&service.url()));
    let alice = Person::new(&with_server(&settings, "poll_every = \"0s\""), "token");
    let mut running = alice.run().await;
    for _ in 0..4 {
        running.event("a failed attempt", |event| event["retry_in_ms"].is_u64()).await;
    }
    assert!(running.all_of("status").iter().all(|status| status["state"] != "polling"));
    assert!(service.requests(COLLECT).is_empty());
}

#[tokio::test]
async fn each_call_goes_to_its_path_below_the_base_by_the_method_of_the_settings() {
    let ((broker, _frames), service) = (broker(Vec::new()).await, FakeApi::start().await);
    let calls = [(COLLECT, "collect"), (HISTORY, "history"), (DELETE, "delete"), (CLIENTS, "clients"), (SEND, "send")];
    let paths: String = calls.iter().map(|(call, key)| format!("{key} = \"/v2/{call}\"\n")).collect();
    let more = format!("{}{paths}method = \"GET\"\npage = 7\n", api(&format!("{}/company", service.url())));
    let alice = Person::new(&plain_settings(&broker.url(), "alice", &[QUEUE], &more), "token");
    alice.run_live().await.terminate().await;
    for command in [
        &["messages", "delete", "5"][..],
        &["clients", "list"],
        &["send", "--title", "t", "--type", "1", "--to", "7", "hello"],
    ] {
        assert_eq!(alice.ctl(command).await.code, Some(0), "{command:?}");
    }
    for (call, _) in calls {
        service.wait_for_requests(call, 1).await;
        for request in service.requests(call) {
            assert_eq!((request.path, request.method), (format!("/company/v2/{call}"), "GET".to_owned()));
        }
    }
    let query = service.requests(COLLECT).remove(0).query;
    assert!(query.split('&').any(|part| part == "limit=7"), "{query}");
}

#[tokio::test]
async fn a_poll_asks_the_server_to_hold_it_as_long_as_the_settings_say() {
    let service = FakeApi::start().await;
    let more = format!("{}wait = \"20s\"\n", api(&service.url()));
    let settings = plain_settings("ws://127.0.0.1:1/ws", "alice", &[QUEUE], &more);
    let alice = Person::new(&with_server(&settings, "poll_every = \"100ms\""), "token");
    let _running = alice.run().await;
    let mut count = 0;
    let is_held = |request: &harness::http::Request| request.body["wait"].as_f64() == Some(20.0);
    while !service.requests(COLLECT).iter().any(is_held) {
        count += 1;
        assert!(count < 20, "none of the polls is to be held");
        service.wait_for_requests(COLLECT, count).await;
    }
}

#[tokio::test]
async fn a_live_session_collects_as_often_as_the_settings_say() {
    let ((broker, _frames), service) = (broker(Vec::new()).await, FakeApi::start().await);
    let more = format!("{}reconcile_every = \"1s\"\n", api(&service.url()));
    let alice = Person::new(&plain_settings(&broker.url(), "alice", &[QUEUE], &more), "token");
    let _running = alice.run_live().await;
    // One at the connect and one 5 s later come anyway.
    service.wait_for_requests(COLLECT, 4).await;
}

#[tokio::test]
async fn rows_and_cursor_are_read_where_the_settings_say() {
    let ((broker, _frames), service) = (broker(Vec::new()).await, FakeApi::start().await);
    let page =
        |rows: Value, next: Value| Answer::Instead(Response::json(200, &json!({"odd": {"rows": rows, "then": next}})));
    service.next(COLLECT, page(json!([{"id": "1", "title": "one"}]), json!("c-9")));
    for _ in 0..10 {
        service.next(COLLECT, page(json!([]), Value::Null));
    }
    let more = format!("{}history = \"\"\nitems = \"/odd/rows\"\ncursor = \"/odd/then\"\n", api(&service.url()));
    let alice = Person::new(&plain_settings(&broker.url(), "alice", &[QUEUE], &more), "token");
    let mut running = alice.run().await;
    assert_eq!(text(&running.event_of("notice").await, "id"), "1");
    service.wait_for_requests(COLLECT, 2).await;
    assert_eq!(service.requests(COLLECT)[1].body["after"], "c-9");
}

#[tokio::test]
async fn the_scopes_of_the_api_and_of_a_subscription_keep_equal_ids_apart() {
    for (scope, count) in [("billing", 2), ("travel", 1)] {
        let (broker, _frames) = broker(vec![json!({"id": "7", "title": "seven"})]).await;
        let service = FakeApi::start().await;
        service.record([json!({"id": "7", "title": "seven"})]);
        let more = format!("{}scope = \"{scope}\"\n", api(&service.url()));
        let subscription = format!("{QUEUE}\nscope = \"travel\"");
        let alice = Person::new(&plain_settings(&broker.url(), "alice", &[&subscription], &more), "token");
        let mut running = alice.run().await;
        running.events_of("notice", count).await;
        running.event_of("caught-up").await;
        running.state("live").await;
        assert_eq!(alice.inbox_ids().await, vec!["7"; count], "{scope}");
    }
}

#[tokio::test]
async fn a_password_is_exchanged_for_a_token_as_the_settings_say() {
    let ((broker, mut frames), service) = (broker(Vec::new()).await, FakeApi::start().await);
    service.next("enter", Answer::Instead(Response::json(200, &json!({"deep": {"key": "issued"}, "token": "other"}))));
    let auth = format!(
        "[auth]\nmode = \"password\"\nlogin_url = \"{}/enter\"\nlogin_token = \"/deep/key\"\n\
         login_body = '{{\"who\":\"{{login}}\",\"word\":\"{{password}}\"}}'\n",
        service.url()
    );
    let settings = plain_settings(&broker.url(), "alice", &[QUEUE], "").replacen("[auth]\n", &auth, 1);
    let home = Home::new(&settings);
    let mut command = home.ctl(["run", "--json"]).await;
    command.env("BELFRY_PASSWORD", "open sesame");
    let _running = Running::spawn(command);
    let connect = frames.recv().await.unwrap();
    assert_eq!(connect.header("passcode").as_deref(), Some("issued"));
    assert_eq!(service.requests("enter")[0].body, json!({"who": "alice", "word": "open sesame"}));
}

#[tokio::test]
async fn a_host_is_called_in_plain_text_only_if_the_settings_list_it() {
    let outcome = async |network: &str| {
        let alice = Person::new(&plain_settings("ws://push.invalid/ws", "alice", &[QUEUE], network), "token");
        let mut running = alice.run().await;
        let is_outcome = |event: &Value| event["event"] == "status" && event["retry_in_ms"].is_u64();
        text(&running.event("how it went", is_outcome).await, "reason")
    };
    let refused = "the connection would not be encrypted";
    assert!(outcome("").await.starts_with(refused));
    let tried = outcome("[network]\ninsecure_hosts = [\"push.invalid\"]\n").await;
    assert!(!tried.starts_with(refused) && !tried.is_empty(), "{tried}");
}

#[tokio::test]
async fn each_field_of_a_message_is_read_where_its_pointer_leads() {
    let fields = [
        ("id", "no"),
        ("title", "head"),
        ("body", "words"),
        ("kind", "sort"),
        ("sender", "by"),
        ("sent_at", "at"),
        ("link", "see"),
        ("priority", "prio"),
        ("state", "phase"),
        ("status", "sent"),
        ("version", "rev"),
        ("actions", "buttons"),
    ];
    let pointers: String = fields.iter().map(|(key, name)| format!("{key} = \"/m/{name}\"\n")).collect();
    let mapping = format!(
        "[message]\n{pointers}undelivered = [\"waits\"]\nkinds = {{ \"3\" = \"Expense\" }}\n\
         time_zone = \"Asia/Shanghai\"\n"
    );
    let message = |rev: u32, phase: &str, at: &str| {
        json!({"m": {
            "no": "x-1", "head": "Lunch", "words": "12 euros", "sort": 3, "by": "bob", "at": at,
            "see": "https://example.com/1", "prio": "urgent", "phase": phase, "sent": "waits", "rev": rev,
            "buttons": [{"id": "ok", "label": "Approve", "url": "https://example.com/ok"}],
        }})
    };
    // An older version changes nothing, though it says that it was sent later; a newer one settles it.
    let later = "2026-05-02 08:00:00";
    let first = vec![message(2, "open", "2026-05-01 08:00:00")];
    let second = vec![message(1, "withdrawn", later), message(3, "decided", later)];
    let broker = FakeBroker::start(move |number, mut wire| {
        let messages = if number == 0 { first.clone() } else { second.clone() };
        async move {
            wire.welcome().await;
            let subscription = wire.serve_until(Command::Subscribe).await.header("id").unwrap().into_owned();
            for (number, message) in messages.iter().enumerate() {
                wire.message(&subscription, &number.to_string(), message.to_string()).await;
            }
            wire.serve().await;
        }
    })
    .await;
    let alice = Person::new(&plain_settings(&broker.url(), "alice", &[QUEUE], &mapping), "token");
    let mut running = alice.run_live().await;
    assert_eq!(text(&running.event_of("notice").await, "id"), "x-1");
    let shown = alice.ctl(&["inbox", "show", "x-1", "--json"]).await.json();
    for (field, value) in [
        ("title", json!("Lunch")),
        ("body", json!("12 euros")),
        ("kind", json!("3")),
        ("sender", json!("bob")),
        ("sent_at", json!("2026-05-01T00:00:00Z")),
        ("link", json!("https://example.com/1")),
        ("priority", json!("urgent")),
        ("state", json!("open")),
        ("undelivered", json!(true)),
        ("version", json!(2)),
    ] {
        assert_eq!(shown[field], value, "{field}: {shown}");
    }
    assert_eq!(shown["actions"][0]["label"], "Approve", "{shown}");
    let read = alice.ctl(&["inbox", "show", "x-1"]).await.stdout;
    assert!(read.contains("Expense"), "{read}");
    running.terminate().await;
    let mut running = alice.run().await;
    assert_eq!(running.event_of("changed").await["state"], "decided");
}

/// A service that has delivered none of these yet.
async fn undelivered(records: Vec<Value>) -> FakeApi {
    let service = FakeApi::start().await;
    service.record(records.into_iter().map(|mut record| {
        record["status"] = json!("undelivered");
        record
    }));
    service
}

#[tokio::test]
async fn without_notifications_a_notice_arrives_and_none_is_shown() {
    for (enabled, mark) in [(false, "suppressed"), (true, "shown")] {
        let (broker, _frames) = broker(vec![json!({"id": "1", "title": "one"})]).await;
        let more = format!("[notifications]\nenabled = {enabled}\n");
        let alice = Person::new(&plain_settings(&broker.url(), "alice", &[QUEUE], &more), "token");
        let mut running = alice.run_live().await;
        running.event_of("notice").await;
        if enabled {
            running.event_of("notification").await;
        }
        running.terminate().await;
        let shown = alice.ctl(&["inbox", "show", "1", "--json"]).await.json();
        assert_eq!(shown["alert"]["mark"], mark, "{shown}");
        assert_eq!(running.all_of("notification").is_empty(), !enabled);
    }
}

#[tokio::test]
async fn more_than_the_burst_of_the_settings_is_one_summary_without_what_a_rule_mutes() {
    let (broker, _frames) = broker(Vec::new()).await;
    let service = undelivered((1..=3).map(|n| json!({"id": n.to_string(), "title": "t", "type": n})).collect()).await;
    let more =
        format!("{}[notifications]\nburst = 1\nrules = [{{ kind = \"2\", show = \"mute\" }}]\n", api(&service.url()));
    let alice = Person::new(&plain_settings(&broker.url(), "alice", &[QUEUE], &more), "token");
    let mut running = alice.run().await;
    let summary = running.event_of("notification").await;
    let mut named: Vec<&str> = summary["notices"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    named.sort_unstable();
    assert_eq!((text(&summary, "type").as_str(), named), ("summary", vec!["1", "3"]));
}

#[tokio::test]
async fn history_that_is_older_than_the_retention_is_not_taken() {
    let (broker, _frames) = broker(Vec::new()).await;
    let service = FakeApi::start().await;
    let days_ago = |days: i64| (Timestamp::now() - SignedDuration::from_hours(24 * days)).to_string();
    service
        .record([(10, "old"), (1, "new")].map(|(days, id)| json!({"id": id, "title": id, "sendTime": days_ago(days)})));
    // Only the history has what this server has marked as delivered.
    service.set(Habits { marks_on_serving: true, page_cap: Some(0), ..Habits::default() });
    let more = format!("{}[inbox]\nretention_days = 5\n", api(&service.url()));
    let alice = Person::new(&plain_settings(&broker.url(), "alice", &[QUEUE], &more), "token");
    let mut running = alice.run().await;
    running.event_of("caught-up").await;
    running.terminate().await;
    assert_eq!(ids(&running.all_of("notice")), ["new"]);
}

#[tokio::test]
async fn the_log_says_as_much_as_the_settings_ask_for() {
    for (level, is_said) in [("info", true), ("warn", false)] {
        let (broker, _frames) = broker(Vec::new()).await;
        let more = format!("[app]\nlog_level = \"{level}\"\n");
        let alice = Person::new(&plain_settings(&broker.url(), "alice", &[QUEUE], &more), "token");
        let mut command = alice.home.ctl(["run", "--json"]).await;
        command.env("BELFRY_TOKEN", &alice.token).env_remove("BELFRY_LOG");
        let mut running = Running::spawn(command);
        running.state("live").await;
        running.terminate().await;
        assert_eq!(running.stderr().contains("the connection has changed"), is_said, "{level}");
    }
}
