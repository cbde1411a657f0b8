//! Sign-in in the system browser against a real OpenID Connect provider: what `belfryctl sign-in` stores,
//! and how long a session lives with it.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::broker::FakeBroker;
use harness::desktop::{Bus, Keychain, Lock};
use harness::oidc::{Answer, Provider, browse, visit, walk};
use harness::program::{Ended, run_to_end};
use harness::{Amqp, CertificateAuthority, Home, RabbitMq, Running, Squid};
use serde_json::json;

use crate::fixtures::{ids, numbered, set_proxy, settings, text};

const SIGINT: i32 = 2;

/// A user with a keychain, and a browser that notes what it is told to open.
struct Person {
    home: Home,
    bus: Bus,
    _keychain: Keychain,
    programs: tempfile::TempDir,
    /// The proxy that the environment names.
    proxy: Option<String>,
}

impl Person {
    async fn of(settings: &str) -> Option<Self> {
        let bus = Bus::start().await?;
        let keychain = Keychain::start(&bus, Lock::Open).await?;
        let programs = tempfile::tempdir().unwrap();
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >> {}/opened\n", programs.path().display());
        let launcher = programs.path().join("xdg-open");
        std::fs::write(&launcher, script).unwrap();
        std::fs::set_permissions(&launcher, std::fs::Permissions::from_mode(0o755)).unwrap();
        Some(Self { home: Home::new(settings), bus, _keychain: keychain, programs, proxy: None })
    }

    async fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.ctl(args).await;
        command.env("DBUS_SESSION_BUS_ADDRESS", self.bus.address()).env("PATH", self.programs.path());
        set_proxy(&mut command, self.proxy.as_deref());
        command
    }

    async fn ctl(&self, args: &[&str]) -> Ended {
        run_to_end(self.command(args).await).await
    }

    async fn run(&self) -> Running {
        Running::spawn(self.command(&["run", "--json"]).await)
    }

    /// Starts `sign-in` and returns it with the address that it wants opened.
    async fn begin(&self) -> (Running, String) {
        self.begin_with(&["sign-in"]).await
    }

    async fn begin_with(&self, args: &[&str]) -> (Running, String) {
        let mut running = Running::spawn(interruptible(&self.command(args).await));
        running.stderr_until("an address", |said| address(said).is_some()).await;
        let url = address(&running.stderr()).unwrap();
        (running, url)
    }

    /// Signs in, and does in the browser what the person answers.
    async fn sign_in(&self, answer: Answer<'_>) -> (Option<i32>, Running) {
        let (mut running, url) = self.begin().await;
        let page = browse(&url, answer).await;
        assert_eq!(page.status, 200, "{page:?}");
        let code = running.wait().await.code();
        (code, running)
    }

    async fn signed_in(provider: &Provider, broker: &FakeBroker) -> Option<Self> {
        let alice = Self::of(&with_oidc(&broker.url(), provider, "\"openid\", \"offline_access\"")).await?;
        let (code, mut running) = alice.sign_in(Answer::Consent("alice")).await;
        assert_eq!(code, Some(0), "{} {}", running.stdout(), running.stderr());
        Some(alice)
    }

    fn opened(&self) -> String {
        std::fs::read_to_string(self.programs.path().join("opened")).unwrap_or_default()
    }
}

fn with_oidc(endpoint: &str, provider: &Provider, scopes: &str) -> String {
    let plain = settings(endpoint, "", &["destination = \"/queue/test\""], "").replacen("login = \"\"\n", "", 1);
    let oidc = format!("{{ issuer = \"{}\", client_id = \"belfry\", scopes = [{scopes}] }}", provider.issuer());
    plain.replacen("[auth]\n", &format!("[auth]\nmode = \"oidc\"\noidc = {oidc}\n"), 1)
}

fn address(said: &str) -> Option<String> {
    let lines = said.lines().map(str::trim).filter(|line| line.starts_with("http"));
    // A line that is still being written has no line end.
    lines.clone().next().filter(|_| said.ends_with('\n')).map(str::to_owned)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_sign_in_in_the_browser_is_stored_in_the_keychain_alone_and_the_next_program_is_live_with_it() {
    let Some(provider) = Provider::start(&json!({})).await else { return };
    let (broker, mut tokens) = provider.broker().await;
    let Some(alice) = Person::of(&with_oidc(&broker.url(), &provider, "\"openid\"")).await else { return };
    let (mut signing_in, url) = alice.begin().await;
    assert!(url.contains("code_challenge_method=S256") && url.contains("nonce="), "{url}");
    let redirect = walk(&url, Answer::Consent("alice")).await;
    let page = visit(&redirect).await;
    assert!(page.status == 200 && page.body.contains("close this"), "{page:?}");
    assert_eq!(signing_in.wait().await.code(), Some(0), "{}", signing_in.stderr());
    assert_eq!(alice.opened().trim(), url, "the browser is given the address and nothing else");
    assert!(std::fs::read_to_string(alice.home.settings_file()).unwrap().contains("login = \"alice\""));
    let checked = tokens.recv().await.unwrap();
    assert_eq!(provider.owner(&checked).await.as_deref(), Some("alice"));

    let mut running = alice.run().await;
    running.state("live").await;
    assert_eq!(tokens.recv().await.unwrap(), checked);
    running.terminate().await;
    let code = redirect.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    let said = [signing_in.stdout(), signing_in.stderr(), running.stdout(), running.stderr()].concat();
    for file in files(&alice.home.data_dir()).into_iter().chain([alice.home.settings_file()]) {
        let content = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(!content.contains(&checked) && !content.contains(code), "{file:?}");
    }
    assert!(!said.contains(&checked) && !said.contains(code), "{said}");

    let signed_out = alice.ctl(&["sign-out"]).await;
    assert_eq!(signed_out.code, Some(0), "{signed_out:?}");
    assert_eq!(alice.ctl(&["run", "--timeout", "0s"]).await.code, Some(3));
}

#[tokio::test]
async fn the_login_is_the_preferred_name_that_the_issuer_tells_for_the_scope_profile() {
    let Some(provider) = Provider::start(&json!({})).await else { return };
    let (broker, _tokens) = provider.broker().await;
    for (scopes, login) in
        [("\"openid\", \"profile\", \"email\"", "alice.name"), ("\"openid\", \"email\"", "alice@example.com")]
    {
        let Some(alice) = Person::of(&with_oidc(&broker.url(), &provider, scopes)).await else { return };
        let (code, running) = alice.sign_in(Answer::Consent("alice")).await;
        assert_eq!(code, Some(0), "{}", running.stderr());
        let settings = std::fs::read_to_string(alice.home.settings_file()).unwrap();
        assert!(settings.contains(&format!("login = \"{login}\"")), "{settings}");
    }
}

#[tokio::test]
async fn tokens_of_the_browser_that_expire_again_and_again_are_refreshed_and_survive_a_restart() {
    let Some(provider) = Provider::start(&json!({ "accessTokenLifetime": 10 })).await else { return };
    let (broker, mut tokens) = provider.broker().await;
    let Some(alice) = Person::signed_in(&provider, &broker).await else { return };
    let mut seen = vec![tokens.recv().await.unwrap()];
    for _ in 0..2 {
        let mut running = alice.run().await;
        running.state("live").await;
        for _ in 0..3 {
            // Each session has its own token, and the issuer accepts each refresh token once only.
            seen.push(tokens.recv().await.unwrap());
        }
        running.terminate().await;
        let states = running.all_of("status");
        assert!(states.iter().all(|status| status["state"] != "action-needed"), "{states:?}");
    }
    let (refreshed, refused) = provider.count("refresh_token").await;
    assert!(refreshed >= 4 && refused == 0, "{refreshed} {refused}");
    assert!(seen.len() == 7, "{}", seen.len());
}

#[tokio::test]
async fn a_sign_in_that_the_issuer_has_ended_asks_the_person_once_and_the_next_one_brings_the_session_back() {
    let Some(provider) = Provider::start(&json!({ "accessTokenLifetime": 10 })).await else { return };
    let (broker, _tokens) = provider.broker().await;
    let Some(alice) = Person::signed_in(&provider, &broker).await else { return };
    let mut running = alice.run().await;
    running.state("live").await;
    provider.revoke().await;
    let asked = running.state("action-needed").await;
    assert!(text(&asked, "reason").contains("expired"), "{asked}");
    let restarted = alice.ctl(&["send", "--destination", "/queue/x", "hello"]).await;
    assert_eq!(restarted.code, Some(3), "{restarted:?}");
    assert_eq!(provider.count("refresh_token").await.1, 1, "what was refused is not sent again");
    let (code, signing_in) = alice.sign_in(Answer::Consent("alice")).await;
    assert_eq!(code, Some(0), "{}", signing_in.stderr());
    running.state("live").await;
    running.terminate().await;
    let asked = running.all_of("status").into_iter().filter(|status| status["state"] == "action-needed").count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn an_issuer_that_is_down_while_a_token_is_due_costs_no_prompt() {
    let Some(provider) = Provider::start(&json!({ "accessTokenLifetime": 10 })).await else { return };
    let (broker, _tokens) = provider.broker().await;
    let Some(alice) = Person::signed_in(&provider, &broker).await else { return };
    let mut running = alice.run().await;
    running.state("live").await;
    provider.set_down(true).await;
    // The token expires, and no other is to be had: offline, with the issuer as the reason.
    let offline = running.state("offline").await;
    assert!(offline["reason"].as_str().is_some_and(|reason| reason.contains("503")), "{offline}");
    provider.set_down(false).await;
    running.state("live").await;
    running.terminate().await;
    assert!(running.all_of("status").iter().all(|status| status["state"] != "action-needed"));
}

#[tokio::test]
async fn who_declines_in_the_browser_is_not_signed_in_and_nothing_is_stored() {
    let Some(provider) = Provider::start(&json!({})).await else { return };
    let (broker, _tokens) = provider.broker().await;
    let settings = with_oidc(&broker.url(), &provider, "\"openid\"");
    let Some(alice) = Person::of(&settings).await else { return };
    let (code, running) = alice.sign_in(Answer::Decline("alice")).await;
    assert_eq!(code, Some(3), "{}", running.stderr());
    assert!(running.stderr().contains("access_denied"), "{}", running.stderr());
    assert_eq!(std::fs::read_to_string(alice.home.settings_file()).unwrap(), settings);
    assert_eq!(alice.ctl(&["run", "--timeout", "0s"]).await.code, Some(3));
    assert!(broker.connections() == 0 && provider.grants().await.is_empty());
}

#[tokio::test]
async fn a_redirect_without_the_state_of_this_sign_in_is_refused_and_the_right_one_still_counts() {
    let Some(provider) = Provider::start(&json!({})).await else { return };
    let (broker, _tokens) = provider.broker().await;
    let Some(alice) = Person::of(&with_oidc(&broker.url(), &provider, "\"openid\"")).await else { return };
    let (mut running, url) = alice.begin().await;
    let redirect = walk(&url, Answer::Consent("alice")).await;
    let parameter = |name: &str| redirect.split(['?', '&']).find(|pair| pair.starts_with(name)).unwrap().to_owned();
    let state = parameter("state=");
    for wrong in [
        redirect.replace(&state, "state=other"),
        redirect.replace(&state, "other=1"),
        redirect.replace(&state, &format!("{state}x")),
        redirect.replace(&parameter("iss="), "iss=http%3A%2F%2Fevil.example.net"),
        redirect.replace(&state, "state=other").replace(&parameter("code="), "error=access_denied"),
    ] {
        let refused = visit(&wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {refused:?}");
    }
    assert!(provider.grants().await.is_empty(), "no code was sent");
    assert_eq!(visit(&redirect).await.status, 200);
    assert_eq!(running.wait().await.code(), Some(0), "{}", running.stderr());
}

#[tokio::test]
async fn an_address_of_the_metadata_that_is_not_the_issuers_own_never_gets_anything() {
    let evil = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = evil.local_addr().unwrap();
    for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
        for foreign in [format!("http://{address}/x"), "https://evil.invalid/x".to_owned()] {
            let options = json!({ "metadata": { endpoint: foreign } });
            let Some(provider) = Provider::start(&options).await else { return };
            let settings = with_oidc("ws://127.0.0.1:1/ws", &provider, "\"openid\"");
            let Some(alice) = Person::of(&settings).await else { return };
            let ended = alice.ctl(&["sign-in"]).await;
            assert_eq!(ended.code, Some(2), "{endpoint}: {ended:?}");
            let host = foreign.split('/').nth(2).unwrap();
            assert!(ended.stderr.contains(host), "{ended:?}");
            assert!(alice.opened().is_empty(), "no browser is opened");
        }
    }
    evil.set_nonblocking(true).unwrap();
    assert_eq!(evil.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nothing has come");
}

#[tokio::test]
async fn metadata_of_another_issuer_and_an_issuer_that_is_none_are_errors_of_the_setting() {
    let Some(provider) = Provider::start(&json!({ "metadata": { "issuer": "https://id.example.com" } })).await else {
        return;
    };
    let Some(alice) = Person::of(&with_oidc("ws://127.0.0.1:1/ws", &provider, "\"openid\"")).await else { return };
    let other = alice.ctl(&["sign-in"]).await;
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.stderr.contains("auth.oidc.issuer") && other.stderr.contains("id.example.com"), "{other:?}");
    let plain = with_oidc("ws://127.0.0.1:1/ws", &provider, "\"openid\"");
    alice.home.write_settings(&plain.replace(provider.issuer(), &format!("{}/realm", provider.issuer())));
    let none = alice.ctl(&["sign-in"]).await;
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.stderr.contains("404"), "{none:?}");
}

#[tokio::test]
async fn an_account_stays_that_of_the_person_who_has_signed_in_to_it() {
    let Some(provider) = Provider::start(&json!({})).await else { return };
    let (broker, _tokens) = provider.broker().await;
    let Some(alice) = Person::signed_in(&provider, &broker).await else { return };
    let (code, running) = alice.sign_in(Answer::Consent("bob")).await;
    assert_eq!(code, Some(3), "{}", running.stderr());
    assert!(running.stderr().contains("bob"), "{}", running.stderr());
    assert_eq!(alice.sign_in(Answer::Consent("alice")).await.0, Some(0));
}

#[tokio::test]
async fn an_issuer_with_a_certificate_of_a_private_authority_is_trusted_with_its_root_only() {
    let authority = CertificateAuthority::new();
    let Some(provider) = Provider::start_with_tls(&authority).await else { return };
    assert!(provider.issuer().starts_with("https://"), "{}", provider.issuer());
    let (broker, mut tokens) = provider.broker().await;
    let plain = with_oidc(&broker.url(), &provider, "\"openid\"");
    let Some(alice) = Person::of(&plain).await else { return };
    let refused = alice.ctl(&["sign-in"]).await;
    assert!(refused.stderr.contains("certificate is not trusted"), "{refused:?}");
    assert!(refused.stderr.contains("network.ca_bundle") && alice.opened().is_empty(), "{refused:?}");

    alice.home.write_settings(&format!("{plain}\n[network]\nca_bundle = \"{}\"\n", authority.bundle().display()));
    let (mut running, url) = alice.begin().await;
    assert!(url.starts_with(&format!("{}/auth?", provider.issuer())), "{url}");
    let page = browse(&provider.without_tls(&url), Answer::Consent("alice")).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(running.wait().await.code(), Some(0), "{}", running.stderr());
    assert_eq!(provider.owner(&tokens.recv().await.unwrap()).await.as_deref(), Some("alice"));
}

/// The person's browser has its own way to the issuer; Belfry's calls have only the proxy.
#[tokio::test]
async fn an_issuer_behind_a_proxy_is_asked_through_it_for_the_sign_in_and_for_every_later_token() {
    const NAME: &str = "id.belfry.test";
    let Some(squid) = Squid::start(&[NAME]).await else { return };
    let authority = CertificateAuthority::new();
    let options = json!({ "accessTokenLifetime": 10 });
    let Some(provider) = Provider::start_as(&authority, NAME, options).await else { return };
    let (broker, mut tokens) = provider.broker().await;
    let settings = with_oidc(&broker.url(), &provider, "\"openid\", \"profile\", \"offline_access\"");
    let settings = format!("{settings}\n[network]\nca_bundle = \"{}\"\n", authority.bundle().display());
    let Some(mut alice) = Person::of(&settings).await else { return };
    let sign_in = ["sign-in", "--agree", NAME];
    let unreached = alice.ctl(&sign_in).await;
    assert!(unreached.stderr.contains(NAME) && alice.opened().is_empty(), "{unreached:?}");
    alice.proxy = Some(squid.url());
    let refused = alice.ctl(&sign_in).await;
    assert!(refused.stderr.contains("the proxy requires a sign-in"), "{refused:?}");
    assert!(refused.stderr.contains("HTTPS_PROXY") && alice.opened().is_empty(), "{refused:?}");

    alice.proxy = Some(squid.url_for("alice", "open%20sesame"));
    let (mut signing_in, url) = alice.begin_with(&sign_in).await;
    assert!(url.starts_with(&format!("https://{NAME}:")), "{url}");
    let page = browse(&provider.without_tls(&url), Answer::Consent("alice")).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(signing_in.wait().await.code(), Some(0), "{}", signing_in.stderr());
    assert!(std::fs::read_to_string(alice.home.settings_file()).unwrap().contains("login = \"alice.name\""));
    tokens.recv().await.unwrap();
    let mut running = alice.run().await;
    running.state("live").await;
    for _ in 0..3 {
        tokens.recv().await.unwrap();
    }
    running.terminate().await;
    let (refreshed, refused) = provider.count("refresh_token").await;
    assert!(refreshed >= 2 && refused == 0, "{refreshed} {refused}");
    let states = running.all_of("status");
    assert!(states.iter().all(|status| status["state"] != "action-needed"), "{states:?}");
    assert!(!format!("{}{}", signing_in.stderr(), running.stderr()).contains("sesame"));
}

#[tokio::test]
async fn a_sign_in_that_is_interrupted_ends_at_once_listens_no_more_and_has_stored_nothing() {
    let Some(provider) = Provider::start(&json!({})).await else { return };
    let (broker, _tokens) = provider.broker().await;
    let settings = with_oidc(&broker.url(), &provider, "\"openid\"");
    let Some(alice) = Person::of(&settings).await else { return };
    let (mut running, url) = alice.begin().await;
    let redirect = walk(&url, Answer::Consent("alice")).await;
    let address = redirect.trim_start_matches("http://").split('/').next().unwrap();
    assert!(TcpStream::connect(address).is_ok(), "it waits for the browser");
    // As the shell expects of a program that was interrupted.
    assert_eq!(running.interrupt().await.signal(), Some(SIGINT), "{}", running.stderr());
    assert!(TcpStream::connect(address).is_err(), "it still listens");
    assert_eq!(std::fs::read_to_string(alice.home.settings_file()).unwrap(), settings);
    assert_eq!(alice.ctl(&["run", "--timeout", "0s"]).await.code, Some(3));
    assert!(broker.connections() == 0 && provider.grants().await.is_empty());
}

/// The same command with the default action for SIGINT: what runs in the background of a shell
/// ignores it, and so do the programs that it starts.
fn interruptible(command: &Command) -> Command {
    let mut outer = Command::new("/usr/bin/env");
    outer.arg("--default-signal=INT").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Scopes of another virtual host, and of another queue.
const ELSEWHERE: &str = "belfry.read:elsewhere/*";
const OTHER_QUEUE: &str = "belfry.read:*/other";

/// RabbitMQ that accepts the access tokens of a provider with this lifetime, in seconds, with the
/// scopes that its settings name.
async fn rabbit_with_tokens(lifetime: u32) -> Option<(Provider, RabbitMq, tempfile::TempDir)> {
    let scopes = ["belfry.read:*/*", "belfry.write:*/*", "belfry.configure:*/*", ELSEWHERE, OTHER_QUEUE].join(" ");
    let options = json!({ "audience": "belfry", "resourceScopes": scopes, "accessTokenLifetime": lifetime });
    let provider = Provider::start(&options).await?;
    let (id, pem) = provider.signing_key().await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::write(&key, pem).unwrap();
    let settings = format!(
        "auth_backends.1 = rabbit_auth_backend_oauth2\nauth_backends.2 = internal\n\
         auth_oauth2.resource_server_id = belfry\nauth_oauth2.default_key = {id}\n\
         auth_oauth2.signing_keys.{id} = {}\n",
        key.display()
    );
    let rabbit = RabbitMq::start_with("rabbitmq_auth_backend_oauth2", settings).await?;
    Some((provider, rabbit, folder))
}

#[tokio::test]
async fn rabbitmq_takes_access_tokens_of_the_issuer_and_each_session_is_handed_over_before_its_token_expires() {
    let Some((provider, rabbit, _key)) = rabbit_with_tokens(10).await else { return };
    let all = r#""openid", "offline_access", "belfry.read:*/*", "belfry.write:*/*", "belfry.configure:*/*""#;
    let Some(alice) = Person::of(&with_oidc(&rabbit.ws_url(), &provider, all)).await else { return };
    let (code, signing_in) = alice.sign_in(Answer::Consent("alice")).await;
    assert_eq!(code, Some(0), "{}", signing_in.stderr());
    let mut running = alice.run().await;
    running.state("live").await;
    let users = rabbit.ctl(&["list_users", "--no-table-headers"]).await;
    assert!(!users.contains("alice"), "RabbitMQ knows her by the token only: {users}");
    let amqp = Amqp::connect(&rabbit).await;
    let (mut sent, mut arrived) = (0, Vec::new());
    while provider.count("refresh_token").await.0 < 3 {
        sent += 1;
        amqp.publish("", "test", json!({ "id": format!("m-{sent}"), "title": "a message" }).to_string()).await;
        arrived.push(running.event_of("notice").await);
    }
    running.terminate().await;
    assert_eq!(ids(&arrived), numbered("m", sent));
    assert_eq!(running.all_of("notice").len(), sent, "none arrives twice");
    let states = running.all_of("status");
    assert!(states.iter().all(|status| status["state"] != "action-needed"), "{states:?}");
}

#[tokio::test]
async fn rabbitmq_refuses_a_token_without_the_scope_and_the_remedy_names_the_permissions() {
    let Some((provider, rabbit, _key)) = rabbit_with_tokens(600).await else { return };
    let scopes = |scope: &str| with_oidc(&rabbit.ws_url(), &provider, &format!("\"openid\"{scope}"));
    let elsewhere = format!(", \"{ELSEWHERE}\"");
    for (scope, code, words, remedy) in [
        ("", Some(3), "Access refused for user 'alice'", "sign in again"),
        (&*elsewhere, Some(1), "Virtual host '/' access denied", "the account's permissions on the server"),
    ] {
        let Some(alice) = Person::of(&scopes(scope)).await else { return };
        let (ended, signing_in) = alice.sign_in(Answer::Consent("alice")).await;
        let said = signing_in.stderr();
        assert!(ended == code && said.contains(words) && said.contains(remedy), "{ended:?} {said}");
        assert_eq!(alice.ctl(&["run", "--timeout", "0s"]).await.code, Some(3), "nothing was stored");
    }
    // Enough for a session, but not for its subscription.
    let Some(alice) = Person::of(&scopes(&format!(", \"{OTHER_QUEUE}\""))).await else { return };
    let (code, signing_in) = alice.sign_in(Answer::Consent("alice")).await;
    assert_eq!(code, Some(0), "{}", signing_in.stderr());
    let mut running = alice.run().await;
    let asked = running.state("action-needed").await;
    assert!(text(&asked, "remedy").contains("that the account may read them"), "{asked}");
}
