//! The message service's people, devices and filters.

use super::client::{Api, Raw, Stomp};
use super::*;
use reqwest::StatusCode;
use std::time::Duration;

#[tokio::test]
async fn a_user_id_is_a_number_that_is_not_the_login_and_addresses_its_owner() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let (_, answer) = alice.call("/login", &json!({"login": "alice", "password": "alice"})).await;
    let id = answer["userId"].as_u64().unwrap();
    for (n, receiver) in [json!(id), json!(id.to_string()), json!("alice")].into_iter().enumerate() {
        let message = json!({"id": n.to_string(), "title": "t", "content": "c", "type": 1, "receiver": [receiver]});
        bob.message("sendMessage", message).await;
    }
    let page = alice.collect("pc", None).await;
    assert_eq!(ids(&page), ["0", "1", "2"]);
    for record in page["records"].as_array().unwrap() {
        assert_eq!((&record["receiver"], &record["type"]), (&json!([id]), &json!(1)), "a number stays one");
    }
    let both = json!({"title": "t", "content": "c", "type": 1, "receiver": [id, "alice"]});
    let sent = bob.message("sendMessage", both).await;
    let history = alice.message("getMessagePage", json!({})).await;
    let last = &history["records"][0];
    assert_eq!((&last["id"], &last["receiver"]), (&sent["id"], &json!([id])), "named twice, told once");
    server.stop().await;
}

#[tokio::test]
async fn devices_are_listed_by_the_name_people_know_them_by() {
    let server = server(|_| ()).await;
    let alice = Api::sign_in(&server, "alice", "alice").await;
    let mut named = Stomp::open(&server).await;
    named.sign_in("alice", &[("device", "d1"), ("device-name", "Alice's desk")]).await;
    let mut plain = Stomp::open(&server).await;
    plain.sign_in("alice", &[("device", "d2")]).await;
    let by_header = [("x-device", "d3"), ("x-device-name", "爱丽丝的电脑")];
    let path = format!("/websocket/{}", alice.token);
    let _raw = Raw::open(&server, &path, &by_header).await.ok().unwrap();
    let _in_query = Raw::open(&server, &format!("{path}?device=d4&deviceName=Phone"), &by_header).await.ok().unwrap();
    alice.online(&["Alice's desk", "d2", "爱丽丝的电脑", "Phone"]).await;

    let rows = alice.message("getWebSocketClients", json!({"device": "d2", "deviceName": "Laptop"})).await;
    let expected = ["Alice's desk", "Laptop", "爱丽丝的电脑", "Phone"].into_iter().zip(["d1", "d2", "d3", "d4"]);
    for (row, (name, id)) in rows.as_array().unwrap().iter().zip(expected) {
        assert_eq!((&row["device"], &row["deviceId"]), (&json!(name), &json!(id)), "named by any call");
        assert_eq!((&row["loginName"], &row["userId"]), (&json!("alice"), &json!(1001)));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_collect_names_its_device_in_the_body_or_in_headers() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    tell_alice(&bob, "1").await;
    let path = "/ecgapi/api/message/collectMessage";
    let (_, answer) = alice.call_with(path, &json!({}), &[("x-device", "pc")]).await;
    let after = json!({"after": answer["data"]["next"]});
    alice.call_with(path, &after, &[("x-device", "pc")]).await;
    assert!(ids(&alice.collect("pc", None).await).is_empty());
    assert_eq!(ids(&alice.collect("phone", None).await), ["1"]);
    server.stop().await;
}

#[tokio::test]
async fn history_is_filtered_by_every_field_the_service_knows() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let carol = Api::sign_in(&server, "carol", "carol").await;
    for (sender, id, kind) in [(&bob, "b", json!(3)), (&carol, "c", json!("expense")), (&alice, "a", json!(3))] {
        let receiver = if id == "a" { "bob" } else { "alice" };
        let message = json!({"id": id, "title": "t", "content": "c", "type": kind, "receiver": [receiver]});
        sender.message("sendMessage", message).await;
    }
    let mut pc = Raw::connect(&server, &alice.token, "pc").await;
    assert_eq!(pc.next().await["id"], "b");
    assert_eq!(pc.next().await["id"], "c");
    let sent = alice.message("getMessagePage", json!({})).await["records"][1]["sendTime"].clone();
    pc.close().await;
    alice.online(&[]).await;
    for (filter, expected) in [
        (json!({}), vec!["a", "c", "b"]),
        (json!({"type": 3}), vec!["a", "b"]),
        (json!({"type": "3"}), vec!["a", "b"]),
        (json!({"type": "expense"}), vec!["c"]),
        (json!({"sender": "bob"}), vec!["b"]),
        (json!({"sender": 1003}), vec!["c"]),
        (json!({"sender": "1003"}), vec!["c"]),
        (json!({"sender": "mallory"}), vec![]),
        (json!({"receiver": 1002}), vec!["a"]),
        (json!({"receiver": "alice", "type": 3}), vec!["b"]),
        (json!({"receiver": 7}), vec![]),
        (json!({"from": sent, "to": "2999-01-01T00:00:00Z", "sender": "carol"}), vec!["c"]),
        (json!({"to": "2020-01-01T00:00:00Z"}), vec![]),
        (json!({"status": "delivered", "device": "pc"}), vec!["c", "b"]),
        (json!({"status": "undelivered", "device": "phone"}), vec!["a", "c", "b"]),
        (json!({"status": null, "sender": null, "type": null}), vec!["a", "c", "b"]),
    ] {
        assert_eq!(ids(&alice.message("getMessagePage", filter.clone()).await), expected, "{filter}");
    }
    let (status, _) = alice.call("/ecgapi/api/message/getMessagePage", &json!({"type": []})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test]
async fn an_edit_of_a_personal_message_stays_personal() {
    let server = server(|_| ()).await;
    let bob = Api::sign_in(&server, "bob", "bob").await;
    let mut pc = Stomp::connect(&server, "alice", "pc").await;
    pc.subscribe("b", "/topic/broadcast", "auto", &[]).await;
    pc.subscribe("p", "/user/queue/notices", "auto", &[]).await;
    tell_alice(&bob, "1").await;
    assert_eq!(pc.message().await.header("subscription"), "p");
    bob.message("sendMessage", json!({"id": "1", "title": "t", "content": "c", "type": 1, "state": "decided"})).await;
    let edit = pc.message().await;
    assert_eq!((edit.header("subscription"), &edit.json()["version"]), ("p", &json!(2)));
    server.stop().await;
}

#[tokio::test]
async fn what_an_action_says_is_kept_as_it_was_given() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let actions = json!([
        {"id": "a", "label": "Approve", "url": "/a"},
        {"id": "r", "label": "Reject", "url": "/r", "method": "POST", "confirm": true},
        {"id": "d", "label": "Delete", "url": "/d", "confirm": "Sure?"},
    ]);
    let message = json!({"title": "t", "content": "c", "type": 1, "receiver": ["alice"], "actions": actions,
        "priority": 5, "state": "open", "version": 7, "url": "https://x.test/1"});
    bob.message("sendMessage", message.clone()).await;
    let page = alice.collect("pc", None).await;
    for key in ["actions", "priority", "state", "version", "url"] {
        assert_eq!(page["records"][0][key], message[key]);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_raw_connection_ends_with_the_token_it_was_opened_with() {
    let server = server(|config| config.token_lifetime = Duration::from_secs(1)).await;
    // On a busy machine a token may be over before it is used.
    let (token, mut raw) = loop {
        let token = Api::sign_in(&server, "alice", "alice").await.token;
        if let Ok(raw) = Raw::try_connect(&server, &token, "pc").await {
            break (token, raw);
        }
    };
    assert_eq!(raw.close_code().await, 1008);
    assert_eq!(Raw::try_connect(&server, &token, "pc").await.err(), Some(401));
    server.stop().await;
}
