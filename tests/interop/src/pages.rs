//! Web pages with a STOMP library, in Chromium: what they publish, Belfry receives, and the reverse.

use std::path::Path;
use std::process::Command;

use harness::{Pushd, RabbitMq, Running};
use serde_json::Value;

use crate::client::{Client, LOGIN, notice_id, text, wait_for_probe};
use crate::server::message;
use crate::table::Table;

/// Where pages publish.
const FROM_PAGES: &str = "/topic/from-pages";
/// What pages subscribe to.
const TO_PAGES: &str = "/topic/to-pages";

const BODY: &str = "来自 Belfry 的消息";

pub(crate) async fn check_all(table: &mut Table) {
    table.check("A page with stompjs 7, message service: both ways", with_service("stompjs-7")).await;
    table.check("A page with stomp.js 2.x, message service: both ways", with_service("stomp.js-2")).await;
    table.check("A page with stompjs 7, RabbitMQ: both ways", with_rabbitmq("stompjs-7")).await;
    table.check("A page with stomp.js 2.x, RabbitMQ: both ways", with_rabbitmq("stomp.js-2")).await;
}

async fn with_service(library: &str) {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let token = pushd.login(LOGIN, "secret").await;
    both_ways(library, pushd.stomp(), &token).await;
}

async fn with_rabbitmq(library: &str) {
    let broker = RabbitMq::start().await.expect("RabbitMQ is installed");
    let secret = "open sesame";
    broker.add_user(LOGIN, secret, [".*", ".*", ".*"]).await;
    both_ways(library, &broker.ws_url(), secret).await;
}

async fn both_ways(library: &str, url: &str, secret: &str) {
    let client = Client::new(&settings(url), secret);
    let mut belfry = client.run().await;
    belfry.state("live").await;
    let send = async |message: Value| {
        let sent = client.ctl(&["send", "--destination", FROM_PAGES, &message.to_string()]).await;
        assert_eq!(sent.code, Some(0), "{sent:?}");
    };
    wait_for_probe(&mut belfry, "pages", send).await;

    let mut page = open(library, url, secret, &message("from-a-page").to_string());
    page.event("subscribed", |event| event["event"] == "subscribed").await;
    let notice = belfry.event("what the page published", |event| notice_id(event) == Some("from-a-page")).await;
    assert_eq!(text(&notice, "title"), "审批 from-a-page");

    let sent = client.ctl(&["send", "--destination", TO_PAGES, BODY]).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let received = page.event("what Belfry sent", |event| event["event"] == "received").await;
    assert_eq!(text(&received, "body"), BODY);
}

fn settings(url: &str) -> String {
    format!(
        r#"
        [server]
        endpoints = ["{url}"]

        [[server.subscriptions]]
        destination = "{FROM_PAGES}"

        [auth]
        login = "{LOGIN}"
        "#
    )
}

/// Opens a page that publishes `message` once it has subscribed.
fn open(library: &str, url: &str, secret: &str, message: &str) -> Running {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages/page.mjs");
    let mut command = Command::new("node");
    command.arg(program).args([library, url, LOGIN, secret, TO_PAGES, FROM_PAGES, message]);
    Running::spawn(command)
}
