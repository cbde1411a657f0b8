//! `belfryctl messages list`: the filters are sent to the server, which applies them.

use harness::api::HISTORY;
use harness::{FakeApi, Pushd};
use serde_json::{Value, json};

use crate::fixtures::{Person, api, settings, text};

/// The ids of what a filter leaves, newest first.
async fn listed(alice: &Person, filters: &[&str]) -> Vec<String> {
    let ended = alice.ctl(&[&["messages", "list", "--json"], filters].concat()).await;
    assert_eq!(ended.code, Some(0), "{filters:?}: {ended:?}");
    ended.json().as_array().unwrap().iter().map(|row| text(row, "id")).collect()
}

#[tokio::test]
async fn each_filter_and_the_page_choose_what_the_server_lists() {
    let users = ["--user", "alice:secret", "--user", "bob:secret", "--user", "carol:secret"];
    let pushd = Pushd::start(users).await;
    let alice = Person::of(&pushd, "alice").await;
    let settings = crate::fixtures::pushd_settings(&pushd, "alice").replacen("[api]\n", "[api]\npage = 2\n", 1);
    alice.write_settings(&settings);
    let (bob, carol) = (pushd.login("bob", "secret").await, pushd.login("carol", "secret").await);
    for (sender, id, kind) in [(&bob, "b-1", 3), (&carol, "c-1", 4), (&bob, "b-2", 4)] {
        let message = json!({"id": id, "title": id, "content": "text", "type": kind, "receiver": ["alice"]});
        pushd.call(sender, "sendMessage", &message).await;
    }
    let sent = json!({"id": "a-1", "title": "a-1", "content": "text", "type": 5, "receiver": ["bob"]});
    pushd.call(&alice.token, "sendMessage", &sent).await;

    assert_eq!(listed(&alice, &[]).await, ["a-1", "b-2"]);
    assert_eq!(listed(&alice, &["--page", "2"]).await, ["c-1", "b-1"]);
    assert_eq!(listed(&alice, &["--sender", "bob"]).await, ["b-2", "b-1"]);
    assert_eq!(listed(&alice, &["--sender", "alice"]).await, ["a-1"]);
    assert_eq!(listed(&alice, &["--receiver", "bob"]).await, ["a-1"]);
    assert_eq!(listed(&alice, &["--kind", "4"]).await, ["b-2", "c-1"]);
    assert_eq!(listed(&alice, &["--kind", "4", "--sender", "carol"]).await, ["c-1"]);
    assert_eq!(listed(&alice, &["--from", "2020-01-01"]).await, ["a-1", "b-2"]);
    assert!(listed(&alice, &["--to", "2020-01-01"]).await.is_empty());
    assert_eq!(listed(&alice, &["--status", "undelivered", "--receiver", "alice"]).await, ["b-2", "c-1"]);
    assert!(listed(&alice, &["--status", "delivered", "--receiver", "alice"]).await.is_empty());

    let refused = alice.ctl(&["messages", "list", "--status", "lost"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("lost") && refused.stderr.contains("api.history"), "{refused:?}");
    let usage = alice.ctl(&["messages", "list", "--from", "yesterday"]).await;
    assert_eq!(usage.code, Some(2), "{usage:?}");
    assert!(usage.stderr.contains("--from") && usage.stderr.contains("2026-01-31"), "{usage:?}");
}

#[tokio::test]
async fn a_filter_goes_out_in_the_servers_words_and_none_is_invented() {
    let service = FakeApi::start().await;
    let zone = "[message]\ntime_zone = \"Asia/Shanghai\"\n";
    let more = format!("{}clients = \"\"\n{zone}", api(&service.url()));
    let alice = Person::new(&settings("ws://127.0.0.1:1/ws", "alice", &[], &more), "token");
    let filters =
        ["--status", "未送达", "--receiver", "7", "--kind", "3", "--from", "2026-01-31", "--to", "2026-01-31"];
    listed(&alice, &filters).await;
    listed(&alice, &[]).await;
    let asked: Vec<Value> = service.requests(HISTORY).into_iter().map(|request| request.body).collect();
    let expected = [
        ("pageNum", json!(1)),
        ("pageSize", json!(200)),
        ("status", json!("未送达")),
        ("receiver", json!("7")),
        ("type", json!(3)),
        ("from", json!("2026-01-30T16:00:00Z")),
        ("to", json!("2026-01-31T15:59:59.999Z")),
    ];
    for (name, value) in expected {
        assert_eq!(asked[0][name], value, "{name}: {}", asked[0]);
    }
    let mut names: Vec<&String> =
        asked[1].as_object().unwrap().keys().filter(|name| !name.starts_with("device")).collect();
    names.sort();
    assert_eq!(names, ["pageNum", "pageSize"]);
}
