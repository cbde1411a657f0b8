//! The route to a server: its name, a connection, the proxy's permission, the certificate.
//!
//! Through a proxy, name and connection are the proxy's, since the proxy looks up the server's
//! name. Deliberately absent: the WebSocket. Invariant: no secret is sent but the proxy's own, as
//! the client would send it.

use std::io;

use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};
use url::{Host, Url};

use super::{Finding, ServerTime, Step, StepRun, Subject, server_time};
use crate::net::{
    address::host_of,
    http::{self, CONNECT_TIMEOUT},
    proxy_finder::{ProxySource, Route as Way, authorization},
};
use belfry_core::error::{Failure, Fault};

/// Longest answer of a proxy that is read, in bytes.
const MAX_ANSWER: u64 = 8 * 1024;

/// The result.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    /// Whether a WebSocket is worth trying.
    pub(super) is_reachable: bool,
    pub(super) server_time: Option<ServerTime>,
}

/// Examines the route to an endpoint. What cannot be examined because of an earlier failure is
/// skipped.
pub(super) async fn examine(subject: &Subject, endpoint: &Url, report: &mut impl FnMut(Finding)) -> Route {
    let blocked = |steps: &[Step], why: &str, report: &mut dyn FnMut(Finding)| {
        for step in steps {
            report(Finding::skipped(*step, format!("{}: {why}", host_of(endpoint))));
        }
        Route { is_reachable: false, server_time: None }
    };
    let run = StepRun::start(Step::Proxy);
    let way = match subject.client.route(endpoint).await {
        Ok(way) => way,
        Err(failure) => {
            for step in [Step::Dns, Step::Tcp] {
                report(Finding::skipped(step, format!("{}: no proxy that can be used", host_of(endpoint))));
            }
            report(run.failed(&failure));
            return blocked(&[Step::Tls], "no proxy that can be used", report);
        }
    };
    let next = match &way {
        Way::Direct(_) => endpoint,
        Way::Proxy { url, .. } => url,
    };
    if !look_up(next, report).await {
        return blocked(&[Step::Tcp, Step::Proxy, Step::Tls], "its name is not known here", report);
    }
    let Some(stream) = connect(next, report).await else {
        return blocked(&[Step::Proxy, Step::Tls], "no connection", report);
    };
    let is_let_through = match &way {
        Way::Proxy { url, source } => open_tunnel(stream, (url, *source), endpoint, report).await,
        Way::Direct(why) => {
            report(Finding::skipped(Step::Proxy, format!("{}: no proxy on the way ({why})", host_of(endpoint))));
            true
        }
    };
    if !is_let_through {
        return blocked(&[Step::Tls], "the proxy does not let us through", report);
    }
    check_certificate(subject, endpoint, report).await
}

async fn look_up(url: &Url, report: &mut impl FnMut(Finding)) -> bool {
    let host = host_of(url);
    let Some(Host::Domain(_)) = url.host() else {
        report(Finding::skipped(Step::Dns, format!("{host} is an address")));
        return true;
    };
    let run = StepRun::start(Step::Dns);
    let remedy =
        "check the name in server.endpoints (or of the proxy), and whether this computer is in the network (VPN)";
    let finding = match timeout(CONNECT_TIMEOUT, lookup_host(&host)).await {
        Ok(Ok(addresses)) => {
            let addresses: Vec<String> = addresses.map(|address| address.ip().to_string()).collect();
            run.ok(format!("{host} is {}", addresses.join(", ")))
        }
        Ok(Err(error)) => run.fail(format!("{host}: {error}"), remedy),
        Err(_) => run.fail(format!("{host}: no answer from the name server"), remedy),
    };
    let is_known = finding.verdict == super::Verdict::Ok;
    report(finding);
    is_known
}

async fn connect(url: &Url, report: &mut impl FnMut(Finding)) -> Option<TcpStream> {
    let (run, host) = (StepRun::start(Step::Tcp), host_of(url));
    let remedy =
        "check address and port in server.endpoints (or of the proxy); ask IT whether it runs and is let through";
    match timeout(CONNECT_TIMEOUT, TcpStream::connect(&host)).await {
        Ok(Ok(stream)) => {
            report(run.ok(format!("{host} takes connections")));
            Some(stream)
        }
        Ok(Err(error)) => {
            report(run.fail(format!("{host}: {}", error.to_string().to_lowercase()), remedy));
            None
        }
        Err(_) => {
            report(run.fail(format!("{host}: no answer within {} s", CONNECT_TIMEOUT.as_secs()), remedy));
            None
        }
    }
}

/// Asks an HTTP proxy for a tunnel, as the client does for an encrypted endpoint.
async fn open_tunnel(
    mut stream: TcpStream,
    (proxy, source): (&Url, ProxySource),
    endpoint: &Url,
    report: &mut impl FnMut(Finding),
) -> bool {
    let (run, name, host) = (StepRun::start(Step::Proxy), host_of(proxy), host_of(endpoint));
    let named = format!("{name}, named by {source}");
    if proxy.scheme() != "http" || matches!(endpoint.scheme(), "ws" | "http") {
        // A SOCKS proxy, or a plain request, says yes or no to the request itself.
        report(run.ok(format!("{}://{named}, is on the way", proxy.scheme())));
        return true;
    }
    let mut request = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n").into_bytes();
    if let Some(credential) = authorization(proxy) {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(credential.expose_secret().as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let asked = async {
        stream.write_all(&request).await?;
        read_answer(&mut stream).await
    };
    let failure = match timeout(CONNECT_TIMEOUT, asked).await {
        Ok(Ok(Answer { status, .. })) if (200..300).contains(&status) => {
            report(run.ok(format!("{named}, lets us through to {host}")));
            return true;
        }
        Ok(Ok(Answer { status: 407, sign_in })) => {
            let kinds = if sign_in.is_empty() { String::new() } else { format!(" ({})", sign_in.join(", ")) };
            Failure::new(Fault::ProxyAuth, format!("{named}: HTTP 407{kinds}"))
        }
        Ok(Ok(Answer { status, .. })) => {
            let detail = format!("{named}, answered HTTP {status} to a tunnel to {host}");
            report(run.fail(detail, "ask IT to let this computer through the proxy to that host and port"));
            return false;
        }
        Ok(Err(error)) => Failure::new(Fault::Unreachable, format!("{named}: {error}")),
        Err(_) => Failure::new(Fault::TimedOut, named),
    };
    report(run.failed(&failure));
    false
}

/// What a proxy says to the request for a tunnel.
struct Answer {
    /// The number in `HTTP/1.1 200 OK`.
    status: u16,
    /// The kinds of sign-in that it takes, from `Proxy-Authenticate`: `Basic`, `Negotiate`, `NTLM`.
    sign_in: Vec<String>,
}

async fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut head = Vec::new();
    let mut limited = stream.take(MAX_ANSWER);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && limited.read_buf(&mut head).await? > 0 {}
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.trim().parse().ok());
    let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its answer is not HTTP"))?;
    let offers = head.lines().filter_map(|line| line.split_once(':'));
    let offers = offers.filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"));
    let sign_in = offers.filter_map(|(_, offer)| offer.split_whitespace().next()).map(str::to_owned).collect();
    Ok(Answer { status, sign_in })
}

/// Whether the certificate is trusted; asked of the client that will be used, so that its roots and
/// names count.
async fn check_certificate(subject: &Subject, endpoint: &Url, report: &mut impl FnMut(Finding)) -> Route {
    let (run, host) = (StepRun::start(Step::Tls), host_of(endpoint));
    let asked = Instant::now();
    let answer = http::probe(&subject.client, endpoint).await;
    let time = answer.as_ref().ok().copied().flatten().map(|time| server_time(time, asked));
    if matches!(endpoint.scheme(), "ws" | "http") {
        // A server that closes a plain request unanswered may still open a WebSocket.
        report(match subject.identity.settings.network.is_allowed(endpoint) {
            Err(refusal) => run.fail(refusal.to_string(), Failure::new(Fault::Insecure, "").remedy()),
            Ok(()) if is_loopback(endpoint) => {
                Finding::skipped(Step::Tls, format!("{host}: plain text, on this computer"))
            }
            Ok(()) => run.warn(
                format!("{host}: plain text: others on the network can read the token"),
                "use wss:// as soon as the server can; network.insecure_hosts is for trying",
            ),
        });
        return Route { is_reachable: true, server_time: time };
    }
    let is_reachable = match answer {
        Ok(_) => {
            report(run.ok(format!("{host}: the certificate is trusted")));
            true
        }
        Err(failure) => {
            report(run.failed(&failure));
            false
        }
    };
    Route { is_reachable, server_time: time }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::doctor::Verdict;

    /// What is found of a proxy that gives this answer, and what it was asked.
    async fn asked_of_proxy(answer: &'static str) -> (bool, Finding, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Url::parse(&format!("http://x:y@{}", listener.local_addr().unwrap())).unwrap();
        let endpoint = Url::parse("wss://push.example.com/ws").unwrap();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "all of the request");
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let mut findings = Vec::new();
        let stream = TcpStream::connect(host_of(&proxy)).await.unwrap();
        let way = (&proxy, ProxySource::System);
        let passed = open_tunnel(stream, way, &endpoint, &mut |finding| findings.push(finding)).await;
        (passed, findings.pop().unwrap(), answering.await.unwrap())
    }

    #[tokio::test]
    async fn a_proxy_is_asked_for_a_tunnel_as_the_client_would() {
        let (passed, finding, request) = asked_of_proxy("HTTP/1.1 200 Connection established\r\n\r\n").await;
        assert!(passed && finding.verdict == Verdict::Ok, "{finding:?}");
        assert!(finding.detail.contains(", named by the system, lets us through"), "{finding:?}");
        let expected = "CONNECT push.example.com:443 HTTP/1.1\r\nHost: push.example.com:443\r\n\
                        Proxy-Authorization: Basic eDp5\r\n\r\n";
        assert_eq!(request, expected);
    }

    #[tokio::test]
    async fn a_proxy_that_says_no_or_is_none_is_a_failure_with_a_remedy() {
        for (answer, said) in [
            ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "requires a sign-in"),
            (
                "HTTP/1.1 407 no\r\nProxy-Authenticate: Negotiate\r\nproxy-authenticate: NTLM\r\n\r\n",
                "HTTP 407 (Negotiate, NTLM)",
            ),
            ("HTTP/1.0 403 Forbidden\r\n\r\n", "HTTP 403"),
            ("SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
            ("", "not HTTP"),
        ] {
            let (passed, finding, _) = asked_of_proxy(answer).await;
            assert!(!passed && finding.verdict == Verdict::Fail, "{answer:?}: {finding:?}");
            assert!(finding.detail.contains(said) && !finding.remedy.is_empty(), "{answer:?}: {finding:?}");
            assert!(!finding.detail.contains("eDp5"), "{finding:?}");
        }
    }
}
