//! TLS as companies have it: a private authority, client certificates, TLS 1.2, IPv6; and a state of
//! its own, with a remedy, for each thing that can be wrong with a certificate.

use harness::skip::skip;
use harness::tls::{ALL_VERSIONS, TLS_1_2, TlsOptions};
use harness::{CertificateAuthority, FakeBroker, Pushd, TlsFront, Wire};
use serde_json::Value;

use crate::fixtures::{Person, settings, text};

/// A broker that accepts everybody and sends nothing.
async fn quiet_broker() -> FakeBroker {
    FakeBroker::start(|_, mut wire: Wire| async move {
        wire.welcome().await;
        wire.serve().await;
    })
    .await
}

/// A front of the broker's.
async fn front(broker: &FakeBroker, options: TlsOptions<'_>) -> TlsFront {
    let front = TlsFront::listen(options).await;
    front.pass_to(broker.address().to_string());
    front
}

fn person(front: &TlsFront, network: &str) -> Person {
    let more = format!("[network]\n{network}\n");
    Person::new(&settings(&format!("{}/ws", front.wss()), "alice", &["destination = \"/queue/test\""], &more), "token")
}

fn trusting(authority: &CertificateAuthority) -> String {
    format!("ca_bundle = \"{}\"\n", authority.bundle().display())
}

/// What `run` says a person has to do, and what `doctor` finds of the certificate.
async fn refused(alice: &Person) -> (Value, Value) {
    let mut running = alice.run().await;
    let state = running.state("action-needed").await;
    running.terminate().await;
    let ended = alice.ctl(&["doctor", "--json"]).await;
    let findings = ended.json();
    let found = findings.as_array().unwrap().iter().find(|finding| finding["verdict"] == "fail");
    (state, found.unwrap_or_else(|| panic!("nothing failed: {ended:?}")).clone())
}

/// Both say this, and both say the same to do.
fn assert_said((state, found): &(Value, Value), step: &str, what: &str, remedy: &str) {
    assert!(text(state, "reason").starts_with(what), "{state}");
    assert!(text(found, "detail").starts_with(what), "{found}");
    assert_eq!(text(found, "step"), step);
    assert!(text(state, "remedy").contains(remedy), "{state}");
    assert_eq!(text(found, "remedy"), text(state, "remedy"));
}

#[tokio::test]
async fn a_server_that_requires_a_client_certificate_is_live_with_it_and_names_its_setting_without() {
    let (authority, broker) = (CertificateAuthority::new(), quiet_broker().await);
    let options =
        |versions| TlsOptions { identity: authority.loopback_server(), client_authority: Some(&authority), versions };
    let stranger = CertificateAuthority::new();
    for versions in [ALL_VERSIONS, TLS_1_2] {
        let front = front(&broker, options(versions)).await;
        let with = |authority: &CertificateAuthority| {
            format!("client_cert = \"{}\"\n", authority.client("alice").pem_file().display())
        };
        for (certificate, is_let_in) in [(with(&authority), true), (String::new(), false), (with(&stranger), false)] {
            let alice = person(&front, &(trusting(&authority) + &certificate));
            if is_let_in {
                alice.run_live().await.terminate().await;
                let findings = alice.ctl(&["doctor", "--json"]).await.json();
                let of_tls = findings.as_array().unwrap().iter().find(|finding| finding["step"] == "tls").unwrap();
                assert_eq!(of_tls["verdict"], "ok", "{findings}");
                continue;
            }
            let said = refused(&alice).await;
            assert_said(&said, "tls", "the server requires a client certificate", "network.client_cert");
        }
    }
}

#[tokio::test]
async fn a_certificate_file_that_cannot_be_used_is_named_and_nothing_is_sent() {
    let (authority, broker) = (CertificateAuthority::new(), quiet_broker().await);
    let options = TlsOptions { identity: authority.loopback_server(), client_authority: None, versions: ALL_VERSIONS };
    let front = front(&broker, options).await;
    let folder = tempfile::tempdir().unwrap();
    let (empty, broken) = (folder.path().join("empty.pem"), folder.path().join("broken.pem"));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n").unwrap();
    for file in [folder.path().join("missing.pem"), empty, broken] {
        for key in ["ca_bundle", "client_cert"] {
            let more = if key == "client_cert" { trusting(&authority) } else { String::new() };
            let alice = person(&front, &format!("{more}{key} = \"{}\"\n", file.display()));
            let mut running = alice.run().await;
            let state = running.state("action-needed").await;
            assert!(text(&state, "reason").contains(&format!("network.{key}")), "{file:?}: {state}");
            assert_eq!(text(&state, "remedy"), "correct the setting");
            running.terminate().await;
            let ended = alice.ctl(&["doctor", "--json"]).await;
            let found = ended.json()[0].clone();
            assert_eq!(
                (text(&found, "step"), text(&found, "verdict")),
                ("settings".into(), "fail".into()),
                "{ended:?}"
            );
            assert!(text(&found, "detail").contains(&format!("network.{key}")), "{found}");
        }
    }
    assert_eq!(front.accepted(), 0);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_an_old_one_and_one_for_another_name_are_told_apart() {
    let (authority, broker) = (CertificateAuthority::new(), quiet_broker().await);
    let options = |identity| TlsOptions { identity, client_authority: None, versions: ALL_VERSIONS };
    let (good, old, other) =
        (authority.loopback_server(), authority.expired_loopback_server(), authority.server(&["push.example.com"]));
    let stranger = CertificateAuthority::new();
    for (identity, trusted, what, remedy) in [
        (good, &stranger, "the server's certificate is not trusted", "network.ca_bundle"),
        (old, &authority, "the server's certificate has expired", "date and time"),
        (other, &authority, "the server's certificate is for another name", "server.endpoints"),
    ] {
        let front = front(&broker, options(identity)).await;
        assert_said(&refused(&person(&front, &trusting(trusted))).await, "tls", what, remedy);
        assert_eq!(broker.connections(), 0);
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_at_its_address_is_named_as_such() {
    let authority = CertificateAuthority::new();
    let more = format!("[network]\n{}", trusting(&authority));
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let endpoint = pushd.stomp().replacen("ws://", "wss://", 1);
    let alice = Person::new(&settings(&endpoint, "alice", &["destination = \"/queue/test\""], &more), "token");
    let said = refused(&alice).await;
    assert_said(&said, "tls", "the server does not speak TLS 1.2 or newer", "scheme and port");
}

#[tokio::test]
async fn a_server_with_tls_1_2_only_is_live() {
    let (authority, broker) = (CertificateAuthority::new(), quiet_broker().await);
    let options = TlsOptions { identity: authority.loopback_server(), client_authority: None, versions: TLS_1_2 };
    let front = front(&broker, options).await;
    let alice = person(&front, &trusting(&authority));
    alice.run_live().await;
    assert_eq!(front.accepted(), 1);
}

#[tokio::test]
async fn a_server_at_an_ipv6_address_is_live_with_and_without_tls() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return skip("this machine has no IPv6");
    }
    let authority = CertificateAuthority::new();
    let pushd = Pushd::start_at("[::1]:0".parse().unwrap(), ["--user", "alice:secret"]).await;
    let front = TlsFront::start_at("[::1]:0", &authority, pushd.http().trim_start_matches("http://")).await;
    for (endpoint, address) in
        [(pushd.stomp().to_owned(), "ws://[::1]:"), (format!("{}/ws", front.wss()), "wss://[::1]:")]
    {
        assert!(endpoint.starts_with(address), "{endpoint}");
        let more = format!("[network]\n{}", trusting(&authority));
        let subscriptions = ["destination = \"/user/queue/notices\""];
        let token = pushd.login("alice", "secret").await;
        let alice = Person::new(&settings(&endpoint, "alice", &subscriptions, &more), &token);
        alice.run_live().await;
    }
}
