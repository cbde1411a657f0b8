//! What Spring servers do in the field: restart, refuse, subscribe late, leave out the user, fall silent.

use std::sync::Arc;

use harness::proxy::Faults;
use harness::{FaultProxy, Running};
use serde_json::Value;

use crate::client::{Client, notice_id, text, wait_until_subscribed};
use crate::java::Java;
use crate::server::{Audience, Server as _, message};
use crate::servers::spring::{ROWS, Relay, Spring, token_of};
use crate::table::Table;

pub(super) async fn check_all(table: &mut Table, java: &Arc<Java>) {
    table
        .check("Spring restarts soon after each SUBSCRIBE: retried, and no fault of the settings", restarts(java))
        .await;
    table.check("Spring applies SUBSCRIBE late: the second pass finds what fell between", late(java)).await;
    table.check("Spring signs in another person: refused, and both are named", wrong_person(java)).await;
    table.check("Spring names no user: the doctor says that /user/ may stay empty", no_user(java)).await;
    table.check("Spring without heart-beats falls silent: noticed, and connected again", silence(java)).await;
    table.check("Spring's relay loses its broker: retried, and no refused sign-in", broker_away(java)).await;
}

async fn run_live(client: &Client) -> Running {
    let mut running = client.run().await;
    running.state("live").await;
    running
}

fn assert_never_asked(running: &mut Running) {
    let states = running.all_of("status");
    assert!(states.iter().all(|status| status["state"] != "action-needed"), "{states:?}");
}

fn is_lost(event: &Value) -> bool {
    event["event"] == "status" && event["state"] != "live"
}

async fn restarts(java: &Arc<Java>) {
    let mut spring = Spring::start(java, &ROWS[0]).await;
    let client = Client::new(&spring.settings(), &spring.token());
    let mut running = run_live(&client).await;
    for _ in 0..3 {
        spring.stop().await;
        running.event("the lost connection", is_lost).await;
        spring.start_again().await;
        running.state("live").await;
    }
    assert_never_asked(&mut running);
}

async fn late(java: &Arc<Java>) {
    let late = ["--belfry.subscribe-delay=30s".to_owned()];
    let spring = Spring::start_with(java, &ROWS[0], &late).await;
    let api = format!("[api]\nbase = \"{}\"\nhistory = \"\"\n", spring.http());
    let client = Client::new(&(spring.settings() + &api), &spring.token());
    let mut running = run_live(&client).await;
    spring.publish(Audience::Personal, &message("between")).await;
    let notice = running.event("the notice", |event| notice_id(event) == Some("between")).await;
    assert_eq!(text(&notice, "source"), "collected", "{notice}");
    // Neither a reconnect nor polling found it.
    let states = running.all_of("status");
    let last = states.last().map(|status| text(status, "state"));
    assert_eq!(last, Some("live"), "{states:?}");
    assert_eq!(states.iter().filter(|status| status["state"] == "connecting").count(), 1, "{states:?}");
}

async fn wrong_person(java: &Arc<Java>) {
    let spring = Spring::start(java, &ROWS[0]).await;
    let client = Client::new(&spring.settings(), &token_of("bob"));
    let mut running = client.run().await;
    let status = running.state("action-needed").await;
    assert!(text(&status, "reason").contains("bob ≠ alice"), "{status}");
    assert!(text(&status, "remedy").contains("auth.login"), "{status}");
}

async fn no_user(java: &Arc<Java>) {
    let spring = Spring::start_with(java, &ROWS[0], &["--belfry.names-users=false".to_owned()]).await;
    let client = Client::new(&spring.settings(), &spring.token());
    let ended = client.ctl(&["doctor", "--json"]).await;
    let steps = ended.json();
    let step = steps.as_array().into_iter().flatten().find(|finding| finding["step"] == "stomp");
    let step = step.unwrap_or_else(|| panic!("no step: {ended:?}"));
    assert_eq!(text(step, "verdict"), "warn", "{step}");
    assert!(text(step, "remedy").contains("principal"), "{step}");
}

async fn silence(java: &Arc<Java>) {
    let spring = Spring::start(java, &ROWS[1]).await;
    let proxy = FaultProxy::start(spring.http().trim_start_matches("http://")).await;
    let client = Client::new(&spring.settings_at(&proxy.address().to_string()), &spring.token());
    let mut running = run_live(&client).await;
    proxy.set(Faults { hole_to_client: true, hole_to_server: true, ..Faults::default() }).await;
    running.event("the lost connection", is_lost).await;
    proxy.heal().await;
    running.state("live").await;
    wait_until_subscribed(&spring, &mut running, Audience::Personal, "healed").await;
    assert_never_asked(&mut running);
}

async fn broker_away(java: &Arc<Java>) {
    let relay = Relay::start(java).await;
    let client = Client::new(&relay.settings(), &relay.token());
    let mut running = run_live(&client).await;
    relay.broker().stop().await;
    running.event("the lost connection", is_lost).await;
    running.event("the relay's own words", |event| text(event, "reason").contains("roker")).await;
    relay.broker().start_again().await;
    running.state("live").await;
    wait_until_subscribed(&relay, &mut running, Audience::Personal, "back").await;
    assert_never_asked(&mut running);
}
