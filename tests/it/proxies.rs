//! Through real proxies: squid with a sign-in, squid that lets no WebSocket through, SOCKS5; through
//! those that the desktop names; and past every proxy. TLS by an authority of the test's own.
//!
//! Loopback never goes through a proxy, so the server has a name that only the proxy resolves: a
//! session that is live has gone through it.

use std::process::Command;

use harness::desktop::{Bus, Portal};
use harness::program::{Ended, run_to_end};
use harness::{CertificateAuthority, Home, Names, Pushd, Running, Socks, Squid, TlsFront};
use serde_json::{Value, json};

use crate::fixtures::{api, assert_no_second_popup, set_proxy, settings, text};

const NAME: &str = "push.belfry.test";
/// Where nothing listens: what would go through it fails.
const DEAD: &str = "http://127.0.0.1:1";

/// A server behind TLS under [`NAME`], and a user of it.
struct Company {
    authority: CertificateAuthority,
    pushd: Pushd,
    front: TlsFront,
    token: String,
}

impl Company {
    async fn start() -> Self {
        let authority = CertificateAuthority::new();
        let (pushd, front) =
            Pushd::start_as(&authority, NAME, ["--user", "alice:secret", "--user", "bob:secret"]).await;
        let token = pushd.login("alice", "secret").await;
        Self { authority, pushd, front, token }
    }

    /// Settings for WebSocket and API behind `ws` and the company's own front, at this host.
    fn settings(&self, host: &str, ws: &TlsFront, network: &str, more_api: &str) -> String {
        let [ws, http] = [ws, &self.front].map(|front| format!("{host}:{}", front.address().port()));
        let subscriptions = ["destination = \"/user/queue/notices\""];
        let api = format!("{}{more_api}\n", api(&format!("https://{http}/ecgapi")));
        let bundle = self.authority.bundle();
        let network = format!("[network]\nca_bundle = \"{}\"\n{network}\n", bundle.display());
        settings(&format!("wss://{ws}/ws"), "alice", &subscriptions, &format!("{api}\n{network}"))
    }

    /// A user whose environment names this proxy, if any.
    fn user(&self, settings: &str, environment: Option<String>) -> User {
        User { home: Home::new(settings), token: self.token.clone(), proxy: environment, bus: None }
    }

    /// Sends a message to the user, and returns when it has arrived.
    async fn deliver(&self, running: &mut Running, id: &str) -> Value {
        let bob = self.pushd.login("bob", "secret").await;
        let message = json!({"id": id, "title": id, "content": "text", "type": 1, "receiver": ["alice"]});
        self.pushd.call(&bob, "sendMessage", &message).await;
        running.event(id, |event| event["event"] == "notice" && event["id"] == id).await
    }
}

struct User {
    home: Home,
    token: String,
    proxy: Option<String>,
    /// The address of the session bus, if there is one.
    bus: Option<String>,
}

impl User {
    /// On the desktop with this bus.
    fn on(mut self, bus: &Bus) -> Self {
        self.bus = Some(bus.address().to_owned());
        self
    }

    async fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.ctl(args).await;
        set_proxy(&mut command, self.proxy.as_deref());
        if let Some(bus) = &self.bus {
            command.env("DBUS_SESSION_BUS_ADDRESS", bus);
        }
        command.env("BELFRY_TOKEN", &self.token);
        command
    }

    async fn run(&self) -> Running {
        Running::spawn(self.command(&["run", "--json"]).await)
    }

    async fn doctor(&self) -> Ended {
        run_to_end(self.command(&["doctor", "--json"]).await).await
    }
}

/// One finding of the doctor.
fn finding(ended: &Ended, step: &str) -> Value {
    let findings = ended.json();
    let found = findings.as_array().unwrap().iter().find(|finding| finding["step"] == step);
    found.unwrap_or_else(|| panic!("no {step}: {ended:?}")).clone()
}

#[tokio::test]
async fn a_session_through_squid_with_a_sign_in_and_a_private_authority_is_live_and_examined() {
    let Some(squid) = Squid::start(&[NAME]).await else { return };
    let company = Company::start().await;
    let settings = company.settings(NAME, &company.front, "", "");
    let alice = company.user(&settings, Some(squid.url_for("alice", "open%20sesame")));
    let mut running = alice.run().await;
    running.state("live").await;
    assert_eq!(company.deliver(&mut running, "through the proxy").await["source"], "live");
    running.terminate().await;
    let ended = alice.doctor().await;
    for step in ["proxy", "tls", "websocket", "stomp", "collect"] {
        assert_eq!(finding(&ended, step)["verdict"], "ok", "{step}: {ended:?}");
    }
    assert!(!ended.stdout.contains("sesame"), "{ended:?}");
}

#[tokio::test]
async fn a_sign_in_that_squid_refuses_is_a_state_of_its_own_with_a_remedy() {
    let Some(squid) = Squid::start(&[NAME]).await else { return };
    let company = Company::start().await;
    let settings = company.settings(NAME, &company.front, "", "");
    for proxy in [squid.url_for("alice", "wrong"), squid.url()] {
        let alice = company.user(&settings, Some(proxy));
        let mut running = alice.run().await;
        let state = running.state("action-needed").await;
        assert!(text(&state, "reason").starts_with("the proxy requires a sign-in"), "{state}");
        let remedy = text(&state, "remedy");
        assert!(remedy.contains("HTTPS_PROXY") && remedy.contains("NTLM"), "{state}");
        running.terminate().await;
        let ended = alice.doctor().await;
        assert_eq!(ended.code, Some(4), "{ended:?}");
        let found = finding(&ended, "proxy");
        assert_eq!(found["verdict"], "fail", "{found}");
        assert!(text(&found, "detail").contains("HTTP 407 (Basic)"), "{found}");
        assert_eq!(text(&found, "remedy"), remedy);
        assert!(!ended.stdout.contains("wrong"), "{ended:?}");
    }
}

/// The WebSocket has a port of its own, which squid blocks at first: what arrives is polled, until
/// the session is possible.
async fn is_polled_until_the_web_socket_is_possible(more_api: &str) {
    let Some(mut squid) = Squid::start(&[NAME]).await else { return };
    let company = Company::start().await;
    let server = company.pushd.http().trim_start_matches("http://");
    let ws = TlsFront::named(&company.authority, NAME, server).await;
    squid.block(Some(ws.address().port())).await;
    let settings =
        company.settings(NAME, &ws, "", more_api).replacen("[server]\n", "[server]\npoll_every = \"1s\"\n", 1);
    let alice = company.user(&settings, Some(squid.url_for("alice", "open%20sesame")));
    let mut running = alice.run().await;
    let state = running.state("polling").await;
    assert!(text(&state, "reason").contains("cannot be reached"), "{state}");
    assert_eq!(company.deliver(&mut running, "polled").await["source"], "collected");
    assert_eq!(ws.accepted(), 0);
    squid.block(None).await;
    running.state("live").await;
    // A poll that the server still holds may bring it, too.
    company.deliver(&mut running, "live again").await;
    running.terminate().await;
    assert_eq!(ws.accepted(), 1);
    assert_eq!(running.all_of("notice").len(), 2, "each once");
    assert_no_second_popup(&running.all_of("notification"));
}

#[tokio::test]
async fn where_squid_blocks_the_web_socket_messages_are_polled_until_it_lets_it_through() {
    is_polled_until_the_web_socket_is_possible("").await;
}

#[tokio::test]
async fn where_squid_blocks_the_web_socket_the_server_may_hold_the_poll() {
    is_polled_until_the_web_socket_is_possible("wait = \"20s\"").await;
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name_of_the_server_with_socks5h() {
    let Some(names) = Names::new(&[NAME]) else { return };
    let Some(mut socks) = Socks::start(Some(&names)).await else { return };
    let company = Company::start().await;
    let network = format!("proxy = \"socks5h://{}\"", socks.address());
    let alice = company.user(&company.settings(NAME, &company.front, &network, ""), None);
    let mut running = alice.run().await;
    running.state("live").await;
    company.deliver(&mut running, "by name").await;
    socks.connected_to(&format!("{NAME}:{}", company.front.address().port())).await;
    let ended = alice.doctor().await;
    for step in ["proxy", "tls", "websocket"] {
        assert_eq!(finding(&ended, step)["verdict"], "ok", "{step}: {ended:?}");
    }
}

#[tokio::test]
async fn with_socks5_the_name_of_the_server_is_resolved_here() {
    let Some(names) = Names::new(&[NAME]) else { return };
    let Some(mut socks) = Socks::start(None).await else { return };
    let company = Company::start().await;
    let network = format!("proxy = \"socks5://{}\"", socks.address());
    let alice = company.user(&company.settings(NAME, &company.front, &network, ""), None);
    let mut command = alice.command(&["run", "--json"]).await;
    names.tell(&mut command);
    let mut running = Running::spawn(command);
    running.state("live").await;
    company.deliver(&mut running, "by address").await;
    socks.connected_to(&format!("127.0.0.1:{}", company.front.address().port())).await;
}

#[tokio::test]
async fn without_a_proxy_in_the_settings_that_of_the_environment_is_not_used() {
    let Some(names) = Names::new(&[NAME]) else { return };
    let company = Company::start().await;
    for (network, state) in [("proxy = \"none\"", "live"), ("proxy = \"system\"", "offline"), ("", "offline")] {
        let alice = company.user(&company.settings(NAME, &company.front, network, ""), Some(DEAD.to_owned()));
        let mut command = alice.command(&["run", "--json"]).await;
        names.tell(&mut command);
        let mut running = Running::spawn(command);
        let is_outcome = |event: &Value| event["state"] == "live" || event["retry_in_ms"].is_u64();
        let met = running.event("how it went", is_outcome).await;
        assert_eq!(met["state"], state, "{network}: {met}");
    }
}

#[tokio::test]
async fn loopback_is_reached_past_every_proxy() {
    let company = Company::start().await;
    let authority = &company.authority;
    let front = TlsFront::start(authority, company.pushd.http().trim_start_matches("http://")).await;
    let company = Company { front, ..company };
    for host in ["127.0.0.1", "localhost"] {
        let network = format!("proxy = \"{DEAD}\"");
        let alice = company.user(&company.settings(host, &company.front, &network, ""), Some(DEAD.to_owned()));
        let mut running = alice.run().await;
        running.state("live").await;
        company.deliver(&mut running, host).await;
    }
}

#[tokio::test]
async fn a_session_goes_through_the_first_proxy_of_the_desktop_that_can_be_used() {
    let Some(squid) = Squid::start(&[NAME]).await else { return };
    let Some(bus) = Bus::start().await else { return };
    let company = Company::start().await;
    let squid = squid.url_for("alice", "open%20sesame");
    let mut portal = Portal::start(&bus, Some(&["socks4://127.0.0.1:1", &squid, "direct://"])).await;
    let alice = company.user(&company.settings(NAME, &company.front, "", ""), None).on(&bus);
    let mut running = alice.run().await;
    running.state("live").await;
    company.deliver(&mut running, "through the proxy of the desktop").await;
    running.terminate().await;
    let ended = alice.doctor().await;
    for step in ["proxy", "tls", "websocket", "stomp", "collect"] {
        assert_eq!(finding(&ended, step)["verdict"], "ok", "{step}: {ended:?}");
    }
    let found = finding(&ended, "proxy");
    assert!(text(&found, "detail").contains(", named by the system, lets us through"), "{found}");
    assert!(!ended.stdout.contains("sesame"), "{ended:?}");
    let asked = portal.asked();
    let origin = format!("https://{NAME}:{}/", company.front.address().port());
    assert!(!asked.is_empty() && asked.iter().all(|uri| *uri == origin), "no path: {asked:?}");
}

#[tokio::test]
async fn a_proxy_of_the_environment_or_the_settings_comes_before_that_of_the_desktop() {
    let Some(squid) = Squid::start(&[NAME]).await else { return };
    let Some(bus) = Bus::start().await else { return };
    let company = Company::start().await;
    let mut portal = Portal::start(&bus, Some(&[DEAD])).await;
    let settings = company.settings(NAME, &company.front, "", "");
    let alice = company.user(&settings, Some(squid.url_for("alice", "open%20sesame"))).on(&bus);
    alice.run().await.state("live").await;
    let found = finding(&alice.doctor().await, "proxy");
    assert!(text(&found, "detail").contains(", named by the environment, lets us through"), "{found}");
    let settings = company.settings(NAME, &company.front, &format!("proxy = \"{}\"", squid.url()), "");
    let found = finding(&company.user(&settings, None).on(&bus).doctor().await, "proxy");
    assert!(text(&found, "detail").contains(", named by network.proxy: HTTP 407"), "{found}");
    assert_eq!(portal.asked(), Vec::<String>::new());
}

/// Without a proxy the session is live, since its server's name is known here; what `doctor` says
/// of the proxy.
async fn is_live_without_a_proxy(bus: &Bus) -> String {
    let Some(names) = Names::new(&[NAME]) else { return String::new() };
    let company = Company::start().await;
    let alice = company.user(&company.settings(NAME, &company.front, "", ""), None).on(bus);
    let mut command = alice.command(&["run", "--json"]).await;
    names.tell(&mut command);
    let mut running = Running::spawn(command);
    running.state("live").await;
    company.deliver(&mut running, "without a proxy").await;
    running.terminate().await;
    let mut command = alice.command(&["doctor", "--json"]).await;
    names.tell(&mut command);
    let ended = run_to_end(command).await;
    let found = finding(&ended, "proxy");
    assert_eq!(found["verdict"], "skipped", "{ended:?}");
    assert_eq!(finding(&ended, "websocket")["verdict"], "ok", "{ended:?}");
    text(&found, "detail").to_owned()
}

#[tokio::test]
async fn a_desktop_that_never_answers_is_not_waited_for_and_the_session_is_live() {
    let Some(bus) = Bus::start().await else { return };
    let mut portal = Portal::start(&bus, None).await;
    let said = is_live_without_a_proxy(&bus).await;
    if !said.is_empty() {
        assert!(said.ends_with("no proxy on the way (the system has not answered within 5 s)"), "{said}");
        // Each program asks once, and does not ask again while its question is open.
        assert_eq!(portal.asked().len(), 2);
    }
}

#[tokio::test]
async fn without_a_portal_on_the_desktop_the_session_is_live_without_a_proxy() {
    let Some(bus) = Bus::start().await else { return };
    let said = is_live_without_a_proxy(&bus).await;
    assert!(said.is_empty() || said.contains("no proxy on the way (the system cannot be asked: "), "{said}");
}

#[tokio::test]
async fn proxies_of_the_desktop_that_cannot_be_used_are_a_state_of_its_own_with_a_remedy() {
    let Some(bus) = Bus::start().await else { return };
    let company = Company::start().await;
    let _portal = Portal::start(&bus, Some(&["gopher://alice:sesame@proxy:70", "<html>"])).await;
    let alice = company.user(&company.settings(NAME, &company.front, "", ""), None).on(&bus);
    let mut running = alice.run().await;
    let state = running.state("action-needed").await;
    let reason = text(&state, "reason");
    assert!(reason.starts_with("this computer names a proxy that cannot be used"), "{state}");
    assert!(reason.contains("gopher://proxy:70, <html>") && !reason.contains("sesame"), "{state}");
    let remedy = text(&state, "remedy");
    assert!(remedy.contains("network.proxy"), "{state}");
    running.terminate().await;
    let ended = alice.doctor().await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let found = finding(&ended, "proxy");
    assert_eq!((found["verdict"].as_str(), text(&found, "remedy")), (Some("fail"), remedy), "{found}");
    assert_eq!(finding(&ended, "tls")["verdict"], "skipped", "{ended:?}");
}
