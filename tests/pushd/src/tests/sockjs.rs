//! SockJS as Spring's clients speak it.

use super::client::{Api, Raw, Stomp};
use super::*;
use std::time::Duration;

const CONNECT: &str = "[\"CONNECT\\naccept-version:1.2\\nlogin:alice\\npasscode:alice\\n\\n\\u0000\"]";

/// The STOMP text in the next `a` frame.
async fn frame(socket: &mut Raw) -> String {
    let text = socket.text().await;
    let frames: Vec<String> = serde_json::from_str(text.strip_prefix('a').unwrap()).unwrap();
    assert_eq!(frames.len(), 1);
    frames.into_iter().next().unwrap()
}

async fn open(server: &Server) -> Raw {
    let mut socket = Raw::open(server, "/sockjs/314/k2j4h5/websocket", &[]).await.ok().unwrap();
    assert_eq!(socket.text().await, "o");
    socket
}

#[tokio::test]
async fn info_tells_a_client_that_it_can_have_a_websocket() {
    let server = server(|_| ()).await;
    let api = Api::stranger(&server);
    let info = api.get("/sockjs/info?t=1").await;
    assert!(info.headers()["cache-control"].to_str().unwrap().contains("no-store"));
    let info: Value = info.json().await.unwrap();
    assert_eq!((&info["websocket"], &info["cookie_needed"]), (&json!(true), &json!(false)));
    assert!(info["entropy"].is_u64(), "{info}");
    assert_eq!(api.get("/sockjs").await.text().await.unwrap(), "Welcome to SockJS!\n");
    for path in ["/sockjs/0/x/xhr", "/sockjs/0/x/eventsource"] {
        assert_eq!(api.get(path).await.status(), 404, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_framed_session_opens_carries_stomp_and_ends_with_a_close_frame() {
    let server = server(|_| ()).await;
    let bob = Api::sign_in(&server, "bob", "bob").await;
    let mut socket = open(&server).await;
    socket.send("").await;
    socket.send(CONNECT).await;
    assert!(frame(&mut socket).await.starts_with("CONNECTED\n"));
    let subscribe = "SUBSCRIBE\nid:1\ndestination:/user/queue/a\nreceipt:r\n\n\0";
    let (first, second) = subscribe.split_at(20);
    socket.send(&json!([first, second]).to_string()).await;
    assert!(frame(&mut socket).await.starts_with("RECEIPT\n"), "pieces make one stream");
    tell_alice(&bob, "审批").await;
    let message = frame(&mut socket).await;
    assert!(message.starts_with("MESSAGE\n") && message.contains("审批") && message.ends_with('\0'), "{message:?}");
    socket.send(&json!("DISCONNECT\nreceipt:bye\n\n\0").to_string()).await;
    assert!(frame(&mut socket).await.contains("receipt-id:bye"));
    assert_eq!(socket.text().await, "c[3000,\"Go away!\"]");
    assert_eq!(socket.close_code().await, 1000);
    server.stop().await;
}

#[tokio::test]
async fn a_broken_frame_ends_the_session() {
    let server = server(|_| ()).await;
    let mut socket = open(&server).await;
    socket.send("CONNECT\n\n\0").await;
    assert!(frame(&mut socket).await.starts_with("ERROR\n"));
    assert_eq!(socket.text().await, "c[3000,\"Go away!\"]");
    assert!(Raw::open(&server, "/sockjs/a.b/x/websocket", &[]).await.is_err(), "no dots in ids");
    server.stop().await;
}

#[tokio::test]
async fn a_quiet_session_is_kept_alive_and_a_stopping_server_says_so() {
    let server = server(|config| config.sockjs_heart_beat = Duration::from_millis(20)).await;
    let mut socket = open(&server).await;
    socket.send(CONNECT).await;
    assert!(frame(&mut socket).await.starts_with("CONNECTED\n"));
    for _ in 0..3 {
        assert_eq!(socket.text().await, "h");
    }
    let stopped = tokio::spawn(server.stop());
    let mut last = socket.text().await;
    while last == "h" {
        last = socket.text().await;
    }
    assert_eq!(last, "c[3000,\"Go away!\"]");
    assert_eq!(socket.close_code().await, 1001);
    stopped.await.unwrap();
}

#[tokio::test]
async fn the_unframed_address_is_plain_stomp() {
    let server = server(|_| ()).await;
    let mut client = Stomp::open_at(&server, "/sockjs/websocket").await;
    client.sign_in("alice", &[]).await;
    server.stop().await;
}
