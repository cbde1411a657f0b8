//! A real OpenID Connect provider (npm `oidc-provider`), and a person with a browser who walks through
//! its forms.
//!
//! The browser follows redirects, keeps cookies and fills in forms; it knows no scripts. Deliberately
//! absent: anything of Belfry's side of a sign-in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use stomp::Command as StompCommand;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::certificates::Identity;
use crate::http::call;
use crate::program::Running;
use crate::skip::{has, skip};
use crate::tls::{ALL_VERSIONS, TlsOptions};
use crate::{CertificateAuthority, FakeBroker, TlsFront, Wire};

/// More redirects and forms than a sign-in has.
const MAX_STEPS: usize = 20;

/// A provider of this test's own, whose client `belfry` may be redirected to `/callback` on any port of
/// loopback. Dropping ends it.
#[derive(Debug)]
pub struct Provider {
    _running: Running,
    issuer: String,
    address: String,
    _front: Option<TlsFront>,
}

/// What a person does in the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Signs in with this login, and consents.
    Consent(&'a str),
    /// Signs in with this login, and declines.
    Decline(&'a str),
}

/// A page, or where a redirect leads.
#[derive(Debug)]
pub struct Visited {
    /// Its address.
    pub url: String,
    /// As in `200`.
    pub status: u16,
    /// Its text.
    pub body: String,
    location: Option<String>,
}

impl Provider {
    /// Starts one; `options` are those of `tests/harness/oidc/provider.mjs`. `None` if its packages are
    /// not installed.
    ///
    /// # Panics
    /// If it does not start; with `CI=true` also if something is missing.
    pub async fn start(options: &Value) -> Option<Self> {
        if !has(&["node"]) {
            return None;
        }
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("oidc");
        if !folder.join("node_modules/oidc-provider").is_dir() {
            skip("the packages of tests/harness/oidc are not installed; cargo xtask test installs them");
            return None;
        }
        let mut command = Command::new("node");
        command.current_dir(folder).arg("provider.mjs").arg(options.to_string());
        let mut running = Running::spawn(command);
        let ready = running.event("ready", |line| line["issuer"].is_string()).await;
        let [issuer, address] = ["issuer", "address"].map(|name| ready[name].as_str().unwrap().to_owned());
        Some(Self { issuer, address, _running: running, _front: None })
    }

    /// Starts one behind TLS, with a certificate of this authority.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_with_tls(authority: &CertificateAuthority) -> Option<Self> {
        Self::start_with_identity(authority.loopback_server(), None, json!({})).await
    }

    /// The same under a name that only a proxy resolves; `options` as for [`Self::start`].
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_as(authority: &CertificateAuthority, name: &str, options: Value) -> Option<Self> {
        Self::start_with_identity(authority.server(&[name]), Some(name), options).await
    }

    async fn start_with_identity(identity: Identity, name: Option<&str>, mut options: Value) -> Option<Self> {
        let front = TlsFront::listen(TlsOptions { identity, client_authority: None, versions: ALL_VERSIONS }).await;
        let issuer = name.map_or_else(|| front.https(), |name| format!("https://{name}:{}", front.address().port()));
        options["issuer"] = issuer.into();
        let provider = Self::start(&options).await?;
        front.pass_to(provider.address.trim_start_matches("http://"));
        Some(Self { _front: Some(front), ..provider })
    }

    /// `http://127.0.0.1:PORT`, or `https://…` behind TLS.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The same page without TLS, for the browser of these tests.
    pub fn without_tls(&self, url: &str) -> String {
        url.replacen(&self.issuer, &self.address, 1)
    }

    /// The id of the key that access tokens are signed with, and its public half as PEM.
    ///
    /// # Panics
    /// If the provider does not answer.
    pub async fn signing_key(&self) -> (String, String) {
        let key = self.control("key").await;
        let text = |name: &str| key[name].as_str().expect("a text").to_owned();
        (text("id"), text("pem"))
    }

    /// Ends every sign-in: refresh tokens and access tokens are no longer accepted.
    ///
    /// # Panics
    /// If the provider does not answer.
    pub async fn revoke(&self) {
        self.control("revoke").await;
    }

    /// Has the token endpoint answer 503, or work again.
    ///
    /// # Panics
    /// If the provider does not answer.
    pub async fn set_down(&self, is_down: bool) {
        self.control(if is_down { "down" } else { "up" }).await;
    }

    /// What the token endpoint was asked for: `{type,succeeded}` each.
    ///
    /// # Panics
    /// If the provider does not answer.
    pub async fn grants(&self) -> Vec<Value> {
        self.control("grants").await.as_array().expect("an array").clone()
    }

    /// How many grants of this type succeeded, and how many were refused.
    ///
    /// # Panics
    /// If the provider does not answer.
    pub async fn count(&self, grant_type: &str) -> (usize, usize) {
        let grants = self.grants().await;
        let of_type: Vec<_> = grants.iter().filter(|grant| grant["type"] == grant_type).collect();
        let succeeded = of_type.iter().filter(|grant| grant["succeeded"] == true).count();
        (succeeded, of_type.len() - succeeded)
    }

    /// Whose access token this is; `None` if it is not accepted.
    ///
    /// # Panics
    /// If the provider does not answer.
    pub async fn owner(&self, token: &str) -> Option<String> {
        owner(&self.address, token).await
    }

    /// A STOMP server that accepts the access tokens of this provider as passcode, and what it was
    /// given, accepted or not.
    pub async fn broker(&self) -> (FakeBroker, mpsc::UnboundedReceiver<String>) {
        let (sender, tokens) = mpsc::unbounded_channel();
        let address = self.address.clone();
        let script = move |_, mut wire: Wire| {
            let (sender, address) = (sender.clone(), address.clone());
            async move {
                let connect = wire.expect(StompCommand::Connect).await;
                let token = connect.header("passcode").unwrap_or_default().into_owned();
                let is_known = owner(&address, &token).await.is_some();
                // The test may be over.
                drop(sender.send(token));
                if is_known {
                    wire.send(StompCommand::Connected, &[("version", "1.2"), ("heart-beat", "0,0")], b"").await;
                } else {
                    wire.send(StompCommand::Error, &[("message", "bad token")], b"").await;
                }
                wire.serve().await;
            }
        };
        (FakeBroker::start(script).await, tokens)
    }

    async fn control(&self, what: &str) -> Value {
        call("POST", &format!("{}/control/{what}", self.address), None, &json!({})).await.unwrap().1
    }
}

async fn owner(address: &str, token: &str) -> Option<String> {
    let (status, answer) = call("GET", &format!("{address}/me"), Some(token), &json!({})).await.expect("an answer");
    (status == 200).then(|| answer["sub"].as_str().expect("a subject").to_owned())
}

/// Opens an address and does what the person does, up to the page that the last redirect leads to.
///
/// # Panics
/// If a page does not come, or has a form that is not known.
pub async fn browse(url: &str, answer: Answer<'_>) -> Visited {
    let callback = walk(url, answer).await;
    visit(&callback).await
}

/// As [`browse`], but stops before the redirect to the program that asked, and returns its address.
///
/// # Panics
/// As [`browse`].
pub async fn walk(url: &str, answer: Answer<'_>) -> String {
    let mut browser = Browser::default();
    let program = redirect_of(url);
    let mut page = browser.get(url).await;
    for _ in 0..MAX_STEPS {
        page = match &page.location {
            Some(location) if location.starts_with(&program) => return location.clone(),
            Some(location) => browser.get(&absolute(&page.url, location)).await,
            None => browser.fill_in(&page, answer).await,
        };
    }
    panic!("no redirect to {program} after {MAX_STEPS} steps: {page:?}");
}

/// Opens an address of loopback, without following where it leads.
///
/// # Panics
/// If no page comes.
pub async fn visit(url: &str) -> Visited {
    Browser::default().get(url).await
}

#[derive(Debug, Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn get(&mut self, url: &str) -> Visited {
        self.send("GET", url, "").await
    }

    async fn fill_in(&mut self, page: &Visited, answer: Answer<'_>) -> Visited {
        let action = between(&page.body, "action=\"", "\"");
        let action = action.unwrap_or_else(|| panic!("a page without a form: {page:?}"));
        let prompt = between(&page.body, "name=\"prompt\" value=\"", "\"").expect("what the form asks for");
        let action = absolute(&page.url, &action);
        match (prompt.as_str(), answer) {
            ("login", Answer::Consent(login) | Answer::Decline(login)) => {
                self.send("POST", &action, &format!("prompt=login&login={login}&password=x")).await
            }
            ("consent", Answer::Consent(_)) => self.send("POST", &action, "prompt=consent").await,
            ("consent", Answer::Decline(_)) => self.get(&format!("{action}/abort")).await,
            (other, _) => panic!("a form that asks for {other}"),
        }
    }

    /// HTTP/1.0, so that the answer ends with the connection.
    async fn send(&mut self, method: &str, url: &str, body: &str) -> Visited {
        let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("not on loopback: {url}"));
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} /{path} HTTP/1.0\r\nhost: {address}\r\ncookie: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            cookies.join("; "),
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer of {url}: {answer}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut location = None;
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("location") {
                location = Some(value.to_owned());
            } else if name.eq_ignore_ascii_case("set-cookie") {
                let (name, value) = value.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
                self.cookies.insert(name.to_owned(), value.to_owned());
                self.cookies.retain(|_, value| !value.is_empty());
            }
        }
        Visited { url: url.to_owned(), status, body: body.to_owned(), location }
    }
}

/// `redirect_uri` of an authorization request.
fn redirect_of(url: &str) -> String {
    let encoded = between(&format!("{url}&"), "redirect_uri=", "&").expect("a redirect_uri");
    encoded.replace("%3A", ":").replace("%2F", "/")
}

fn absolute(page: &str, target: &str) -> String {
    if !target.starts_with('/') {
        return target.to_owned();
    }
    let host = page.strip_prefix("http://").and_then(|rest| rest.split('/').next()).expect("an address");
    format!("http://{host}{target}")
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found.to_owned())
}
