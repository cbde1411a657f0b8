use super::client::{Api, Stomp};
use super::*;
use reqwest::StatusCode;
use stomp::Command;

#[tokio::test]
async fn signing_in_gives_a_token_and_a_wrong_password_401() {
    let server = server(|_| ()).await;
    let stranger = Api::stranger(&server);
    for (login, password) in [("alice", "bob"), ("mallory", ""), ("", "")] {
        let (status, answer) = stranger.call("/login", &json!({"login": login, "password": password})).await;
        assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!(401)), "{answer}");
    }
    let (_, answer) = stranger.call("/login", &json!({"login": "alice", "password": "alice"})).await;
    assert_eq!(answer["expiresIn"], json!(43_200));

    let refresh = json!({"refreshToken": answer["refreshToken"]});
    let (status, renewed) = stranger.call("/login", &refresh).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(renewed["token"], answer["token"]);
    assert_eq!(stranger.call("/login", &refresh).await.0, StatusCode::UNAUTHORIZED, "a refresh token is good once");
    server.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_token_and_no_other() {
    let server = server(|_| ()).await;
    let mut api = Api::stranger(&server);
    assert_eq!(api.call("/logout", &json!({})).await.0, StatusCode::UNAUTHORIZED);
    let credentials = json!({"login": "alice", "password": "alice"});
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let (_, answer) = api.call("/login", &credentials).await;
        tokens.push(answer["token"].as_str().unwrap().to_owned());
    }
    let [ended, other] = [&tokens[0], &tokens[1]];
    api.token.clone_from(ended);
    assert_eq!(api.call("/logout", &json!({})).await.0, StatusCode::OK);
    let clients = "/ecgapi/api/message/getWebSocketClients";
    assert_eq!(api.call(clients, &json!({})).await.0, StatusCode::UNAUTHORIZED);
    api.token.clone_from(other);
    assert_eq!(api.call(clients, &json!({})).await.0, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn every_call_wants_a_token() {
    let server = server(|config| config.demo = true).await;
    let mut stranger = Api::stranger(&server);
    let calls = ["sendMessage", "collectMessage", "getMessagePage", "deleteMessageById", "getWebSocketClients"];
    let demo = ["expenses", "expenses/1/approve", "expenses/1/reject", "payment", "task", "report"];
    let calls = calls.map(|call| format!("/ecgapi/api/message/{call}")).into_iter();
    for call in calls.chain(demo.map(|call| format!("/demo/{call}"))) {
        for token in ["", "guess"] {
            stranger.token = token.to_owned();
            let (status, answer) = stranger.call(&call, &json!({})).await;
            assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!(401)), "{call} {token:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_request_is_answered_with_what_is_wrong() {
    let server = server(|_| ()).await;
    let bob = Api::sign_in(&server, "bob", "bob").await;
    let full = json!({"title": "t", "content": "c", "type": 1, "receiver": ["alice"]});
    let with = |key: &str, value: Value| {
        let mut request = full.clone();
        request[key] = value;
        request
    };
    for (request, why) in [
        (json!({}), "missing field `title`"),
        (json!([]), "request body"),
        (with("title", json!(" ")), "title is empty"),
        (with("type", json!({})), "type has to be"),
        (with("receiver", json!([])), "receiver is empty"),
        (with("receiver", json!(["zoe"])), "\"zoe\" is not known"),
        (with("receiver", json!([7])), "7 is not known"),
        (with("receiver", json!([{}])), "a user id or a login"),
        (with("actions", json!([{"id": "a", "label": "l", "url": "u", "confirm": 7}])), "confirm of an action"),
        (with("id", json!("")), "id is empty"),
        (with("priority", json!([])), "priority has to be"),
        (with("state", json!("done")), "unknown variant `done`"),
    ] {
        let (status, answer) = bob.call("/ecgapi/api/message/sendMessage", &request).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!(400)), "{answer}");
        assert!(answer["msg"].as_str().unwrap().contains(why), "{answer}");
    }
    assert_eq!(bob.call("/ecgapi/api/message/nothing", &json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(bob.get("/ecgapi/api/message/sendMessage").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    server.stop().await;
}

#[tokio::test]
async fn collecting_goes_page_by_page_and_ends_with_an_empty_page() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    for n in 0..5 {
        tell_alice(&bob, &n.to_string()).await;
    }
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = alice.message("collectMessage", json!({"after": after, "limit": 2, "device": "pc"})).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        assert_eq!(page["next"].is_null(), ids(&page).is_empty());
        if page["next"].is_null() {
            break;
        }
        after = page["next"].clone();
    }
    assert_eq!(seen, ["0", "1", "2", "3", "4"]);
    assert!(ids(&alice.collect("pc", None).await).is_empty(), "the last cursor covers all");
    assert_eq!(ids(&alice.collect("phone", None).await).len(), 5, "another device has had nothing");
    server.stop().await;
}

#[tokio::test]
async fn a_served_page_that_got_lost_is_served_again() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    tell_alice(&bob, "1").await;
    for _ in 0..2 {
        let page = alice.collect("pc", None).await;
        assert_eq!(ids(&page), ["1"]);
        assert_eq!(page["records"][0]["status"], "undelivered");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_destructive_server_serves_a_record_once_to_a_device_and_keeps_it_in_history() {
    let server = server(|config| config.destructive_collect = true).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    tell_alice(&bob, "1").await;
    assert_eq!(ids(&alice.collect("pc", None).await), ["1"]);
    assert!(ids(&alice.collect("pc", None).await).is_empty());
    let history = alice.message("getMessagePage", json!({"pageNum": 1, "pageSize": 10})).await;
    assert_eq!((ids(&history), &history["records"][0]["status"]), (vec!["1"], &json!("delivered")));
    server.stop().await;
}

#[tokio::test]
async fn a_long_poll_is_held_until_there_is_something() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let held = tokio::spawn(async move {
        alice.message("collectMessage", json!({"after": null, "limit": 10, "device": "pc", "wait": 300})).await
    });
    let of_carol = json!({"title": "t", "content": "c", "type": 1, "receiver": ["carol"]});
    bob.message("sendMessage", of_carol).await;
    tell_alice(&bob, "1").await;
    assert_eq!(ids(&held.await.unwrap()), ["1"]);
    server.stop().await;
}

#[tokio::test]
async fn a_long_poll_ends_empty_when_its_time_is_up_or_the_server_stops() {
    let server = server(|_| ()).await;
    let alice = Api::sign_in(&server, "alice", "alice").await;
    let page = alice.message("collectMessage", json!({"device": "pc", "wait": 0.01})).await;
    assert_eq!(page, json!({"records": [], "next": null}));

    let held = tokio::spawn(async move { alice.message("collectMessage", json!({"device": "pc", "wait": 300})).await });
    while server.hub.grown.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    server.stop().await;
    assert!(ids(&held.await.unwrap()).is_empty());
}

#[tokio::test]
async fn history_is_paged_newest_first_with_its_total_and_filters() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    for n in 1..=3 {
        tell_alice(&bob, &n.to_string()).await;
    }
    let page = alice.message("getMessagePage", json!({"pageNum": 2, "pageSize": 2})).await;
    assert_eq!((ids(&page), &page["total"]), (vec!["1"], &json!(3)));
    let none = alice.message("getMessagePage", json!({"sender": "carol"})).await;
    assert_eq!(none, json!({"records": [], "total": 0}));
    let later = alice.message("getMessagePage", json!({"from": "2999-01-01T00:00:00Z", "status": "undelivered"})).await;
    assert_eq!(later["total"], json!(0));
    let (status, answer) = alice.call("/ecgapi/api/message/getMessagePage", &json!({"from": "yesterday"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_deletion_is_for_everybody_and_strangers_may_not() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let carol = Api::sign_in(&server, "carol", "carol").await;
    tell_alice(&bob, "1").await;
    let delete = json!({"id": "1"});
    let path = "/ecgapi/api/message/deleteMessageById";
    assert_eq!(carol.call(path, &delete).await.0, StatusCode::FORBIDDEN);
    assert_eq!(alice.call(path, &delete).await.0, StatusCode::OK);
    assert_eq!(bob.call(path, &delete).await.0, StatusCode::NOT_FOUND);
    assert!(ids(&alice.collect("pc", None).await).is_empty());
    server.stop().await;
}

#[tokio::test]
async fn only_the_sender_edits_a_message_and_never_backwards() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    tell_alice(&bob, "1").await;
    let cursor = alice.collect("pc", None).await["next"].clone();
    let version = |version: u64, state: &str| json!({"id": "1", "title": "t", "content": "c", "type": 1, "version": version, "state": state});
    let path = "/ecgapi/api/message/sendMessage";
    assert_eq!(alice.call(path, &version(2, "decided")).await.0, StatusCode::FORBIDDEN);
    bob.message("sendMessage", version(2, "decided")).await;
    assert_eq!(bob.call(path, &version(1, "open")).await.0, StatusCode::CONFLICT);

    let page = alice.collect("pc", cursor.as_str()).await;
    assert_eq!((ids(&page), &page["records"][0]["state"]), (vec!["1"], &json!("decided")), "behind the cursor again");
    assert_eq!(page["records"][0]["receiver"], json!([1001]));
    server.stop().await;
}

#[tokio::test]
async fn records_sign_ins_and_cursors_outlive_a_restart_with_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = server(keeping(folder.path())).await;
    let (alice, bob) = (Api::sign_in(&first, "alice", "alice").await, Api::sign_in(&first, "bob", "bob").await);
    tell_alice(&bob, "1").await;
    tell_alice(&bob, "2").await;
    let page = alice.message("collectMessage", json!({"limit": 1, "device": "pc"})).await;
    first.stop().await;

    let second = server(keeping(folder.path())).await;
    let mut again = Api::stranger(&second);
    again.token = alice.token;
    assert_eq!(ids(&again.collect("pc", page["next"].as_str()).await), ["2"]);
    assert_eq!(ids(&again.collect("pc", None).await), ["2"], "what the cursor covers is delivered");
    assert_eq!(again.message("getMessagePage", json!({})).await["total"], json!(2));
    second.stop().await;

    let third = server(|config| {
        keeping(folder.path())(config);
        config.accounts.clear();
    })
    .await;
    let mut gone = Api::stranger(&third);
    gone.token = again.token;
    let (status, _) = gone.call("/ecgapi/api/message/getMessagePage", &json!({})).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "the account is gone, and its tokens with it");
    third.stop().await;
}

#[tokio::test]
async fn a_cursor_from_before_a_restart_without_data_loses_nothing() {
    let first = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&first, "alice", "alice").await, Api::sign_in(&first, "bob", "bob").await);
    tell_alice(&bob, "1").await;
    tell_alice(&bob, "2").await;
    let old = alice.collect("pc", None).await["next"].clone();
    first.stop().await;

    let second = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&second, "alice", "alice").await, Api::sign_in(&second, "bob", "bob").await);
    tell_alice(&bob, "3").await;
    assert_eq!(ids(&alice.collect("pc", old.as_str()).await), ["3"]);
    second.stop().await;
}

#[tokio::test]
async fn discovery_names_what_gives_a_client_every_message_once() {
    let server = server(|_| ()).await;
    let alice = Api::sign_in(&server, "alice", "alice").await;
    let settings: Value = alice.get("/.well-known/belfry.json").await.json().await.unwrap();
    let address = server.address();
    assert_eq!(settings["server"]["endpoints"], json!([format!("ws://{address}/ws")]));
    assert_eq!(settings["api"]["base"], json!(format!("http://{address}/ecgapi")));

    let mut client = Stomp::connect(&server, "alice", "pc").await;
    for (id, subscription) in settings["server"]["subscriptions"].as_array().unwrap().iter().enumerate() {
        let text = |key: &str| subscription[key].as_str().unwrap().to_owned();
        client.subscribe(&id.to_string(), &text("destination"), &text("ack"), &[]).await;
    }
    let bob = Api::sign_in(&server, "bob", "bob").await;
    tell_alice(&bob, "personal").await;
    bob.message("sendMessage", json!({"id": "broadcast", "title": "t", "content": "c", "type": 1})).await;
    for (id, destination) in [("personal", "/user/queue/notices"), ("broadcast", "/topic/broadcast")] {
        let message = client.message().await;
        assert_eq!((message.json()["id"].as_str(), message.header("destination")), (Some(id), destination));
    }
    client.send(Command::Disconnect, &[("receipt", "bye")], "").await;
    client.receipt("bye").await;
    server.stop().await;
}

#[tokio::test]
async fn the_ready_line_names_every_way_in() {
    let server = server(|_| ()).await;
    let address = server.address();
    let ready: Value = serde_json::from_str(&server.ready_line()).unwrap();
    assert_eq!(
        ready,
        json!({
            "ready": true, "http": format!("http://{address}"), "stomp": format!("ws://{address}/ws"),
            "websocket": format!("ws://{address}/websocket/{{token}}"), "sockjs": format!("http://{address}/sockjs"),
        })
    );
    server.stop().await;
}
