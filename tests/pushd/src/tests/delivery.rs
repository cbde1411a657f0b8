use super::client::{Api, Raw, Stomp};
use super::*;
use stomp::Command;

#[tokio::test]
async fn a_personal_message_reaches_its_receivers_once_and_the_ack_delivers_it() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let mut pc = Stomp::connect(&server, "alice", "pc").await;
    for (id, queue) in [("1", "/user/queue/approvals"), ("2", "/user/queue/other")] {
        pc.subscribe(id, queue, "client-individual", &[]).await;
    }
    tell_alice(&bob, "m1").await;
    tell_alice(&bob, "m2").await;
    let first = pc.message().await;
    let record = first.json();
    assert_eq!(first.header("destination"), "/user/queue/approvals");
    assert_eq!(first.header("content-type"), "application/json");
    for (key, value) in [("id", "m1"), ("sender", "bob"), ("status", "undelivered"), ("type", "1")] {
        assert_eq!(record[key], value, "{record}");
    }
    assert!(record["sendTime"].as_str().unwrap().ends_with('Z'), "{record}");
    assert_eq!(pc.message().await.json()["id"], "m2", "each once, whatever is subscribed");

    assert_eq!(ids(&alice.collect("pc", None).await), ["m1", "m2"], "received is not yet delivered");
    pc.ack(&first).await;
    assert_eq!(ids(&alice.collect("pc", None).await), ["m2"]);
    assert_eq!(ids(&alice.collect("phone", None).await), ["m1", "m2"], "delivered to one device only");
    pc.disconnect_abruptly();
    assert_eq!(ids(&alice.collect("pc", None).await), ["m2"], "what was not acknowledged is collected");
    server.stop().await;
}

#[tokio::test]
async fn with_ack_auto_a_written_message_is_delivered() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let mut pc = Stomp::connect(&server, "alice", "pc").await;
    pc.subscribe("1", "/user/queue/a", "auto", &[]).await;
    tell_alice(&bob, "m1").await;
    assert_eq!(pc.message().await.header("ack"), "");
    // The receipt comes after the mark: both are the session's, in turn.
    pc.publish("/topic/any", "").await;
    assert!(ids(&alice.collect("pc", None).await).is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_broadcast_is_for_those_online_and_recorded_for_them_only() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    let carol = Api::sign_in(&server, "carol", "carol").await;
    let mut pc = Stomp::connect(&server, "alice", "pc").await;
    pc.subscribe("b", "/topic/broadcast", "client-individual", &[]).await;
    pc.subscribe("p", "/user/queue/notices", "client-individual", &[]).await;
    let mut raw = Raw::connect(&server, &bob.token, "raw").await;
    bob.online(&["pc", "raw"]).await;

    let sent = carol.message("sendMessage", json!({"title": "All hands", "content": "c", "type": 3})).await;
    let id = sent["id"].as_str().unwrap();
    let message = pc.message().await;
    assert_eq!((message.json()["id"].as_str(), message.header("subscription")), (Some(id), "b"));
    assert_eq!(raw.next().await["receiver"], json!([1001, 1002]), "the user ids of alice and bob");
    assert_eq!(ids(&alice.collect("phone", None).await), [id]);
    assert!(ids(&carol.collect("pc", None).await).is_empty(), "carol was not online");
    server.stop().await;
}

#[tokio::test]
async fn clients_are_listed_while_they_are_connected() {
    let server = server(|_| ()).await;
    let alice = Api::sign_in(&server, "alice", "alice").await;
    alice.online(&[]).await;
    let mut pc = Stomp::connect(&server, "alice", "pc").await;
    let raw = Raw::connect(&server, &alice.token, "raw").await;
    alice.online(&["pc", "raw"]).await;
    let rows = alice.message("getWebSocketClients", json!({})).await;
    assert_eq!(
        (&rows[0]["loginName"], &rows[0]["userId"], &rows[0]["status"]),
        (&json!("alice"), &json!(1001), &json!("online"))
    );
    assert!(rows[0]["loginTime"].as_str().unwrap().ends_with('Z'), "{rows}");

    pc.send(Command::Disconnect, &[("receipt", "bye")], "").await;
    pc.receipt("bye").await;
    let rows = alice.message("getWebSocketClients", json!({})).await;
    assert_eq!(rows.as_array().unwrap().len(), 1, "gone with the receipt: {rows}");
    drop(raw);
    alice.online(&[]).await;
    server.stop().await;
}

#[tokio::test]
async fn the_raw_socket_wants_a_token_at_the_handshake() {
    let server = server(|_| ()).await;
    assert_eq!(Raw::try_connect(&server, "guess", "pc").await.err(), Some(401));
    server.stop().await;
}

#[tokio::test]
async fn the_raw_socket_sends_what_was_missed_then_what_is_new_and_nothing_twice() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    for id in ["1", "2"] {
        tell_alice(&bob, id).await;
    }
    let mut raw = Raw::connect(&server, &alice.token, "pc").await;
    assert_eq!(raw.next().await["id"], "1");
    assert_eq!(raw.next().await["id"], "2");
    tell_alice(&bob, "3").await;
    assert_eq!(raw.next().await["id"], "3");
    drop(raw);
    bob.online(&[]).await;

    assert!(ids(&alice.collect("pc", None).await).is_empty(), "written is delivered");
    tell_alice(&bob, "4").await;
    let mut again = Raw::connect(&server, &alice.token, "pc").await;
    assert_eq!(again.next().await["id"], "4");
    let mut other = Raw::connect(&server, &alice.token, "phone").await;
    for id in ["1", "2", "3", "4"] {
        assert_eq!(other.next().await["id"], id, "another device has had none");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_edit_reaches_raw_and_stomp_clients_at_once() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    tell_alice(&bob, "1").await;
    let mut raw = Raw::connect(&server, &alice.token, "raw").await;
    assert_eq!(raw.next().await["version"], 1);
    let mut pc = Stomp::connect(&server, "alice", "pc").await;
    pc.subscribe("p", "/user/queue/a", "client-individual", &[]).await;
    bob.message("sendMessage", json!({"id": "1", "title": "t", "content": "c", "type": "1", "state": "withdrawn"}))
        .await;
    for record in [raw.next().await, pc.message().await.json()] {
        assert_eq!(
            (&record["id"], &record["version"], &record["state"]),
            (&json!("1"), &json!(2), &json!("withdrawn"))
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stopping_server_closes_raw_connections() {
    let server = server(|_| ()).await;
    let alice = Api::sign_in(&server, "alice", "alice").await;
    let mut raw = Raw::connect(&server, &alice.token, "pc").await;
    let stopped = tokio::spawn(server.stop());
    raw.closed().await;
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_close_is_answered_and_ends_the_presence() {
    let server = server(|_| ()).await;
    let alice = Api::sign_in(&server, "alice", "alice").await;
    let pc = Stomp::connect(&server, "alice", "pc").await;
    let raw = Raw::connect(&server, &alice.token, "raw").await;
    alice.online(&["pc", "raw"]).await;
    pc.close().await;
    raw.close().await;
    alice.online(&[]).await;
    server.stop().await;
}
