//! A server whose settings document names another host: nothing secret goes there without a yes that
//! names the host.

use harness::api::Answer;
use harness::http::Response;
use harness::{CertificateAuthority, ConnectProxy, FakeApi, TlsFront};
use serde_json::{Value, json};

use super::history::{settings, silent_broker};
use super::world::World;
use crate::Request;
use crate::ipc::{CommandErrorCode, ForeignHost, Purpose, SetupStep, Update};

/// The company's server, which publishes the document, and another one, each with a name and a
/// certificate of its own.
struct Network {
    authority: CertificateAuthority,
    document: FakeApi,
    foreign: FakeApi,
    foreign_front: TlsFront,
    proxy: ConnectProxy,
    _document_front: TlsFront,
}

impl Network {
    async fn start() -> Self {
        let authority = CertificateAuthority::new();
        let (document, foreign) = (FakeApi::start().await, FakeApi::start().await);
        let document_front = TlsFront::named(&authority, "push.test", document.address().to_string()).await;
        let foreign_front = TlsFront::named(&authority, "foreign.test", foreign.address().to_string()).await;
        let names = [("push.test", document_front.address()), ("foreign.test", foreign_front.address())];
        let proxy = ConnectProxy::start(names).await;
        Self { authority, document, foreign, foreign_front, proxy, _document_front: document_front }
    }

    /// A computer that reaches both servers, right after the installation.
    async fn first_run(&self) -> World {
        let world = World::first_run().await;
        let (proxy, bundle) = (self.proxy.url(), self.authority.bundle());
        let settings = format!("[network]\nproxy = \"{proxy}\"\nca_bundle = \"{}\"\n", bundle.display());
        std::fs::write(world.settings_file(), settings).unwrap();
        world
    }

    fn publish(&self, document: &Value) {
        self.document.next("belfry.json", Answer::Instead(Response::json(200, document)));
    }
}

fn document(endpoint: &str, api: &str, auth: &Value) -> Value {
    let api = if api.is_empty() { json!({}) } else { json!({ "base": api }) };
    json!({ "server": { "endpoints": [endpoint] }, "api": api, "auth": auth })
}

#[tokio::test]
async fn a_spoofed_document_brings_no_secret_to_a_foreign_host_without_a_yes_that_names_it() {
    let network = Network::start().await;
    let own = "wss://push.test/ws";
    let password = json!({ "mode": "password", "login_url": "https://foreign.test/login" });
    for (published, purpose) in [
        (document("wss://foreign.test/ws", "", &json!({})), Purpose::Messages),
        (document(own, "https://foreign.test/ecgapi", &json!({})), Purpose::Api),
        (document(own, "", &password), Purpose::Login),
    ] {
        let world = network.first_run().await;
        network.publish(&published);
        let server = world.discover("push.test").await.unwrap();
        let foreign = ForeignHost { host: "foreign.test".to_owned(), purposes: vec![purpose] };
        assert_eq!(server.foreign, [foreign], "{published}");
        for agreed in [&[][..], &["push.test"], &["FOREIGN.TEST.example.com"]] {
            let refused = world.sign_in_agreeing(agreed, "push.test", "alice", "secret").await.unwrap_err();
            assert_eq!(refused.code, CommandErrorCode::NotAgreed, "{refused:?}");
            assert!(refused.message.contains("foreign.test"), "{refused:?}");
        }
        assert!(world.keychain.accounts().is_empty());
    }
    assert_eq!(network.foreign_front.accepted(), 0, "the foreign server was not even connected to");
    assert!(network.document.requests("").iter().all(|request| request.path.ends_with("belfry.json")));
}

#[tokio::test]
async fn a_document_that_names_an_unencrypted_address_sends_nothing_even_with_a_yes() {
    let network = Network::start().await;
    for endpoint in ["ws://foreign.test/ws", "ws://push.test/ws"] {
        let world = network.first_run().await;
        network.publish(&document(endpoint, "", &json!({})));
        world.discover("push.test").await.unwrap();
        let refused = world.sign_in_agreeing(&["foreign.test"], "push.test", "alice", "secret").await.unwrap_err();
        assert_eq!(refused.code, CommandErrorCode::Insecure, "{endpoint}: {refused:?}");
    }
    assert_eq!(network.foreign_front.accepted(), 0);
}

#[tokio::test]
async fn with_a_yes_that_names_the_host_the_password_goes_there() {
    let network = Network::start().await;
    let world = network.first_run().await;
    let auth = json!({ "mode": "password", "login_url": "https://foreign.test/login" });
    network.publish(&document("wss://push.test/ws", "", &auth));
    world.discover("push.test").await.unwrap();
    network.foreign.next("login", Answer::Instead(Response::json(401, &Value::Null)));
    let refused = world.sign_in_agreeing(&["foreign.test"], "push.test", "alice", "secret").await.unwrap_err();
    assert_eq!(refused.code, CommandErrorCode::Refused, "{refused:?}");
    let logins = network.foreign.requests("login");
    assert_eq!(logins.len(), 1);
    assert_eq!(logins[0].body["password"], json!("secret"));
}

#[tokio::test]
async fn another_endpoint_in_the_settings_gets_nothing_until_the_person_signs_in_and_agrees_to_it() {
    let (broker, other, service) = (silent_broker().await, silent_broker().await, FakeApi::start().await);
    let mut world = World::set_up(&settings(&broker, &service), |_| ()).await;
    world.live().await;
    let Value::Object(values) = json!({ "server.endpoints": [other.url()] }) else { panic!("an object") };
    world.app.ask(|reply| Request::SaveSettings { values, reply }).await.unwrap();
    let setup = world.update(|update| if let Update::Setup { setup } = update { setup } else { None }).await;
    let server = setup.server.unwrap();
    assert_eq!(setup.step, SetupStep::SignIn);
    let foreign = ForeignHost { host: "localhost".to_owned(), purposes: vec![Purpose::Messages, Purpose::Api] };
    assert_eq!(server.foreign, [foreign]);
    let refused = world.sign_in(&server.address, "", "secret").await.unwrap_err();
    assert_eq!(refused.code, CommandErrorCode::NotAgreed, "{refused:?}");
    assert_eq!(other.connections(), 0);
    world.sign_in_agreeing(&["localhost"], &server.address, "", "secret").await.unwrap();
    world.live().await;
    assert!(other.connections() > 0);
}
