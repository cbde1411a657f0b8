//! Addresses of the app: anybody can write one, so that it shows what is there and does nothing else.

use belfry_core::app_link::{AppLink, NoticeLink};
use belfry_core::ports::Popup;
use harness::FakeApi;
use serde_json::{Value, json};

use super::actions::{APPROVE, notice, world_with};
use super::world::{Did, World};
use crate::ipc::Update;
use crate::{Request, WindowToken};

fn buttons(base: &str) -> Value {
    json!([
        {"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}")},
        {"id": "look", "label": "Look", "url": format!("{base}/elsewhere")},
        {"id": "api", "label": "Show photo", "url": format!("{base}/ecgapi/api/message/deleteMessageById")},
    ])
}

fn open(world: &World, id: &str, scope: Option<&str>, button: Option<&str>) {
    let (scope, button) = (scope.map(str::to_owned), button.map(str::to_owned));
    let link = AppLink::Notice(NoticeLink { id: id.to_owned(), scope, button });
    world.app.send(Request::OpenAddress { link, window: Some(WindowToken(None)) });
}

/// Waits for the window, and returns what it asks to confirm. Nothing else may be done.
async fn asked(world: &mut World) -> Option<String> {
    let ask = world.update(|update| match update {
        Update::Open { ask, .. } => Some(ask),
        _ => None,
    });
    let ask = ask.await;
    is_only_shown(world).await;
    ask
}

async fn is_only_shown(world: &mut World) {
    loop {
        match world.did().await {
            Did::Window => return,
            Did::Url(url) => panic!("opened {url}"),
            _ => {}
        }
    }
}

fn key(popup: &Popup, label: &str) -> String {
    popup.buttons.iter().find(|button| button.label == label).unwrap().key.clone()
}

fn nothing_was_sent(service: &FakeApi) -> bool {
    ["approve", "elsewhere", "deleteMessageById"].iter().all(|path| service.requests(path).is_empty())
}

#[tokio::test]
async fn a_button_in_an_address_is_asked_about_in_the_window_and_does_nothing_by_itself() {
    let (mut world, service, _broker) = world_with(buttons).await;
    let (alert, _) = world.popup().await;
    let (approve, look) = (key(&alert, "Approve"), key(&alert, "Look"));
    open(&world, "7", None, Some(&approve));
    assert_eq!(asked(&mut world).await.as_deref(), Some("ok"));
    open(&world, "7", Some(""), Some(&look));
    assert_eq!(asked(&mut world).await.as_deref(), Some("look"), "the browser is not opened");

    service.record([json!({"id": "7", "title": "Expense 7", "state": "decided", "version": 2})]);
    world.app.send(Request::TryNow { reply: tokio::sync::oneshot::channel().0 });
    while notice(&world).await.unwrap()["state"] != "decided" {
        world.update(Some).await;
    }
    open(&world, "7", None, Some(&approve));
    assert_eq!(asked(&mut world).await, None, "a decided notice asks nothing");
    assert!(nothing_was_sent(&service));
}

#[tokio::test]
async fn an_address_of_something_that_is_not_there_shows_what_is_there() {
    let (mut world, service, _broker) = world_with(buttons).await;
    let (alert, _) = world.popup().await;
    let approve = key(&alert, "Approve");
    for (id, scope) in [("8", None), ("7", Some("elsewhere"))] {
        open(&world, id, scope, Some(&approve));
        is_only_shown(&mut world).await;
    }
    world.app.send(Request::OpenAddress { link: AppLink::Inbox, window: Some(WindowToken(None)) });
    is_only_shown(&mut world).await;
    let unknown = format!("button-{}", "0".repeat(32));
    open(&world, "7", None, Some(&unknown));
    assert_eq!(asked(&mut world).await, None, "the first address of these that names a notice");
    open(&world, "7", Some(""), None);
    assert_eq!(asked(&mut world).await, None);
    assert!(nothing_was_sent(&service));
}
