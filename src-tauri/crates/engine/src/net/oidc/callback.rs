//! The loopback address that the browser is sent back to (RFC 8252, section 7.3): as much HTTP as one
//! redirect needs.
//!
//! Deliberately absent: what the parameters are worth ([`super::browser`]). Limits: 16 KiB and 10 s for
//! a request, 16 requests at once. Invariant: what comes is parameters and nothing else; nothing of it
//! is written into the page or a log.

use std::{io, time::Duration};

use openidconnect::RedirectUrl;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use url::Url;

use belfry_core::texts::Language;

/// The path of the redirect; the port is any that is free.
pub(super) const PATH: &str = "/callback";
/// Largest head of a request that is read.
const MAX_HEAD: usize = 16 * 1024;
/// How long a browser may take to send a request.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// A browser opens a few connections; more than these wait.
const MAX_READERS: usize = 16;

/// Waits for the browser.
#[derive(Debug)]
pub(super) struct Callback {
    listener: TcpListener,
    address: Url,
    readers: JoinSet<Option<Returned>>,
}

/// A browser that came back, and waits for a page.
#[derive(Debug)]
pub(super) struct Returned {
    stream: TcpStream,
    url: Url,
}

/// What the browser is to show.
#[derive(Debug, Clone, Copy)]
pub(super) enum ResultPage {
    /// The sign-in is complete.
    Done,
    /// The issuer has refused it, or its answer could not be used.
    Failed,
    /// The request does not belong to this sign-in.
    Stranger,
}

impl Callback {
    pub(super) async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let address = Url::parse(&format!("http://127.0.0.1:{port}{PATH}")).map_err(io::Error::other)?;
        Ok(Self { listener, address, readers: JoinSet::new() })
    }

    pub(super) fn redirect(&self) -> RedirectUrl {
        RedirectUrl::from_url(self.address.clone())
    }

    /// The next request for the redirect's path. Others are answered here.
    pub(super) async fn next(&mut self) -> io::Result<Returned> {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.readers.len() < MAX_READERS => {
                    let ((stream, _), address) = (accepted?, self.address.clone());
                    self.readers.spawn(async move { timeout(READ_TIMEOUT, read(stream, &address)).await.ok()? });
                }
                Some(read) = self.readers.join_next() => {
                    if let Ok(Some(returned)) = read {
                        return Ok(returned);
                    }
                }
            }
        }
    }
}

impl Returned {
    /// The first parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    /// Shows the page. A browser that has gone away needs none.
    pub(super) async fn answer(self, page: ResultPage, language: Language) {
        let (status, title, text) = match page {
            ResultPage::Done => ("200 OK", "browser.done", "browser.done.text"),
            ResultPage::Failed => ("200 OK", "browser.failed", "browser.failed.text"),
            ResultPage::Stranger => ("400 Bad Request", "browser.stranger", "browser.stranger.text"),
        };
        let (title, text) = (language.text(title), language.text(text));
        let body = format!(
            "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><title>Belfry</title>\
             <body style=\"font: 1rem sans-serif; margin: 4rem auto; max-width: 32rem\"><h1>{title}</h1><p>{text}</p>",
            language.tag()
        );
        drop(timeout(READ_TIMEOUT, write(self.stream, status, &body)).await);
    }
}

/// Reads one request; `None` unless it is for the redirect's path.
async fn read(mut stream: TcpStream, address: &Url) -> Option<Returned> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut words = head.lines().next()?.split(' ');
    let is_get = words.next() == Some("GET");
    let target = words.next().filter(|target| is_get && target.starts_with('/'));
    match target.and_then(|target| address.join(target).ok()).filter(|url| url.path() == PATH) {
        Some(url) => Some(Returned { stream, url }),
        None => {
            drop(write(stream, "404 Not Found", "").await);
            None
        }
    }
}

async fn write(mut stream: TcpStream, status: &str, body: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(address: &Url, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", address.port().unwrap())).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn only_a_get_of_the_redirect_is_handed_on_and_what_it_says_is_in_no_page() {
        let mut callback = Callback::listen().await.unwrap();
        let address = callback.address.clone();
        let browser = tokio::spawn(async move {
            // A connection that says nothing holds up no other.
            let _silent = TcpStream::connect(("127.0.0.1", address.port().unwrap())).await.unwrap();
            let other = ask(&address, "GET /favicon.ico HTTP/1.1\r\nhost: x\r\n\r\n").await;
            let post = ask(&address, "POST /callback?code=c HTTP/1.1\r\nhost: x\r\n\r\n").await;
            let foreign = ask(&address, "GET http://evil/callback?code=c HTTP/1.1\r\n\r\n").await;
            let redirect = ask(&address, "GET /callback?state=s%20t&code=<b> HTTP/1.1\r\nhost: x\r\n\r\n").await;
            (other, post, foreign, redirect)
        });
        let returned = callback.next().await.unwrap();
        assert_eq!(returned.parameter("state").as_deref(), Some("s t"));
        assert_eq!(returned.parameter("code").as_deref(), Some("<b>"));
        assert_eq!(returned.parameter("error"), None);
        returned.answer(ResultPage::Done, Language::Chinese).await;
        let (other, post, foreign, redirect) = browser.await.unwrap();
        for refused in [other, post, foreign] {
            assert!(refused.starts_with("HTTP/1.1 404"), "{refused}");
        }
        assert!(redirect.starts_with("HTTP/1.1 200") && redirect.contains("lang=\"zh-CN\""), "{redirect}");
        assert!(!redirect.contains("<b>") && redirect.contains("no-store"), "{redirect}");
    }
}
