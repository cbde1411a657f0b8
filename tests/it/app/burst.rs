//! Thousands of notices at once.

use std::sync::Arc;

use harness::FakeBroker;
use harness::desktop::{Parts, RecordedCall, Recorder};
use serde_json::json;
use stomp::Command;
use tokio::sync::Notify;

use super::{ALICE, Desk};
use crate::fixtures::settings;

/// How many arrive.
const NOTICES: usize = 5_000;
/// `notifications.burst`: more than so many in a second are one summary.
const SINGLES: usize = 5;
/// The most elements that the page may have, however many notices there are.
const ELEMENTS: u64 = 1_500;

#[tokio::test]
async fn five_thousand_notices_are_one_summary_and_the_page_stays_as_small_as_before() {
    let begin = Arc::new(Notify::new());
    let begun = Arc::clone(&begin);
    let broker = FakeBroker::start(move |_, mut wire| {
        let begun = Arc::clone(&begun);
        async move {
            wire.welcome().await;
            let subscribe = wire.serve_until(Command::Subscribe).await;
            let subscription = subscribe.header("id").expect("an id").into_owned();
            begun.notified().await;
            for number in 1..=NOTICES {
                let body = json!({"id": format!("n-{number}"), "title": format!("Notice {number}"), "content": "text"});
                wire.message(&subscription, &number.to_string(), body.to_string()).await;
            }
            wire.serve().await;
        }
    })
    .await;
    let settings = settings(&broker.url(), ALICE, &["destination = \"/queue/test\""], "");
    let parts = Parts { popups: false, ..Parts::ALL };
    let Some(desk) = Desk::with(parts, &settings, "token").await else { return };
    let mut service = Recorder::start(desk.desktop.bus(), &["actions", "body"]);
    let Some(mut page) = desk.open(&[]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;

    begin.notify_one();
    let last = format!("{NOTICES} unread");
    desk.desktop.tray().wait_for(&last).await;
    page.wait_until(&format!("document.body.textContent.includes('Notice {NOTICES}')")).await;
    let elements = page.run("return document.getElementsByTagName('*').length", json!([])).await;
    assert!(elements.as_u64().expect("a number") <= ELEMENTS, "{elements} elements");

    // The popups: a few single ones, then one summary that is updated until it stands for the rest.
    let (mut singles, mut summaries, mut in_summary) = (0, 0, 0);
    while singles + in_summary < NOTICES {
        match service.call().await {
            RecordedCall::Notify(popup) if popup.title.starts_with("Notice ") => {
                assert_eq!(popup.replaces, 0, "{popup:?}");
                singles += 1;
            }
            RecordedCall::Notify(popup) => {
                summaries += usize::from(popup.replaces == 0);
                let count = popup.title.split(' ').next().and_then(|count| count.parse().ok());
                in_summary = count.unwrap_or_else(|| panic!("no summary: {popup:?}"));
            }
            RecordedCall::Close(number) => panic!("{number} was closed"),
        }
    }
    assert_eq!((singles, summaries), (SINGLES, 1));
    assert!(service.is_quiet());
}
