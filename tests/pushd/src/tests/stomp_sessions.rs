use super::client::{Api, Stomp};
use super::*;
use std::time::Duration;
use stomp::Command;

#[tokio::test]
async fn connected_names_version_user_server_and_heart_beat() {
    let server = server(|_| ()).await;
    for (accepted, chosen) in [("1.2,1.1", "1.2"), ("1.1", "1.1")] {
        let mut client = Stomp::open(&server).await;
        client
            .send(Command::Connect, &[("accept-version", accepted), ("login", "alice"), ("passcode", "alice")], "")
            .await;
        let connected = client.next().await;
        assert_eq!(connected.command, Command::Connected);
        assert_eq!((connected.header("version"), connected.header("user-name")), (chosen, "alice"));
        assert!(connected.header("server").starts_with("belfry-pushd/"), "{connected:?}");
        assert_eq!(connected.header("heart-beat"), "100,100");
        assert_ne!(connected.header("session"), "");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_signs_in_wherever_it_stands_and_only_its_owner() {
    let server = server(|_| ()).await;
    let alice = Api::sign_in(&server, "alice", "alice").await;
    let bearer = format!("Bearer {}", alice.token);
    for headers in [
        vec![("passcode", alice.token.as_str())],
        vec![("login", "alice"), ("passcode", alice.token.as_str())],
        vec![("Authorization", bearer.as_str())],
        vec![("X-Auth-Token", alice.token.as_str())],
    ] {
        let mut client = Stomp::open(&server).await;
        let headers: Vec<_> = headers.into_iter().chain([("accept-version", "1.2")]).collect();
        client.send(Command::Stomp, &headers, "").await;
        assert_eq!(client.next().await.header("user-name"), "alice");
    }
    for headers in [
        vec![("login", "bob"), ("passcode", alice.token.as_str())],
        vec![("login", "alice"), ("passcode", "bob")],
        vec![("login", "alice")],
        vec![],
    ] {
        let mut client = Stomp::open(&server).await;
        let headers: Vec<_> = headers.into_iter().chain([("accept-version", "1.2")]).collect();
        client.send(Command::Connect, &headers, "").await;
        assert_eq!(client.error().await, "login, password or token is wrong");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_session_ends_with_the_token_it_was_opened_with() {
    let server = server(|config| config.token_lifetime = Duration::from_secs(1)).await;
    // On a busy machine a token may be over before it is used.
    let mut client = loop {
        let alice = Api::sign_in(&server, "alice", "alice").await;
        let mut client = Stomp::open(&server).await;
        client.send(Command::Connect, &[("accept-version", "1.2"), ("passcode", &alice.token)], "").await;
        if client.next().await.command == Command::Connected {
            break client;
        }
    };
    assert_eq!(client.error().await, "the token has expired: sign in again");
    server.stop().await;
}

#[tokio::test]
async fn a_violation_is_answered_with_error_and_close() {
    let server = server(|_| ()).await;
    let subscribe = [("id", "1"), ("destination", "/topic/t")];
    for (command, headers, why) in [
        (Command::Connect, vec![], "connected already"),
        (Command::Subscribe, subscribe.to_vec(), "exists already"),
        (Command::Subscribe, vec![("id", "2"), ("destination", "/nowhere")], "not known here"),
        (Command::Unsubscribe, vec![("id", "2")], "no subscription"),
        (Command::Ack, vec![("id", "x")], "not given out"),
        (Command::Send, vec![("destination", "/user/bob/queue/x")], "call sendMessage"),
        (Command::Send, vec![("destination", "/user/queue/notices")], "call sendMessage"),
        (Command::Send, vec![("destination", "/exchange/belfry/all")], "call sendMessage"),
        (Command::Send, vec![("destination", "/topic/broadcast")], "only this server"),
        (Command::Begin, vec![("transaction", "1")], "transactions"),
    ] {
        let mut client = Stomp::connect(&server, "alice", "pc").await;
        client.subscribe("1", "/topic/t", "auto", &[]).await;
        client.send(command, &headers, "").await;
        let error = client.error().await;
        assert!(error.contains(why), "{command}: {error}");
    }
    let mut early = Stomp::open(&server).await;
    early.send(Command::Subscribe, &subscribe, "").await;
    assert!(early.error().await.contains("not CONNECT"));
    server.stop().await;
}

#[tokio::test]
async fn an_error_names_the_frame_by_its_receipt() {
    let server = server(|_| ()).await;
    let mut client = Stomp::connect(&server, "alice", "pc").await;
    client.send(Command::Send, &[("destination", "/nowhere"), ("receipt", "r7")], "x").await;
    let error = client.next().await;
    assert_eq!((error.command, error.header("receipt-id")), (Command::Error, "r7"));
    server.stop().await;
}

#[tokio::test]
async fn what_is_sent_to_a_topic_arrives_with_its_headers_and_body() {
    let server = server(|_| ()).await;
    let mut alice = Stomp::connect(&server, "alice", "pc").await;
    alice.subscribe("s", "/exchange/amq.topic/it.#", "client-individual", &[]).await;
    let mut bob = Stomp::connect(&server, "bob", "pc").await;
    let headers = [("destination", "/topic/it.db"), ("content-type", "text/plain"), ("a:b", "c\\\n"), ("receipt", "1")];
    bob.send(Command::Send, &headers, "down\0!").await;
    bob.receipt("1").await;
    let message = alice.message().await;
    assert_eq!(message.body, "down\0!");
    for (name, value) in [
        ("subscription", "s"),
        ("destination", "/topic/it.db"),
        ("content-type", "text/plain"),
        ("a:b", "c\\\n"),
        ("redelivered", "false"),
        ("content-length", "6"),
        ("receipt", ""),
    ] {
        assert_eq!(message.header(name), value, "{name}");
    }
    assert_eq!(message.header("ack"), message.header("message-id"));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_not_utf8_is_passed_on_as_it_is() {
    let server = server(|_| ()).await;
    let mut client = Stomp::connect(&server, "alice", "pc").await;
    client.subscribe("s", "/topic/t", "auto", &[]).await;
    client.send_bytes(&[("destination", "/topic/t")], b"\xff\xfe").await;
    assert_eq!(client.frame().await.body(), b"\xff\xfe");
    server.stop().await;
}

#[tokio::test]
async fn unacknowledged_queue_messages_come_again_to_the_next_session() {
    let server = server(|_| ()).await;
    let mut first = Stomp::connect(&server, "alice", "pc").await;
    first.subscribe("q", "/queue/work", "client-individual", &[("prefetch-count", "2")]).await;
    for n in ["1", "2", "3"] {
        let mut bob = Stomp::connect(&server, "bob", "pc").await;
        bob.publish("/queue/work", n).await;
    }
    let one = first.message().await;
    assert_eq!(first.message().await.body, "2");
    first.ack(&one).await;
    assert_eq!(first.message().await.body, "3", "the acknowledgement made room");
    first.disconnect_abruptly();

    let mut second = Stomp::connect(&server, "alice", "pc").await;
    second.subscribe("q", "/queue/work", "client-individual", &[]).await;
    for body in ["2", "3"] {
        let message = second.message().await;
        assert_eq!((message.body.as_str(), message.header("redelivered")), (body, "true"));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_durable_subscription_keeps_what_came_while_away() {
    let server = server(|_| ()).await;
    let durable = [("durable", "true"), ("x-queue-name", "belfry.alice.pc"), ("auto-delete", "false")];
    let mut alice = Stomp::connect(&server, "alice", "pc").await;
    alice.subscribe("t", "/topic/news", "client-individual", &durable).await;
    alice.send(Command::Disconnect, &[("receipt", "bye")], "").await;
    alice.receipt("bye").await;
    alice.closed().await;

    let mut bob = Stomp::connect(&server, "bob", "pc").await;
    bob.publish("/topic/news", "missed").await;
    let mut alice = Stomp::connect(&server, "alice", "pc").await;
    alice.subscribe("t", "/topic/news", "client-individual", &durable).await;
    let missed = alice.message().await;
    assert_eq!((missed.body.as_str(), missed.header("redelivered")), ("missed", "false"));
    server.stop().await;
}

#[tokio::test]
async fn an_old_client_acknowledges_by_message_id_and_cumulatively() {
    let server = server(|_| ()).await;
    let mut alice = Stomp::open(&server).await;
    alice.send(Command::Connect, &[("accept-version", "1.1"), ("login", "alice"), ("passcode", "alice")], "").await;
    assert_eq!(alice.next().await.command, Command::Connected);
    alice.subscribe("q", "/queue/work", "client", &[]).await;
    let mut bob = Stomp::connect(&server, "bob", "pc").await;
    for n in ["1", "2", "3"] {
        bob.publish("/queue/work", n).await;
    }
    alice.message().await;
    let second = alice.message().await;
    alice.message().await;
    let headers = [("subscription", "q"), ("message-id", second.header("message-id")), ("receipt", "r")];
    alice.send(Command::Ack, &headers, "").await;
    alice.receipt("r").await;
    alice.disconnect_abruptly();

    bob.subscribe("q", "/queue/work", "auto", &[]).await;
    assert_eq!(bob.message().await.body, "3", "1 and 2 are done");
    server.stop().await;
}

#[tokio::test]
async fn heart_beats_go_both_ways_and_silence_ends_the_session() {
    let server = server(|_| ()).await;
    let mut client = Stomp::open(&server).await;
    let headers = [("accept-version", "1.2"), ("login", "alice"), ("passcode", "alice"), ("heart-beat", "100,100")];
    client.send(Command::Connect, &headers, "").await;
    assert_eq!(client.next().await.command, Command::Connected);
    client.heart_beat().await;
    assert_eq!(client.error().await, "the heart-beats have stopped");
    server.stop().await;
}

#[tokio::test]
async fn a_thousand_messages_arrive_once_each_and_in_order() {
    let server = server(|_| ()).await;
    let mut alice = Stomp::connect(&server, "alice", "pc").await;
    alice.subscribe("auto", "/topic/t", "auto", &[]).await;
    let mut bob = Stomp::connect(&server, "bob", "pc").await;
    for n in 0..1000 {
        bob.send(Command::Send, &[("destination", "/topic/t")], &n.to_string()).await;
    }
    for n in 0..1000 {
        assert_eq!(alice.message().await.body, n.to_string());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stopping_server_says_so_to_its_sessions() {
    let server = server(|_| ()).await;
    let mut client = Stomp::connect(&server, "alice", "pc").await;
    let stopped = tokio::spawn(server.stop());
    client.closed().await;
    stopped.await.unwrap();
}
