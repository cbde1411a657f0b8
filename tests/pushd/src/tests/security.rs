//! What other sites' pages and other host names must not be able to do.

use super::client::{Api, Raw, Stomp};
use super::*;
use crate::StartError;
use reqwest::StatusCode;

const COLLECT: &str = "/ecgapi/api/message/collectMessage";

#[tokio::test]
async fn every_route_is_refused_under_another_host_name_or_for_another_sites_page() {
    let server = server(|config| config.demo = true).await;
    let api = Api::sign_in(&server, "employee", "demo").await;
    let own = format!("http://localhost:{}", server.address().port());
    for path in [COLLECT, "/login", "/healthz", "/.well-known/belfry.json", "/demo", "/sockjs/info", "/nothing"] {
        for (headers, refused) in [
            ([("host", "evil.test")], StatusCode::MISDIRECTED_REQUEST),
            ([("origin", "https://evil.test")], StatusCode::FORBIDDEN),
            ([("origin", "null")], StatusCode::FORBIDDEN),
        ] {
            let (status, answer) = api.call_with(path, &json!({}), &headers).await;
            assert_eq!((status, &answer["code"]), (refused, &json!(refused.as_u16())), "{path} {headers:?}");
        }
        let (status, _) = api.call_with(path, &json!({}), &[("origin", &own)]).await;
        assert!(![StatusCode::MISDIRECTED_REQUEST, StatusCode::FORBIDDEN].contains(&status), "{path}: {status}");
    }
    let raw = format!("/websocket/{}", api.token);
    for path in ["/ws", "/sockjs/websocket", "/sockjs/0/x/websocket", &raw] {
        assert_eq!(Raw::open(&server, path, &[("origin", "https://evil.test")]).await.err(), Some(403), "{path}");
        assert_eq!(Raw::open(&server, path, &[("host", "evil.test")]).await.err(), Some(421), "{path}");
        assert!(Raw::open(&server, path, &[("origin", own.as_str())]).await.is_ok(), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_has_to_be_said_to_be_json() {
    let server = server(|config| config.demo = true).await;
    let api = Api::sign_in(&server, "employee", "demo").await;
    for path in [COLLECT, "/login", "/demo/task"] {
        for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
            let (status, _) = api.call_raw(path, "{}", &[("content-type", wrong)]).await;
            assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {wrong:?}");
        }
        assert_eq!(api.call_raw(path, "", &[]).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
    }
    let (status, _) = api.call_raw(COLLECT, "{}", &[("content-type", "Application/JSON; charset=utf-8")]).await;
    assert_eq!(status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn addresses_in_answers_are_the_public_ones_whatever_the_host_header_says() {
    let public = "https://push.example.com";
    let server = server(|config| {
        config.demo = true;
        config.public_url = Some(public.parse().unwrap());
    })
    .await;
    let employee = Api::sign_in(&server, "employee", "demo").await;
    let supervisor = Api::sign_in(&server, "supervisor", "demo").await;
    let hosts = ["localhost", "push.example.com", "127.0.0.1:1"];
    for host in hosts {
        let filed = json!({"what": "Taxi", "amount": "1 EUR"});
        assert_eq!(employee.call_with("/demo/expenses", &filed, &[("host", host)]).await.0, StatusCode::OK);
    }
    let asked = supervisor.collect("pc", None).await;
    assert_eq!(ids(&asked).len(), hosts.len());
    for record in asked["records"].as_array().unwrap() {
        for url in [&record["url"], &record["actions"][0]["url"], &record["actions"][1]["url"]] {
            assert!(url.as_str().unwrap().starts_with("https://push.example.com/demo"), "{url}");
        }
    }
    let settings: Value = employee.get("/.well-known/belfry.json").await.json().await.unwrap();
    assert_eq!(settings["server"]["endpoints"], json!(["wss://push.example.com/ws"]));
    assert_eq!(settings["api"]["base"], "https://push.example.com/ecgapi");
    assert_eq!(settings["auth"]["login_url"], "https://push.example.com/login");
    assert!(server.ready_line().contains(&server.address().to_string()), "where it listens");
    let allowed = employee.call_with(COLLECT, &json!({}), &[("origin", public)]).await.0;
    assert_eq!(allowed, StatusCode::OK);
    server.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn behind_tls_every_address_is_that_of_the_front() {
    use harness::tls::TlsOptions;
    use harness::{CertificateAuthority, TlsFront};

    let authority = CertificateAuthority::new();
    let options =
        TlsOptions { identity: authority.loopback_server(), client_authority: None, versions: rustls::ALL_VERSIONS };
    let front = TlsFront::listen(options).await;
    let server = server(|config| config.public_url = Some(front.https().parse().unwrap())).await;
    front.pass_to(server.address().to_string());
    let stranger = Api::stranger_at(&front.https(), Some(&authority.bundle()));
    let settings: Value = stranger.get("/.well-known/belfry.json").await.json().await.unwrap();
    assert_eq!(settings["server"]["endpoints"], json!([format!("{}/ws", front.wss())]));
    let login_url = settings["auth"]["login_url"].as_str().unwrap();
    let path = login_url.strip_prefix(&front.https()).unwrap();
    let (status, _) = stranger.call(path, &json!({"login": "alice", "password": "alice"})).await;
    assert_eq!(status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn a_wildcard_address_needs_a_public_url() {
    let config = |public_url: Option<&str>| Config {
        listen: "0.0.0.0:0".parse().unwrap(),
        public_url: public_url.map(|url| url.parse().unwrap()),
        ..config()
    };
    let refused = Server::start(config(None)).await.err().unwrap();
    assert!(matches!(refused, StartError::NoPublicUrl(_)), "{refused}");
    assert!(refused.to_string().contains("--public-url"), "{refused}");
    let server = Server::start(config(Some("https://push.example.com"))).await.unwrap();
    let ready: Value = serde_json::from_str(&server.ready_line()).unwrap();
    assert_eq!(ready["http"], format!("http://127.0.0.1:{}", server.address().port()));
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_id_cannot_be_taken_over_by_its_receiver() {
    let server = server(|_| ()).await;
    let (alice, bob) = (Api::sign_in(&server, "alice", "alice").await, Api::sign_in(&server, "bob", "bob").await);
    tell_alice(&bob, "1").await;
    alice.message("deleteMessageById", json!({"id": "1"})).await;
    let again = json!({"id": "1", "title": "t", "content": "c", "type": 1, "receiver": ["carol"]});
    let (status, _) = alice.call("/ecgapi/api/message/sendMessage", &again).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    server.stop().await;
}

#[tokio::test]
async fn what_only_the_server_publishes_does_not_arrive_from_clients() {
    let server = server(|_| ()).await;
    let mut alice = Stomp::connect(&server, "alice", "pc").await;
    alice.subscribe("b", "/topic/broadcast", "auto", &[]).await;
    alice.subscribe("t", "/topic/news", "auto", &[]).await;
    for destination in ["/topic/broadcast", "/exchange/amq.topic/broadcast", "/user/queue/notices"] {
        let mut bob = Stomp::connect(&server, "bob", "pc").await;
        bob.send(stomp::Command::Send, &[("destination", destination)], "forged").await;
        bob.error().await;
    }
    let mut bob = Stomp::connect(&server, "bob", "pc").await;
    bob.publish("/topic/news", "allowed").await;
    assert_eq!(alice.message().await.body, "allowed");
    server.stop().await;
}
