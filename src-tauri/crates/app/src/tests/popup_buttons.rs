//! The buttons of popups, from the notification service to the server.

use belfry_core::ports::{Popup, PopupId, PopupKind};
use harness::FakeApi;
use harness::api::Answer;
use harness::http::Response;
use serde_json::{Value, json};

use super::actions::{APPROVE, confirm, notice, world_with};
use super::world::{Asked, Did, World};
use crate::Request;
use crate::ipc::{CommandErrorCode, Update};

type Shown = (Popup, PopupId);

fn approve(base: &str) -> Value {
    json!([
        {"id": "ok", "label": "Approve", "url": format!("{base}/{APPROVE}"), "confirm": "Approve 12 EUR?"},
        {"id": "look", "label": "Look", "url": format!("{base}/elsewhere")},
        {"id": "api", "label": "Show photo", "url": format!("{base}/ecgapi/api/message/deleteMessageById")},
    ])
}

/// The popup's buttons, as a person reads them.
fn labels(popup: &Popup) -> Vec<&str> {
    popup.buttons.iter().map(|button| button.label.as_str()).collect()
}

/// Presses Approve; the question that follows.
async fn question(world: &mut World, alert: &Shown) -> Shown {
    world.press(alert, "Approve");
    let question = world.popup().await;
    assert_eq!((question.0.kind, labels(&question.0)), (PopupKind::Question, vec!["Confirm", "Cancel"]));
    question
}

/// Confirms; what is said of it.
async fn confirmed(world: &mut World, question: &Shown) -> String {
    world.press(question, "Confirm");
    assert_eq!(world.asked().await, Asked::Retract(question.1.clone()));
    let (popup, _) = world.popup().await;
    assert_eq!((popup.kind, popup.title.as_str()), (PopupKind::Result, "Expense 7"));
    popup.body
}

fn sent(service: &FakeApi) -> usize {
    service.requests(APPROVE).len()
}

#[tokio::test]
async fn a_button_asks_in_a_second_popup_and_is_sent_once_with_the_sign_in_when_confirmed() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    assert_eq!(labels(&alert.0), ["Approve", "Look"], "no button that may do nothing");
    let question = question(&mut world, &alert).await;
    assert_eq!(question.0.title, "Approve?");
    let body = question.0.body.lines().collect::<Vec<_>>();
    assert_eq!(body[0], "Expense 7");
    assert_eq!(
        body[2..],
        [format!("POST {}", service.url()), format!("/{APPROVE}"), "The message asks: Approve 12 EUR?".to_owned()]
    );
    assert_eq!(sent(&service), 0, "nothing is sent unasked");

    service.next(APPROVE, Answer::Instead(Response::json(200, &json!({"msg": "approved"}))));
    let said = confirmed(&mut world, &question).await;
    assert!(said.starts_with("Approve: done, ") && said.ends_with("approved"), "{said}");
    assert_eq!(notice(&world).await.unwrap()["actionResult"]["outcome"], "done", "it is kept on the notice too");
    // A second press on the same button of the question comes too late.
    world.press(&question, "Confirm");
    world.wait_for(|did| matches!(did, Did::Window)).await;
    let requests = service.requests(APPROVE);
    assert_eq!(requests.len(), 1);
    assert_eq!((&requests[0].body, requests[0].method.as_str()), (&json!({"id": "7", "action": "ok"}), "POST"));
    assert_eq!(requests[0].header("authorization"), Some("Bearer secret"));
    assert!(requests[0].header("idempotency-key").is_some());
}

#[tokio::test]
async fn what_the_server_says_is_shown_and_nothing_is_repeated() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    let answers = [
        (
            Answer::Instead(Response::json(409, &json!({"message": "already decided by bob"}))),
            "not carried out",
            "409: already decided by bob",
        ),
        (Answer::Instead(Response::json(500, &Value::Null)), "not known", "500"),
        (
            Answer::Instead(Response::json(401, &json!({"msg": "sign in first"}))),
            "not carried out",
            "\nThe server refused the sign-in. 401: sign in first",
        ),
        (Answer::Lost, "not known", "\nThe connection was lost. 127.0.0.1:"),
    ];
    let mut before = String::new();
    for (number, (answer, outcome, detail)) in answers.into_iter().enumerate() {
        let question = question(&mut world, &alert).await;
        // The question says what came of the button before.
        assert!(question.0.body.ends_with(&before), "{}", question.0.body);
        service.next(APPROVE, answer);
        let said = confirmed(&mut world, &question).await;
        assert!(said.contains(outcome) && said.contains(detail), "{said}");
        assert_eq!(sent(&service), number + 1);
        before = said.lines().next().unwrap_or_default().to_owned();
    }
}

#[tokio::test]
async fn cancel_sends_nothing_and_a_second_press_takes_the_first_question_back() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    let first = question(&mut world, &alert).await;
    world.press(&alert, "Approve");
    // The first goes and the second comes in either order.
    let (mut gone, mut second) = (None, None);
    for asked in [world.asked().await, world.asked().await] {
        match asked {
            Asked::Retract(popup) => gone = Some(popup),
            Asked::Show(popup, id) => second = Some((*popup, id)),
        }
    }
    assert_eq!(gone.as_ref(), Some(&first.1), "there is one question at a time");
    let second = second.unwrap();
    world.press(&second, "Cancel");
    assert_eq!(world.asked().await, Asked::Retract(second.1.clone()));
    world.press(&second, "Confirm");
    world.wait_for(|did| matches!(did, Did::Window)).await;
    assert_eq!(sent(&service), 0);
}

#[tokio::test]
async fn a_button_that_leads_elsewhere_is_opened_in_the_browser_or_not_offered() {
    let (mut world, service, _broker) = world_with(|base| {
        json!([
            {"id": "look", "label": "Look", "url": format!("{base}/elsewhere")},
            {"id": "evil", "label": "Photo", "url": "https://evil.example.org/approvals/7"},
            {"id": "script", "label": "Script", "url": "javascript:alert(1)"},
        ])
    })
    .await;
    let alert = world.popup().await;
    assert_eq!(labels(&alert.0), ["Look"]);
    world.press(&alert, "Look");
    world.opened().await;
    assert!(service.requests("elsewhere").is_empty());
}

#[tokio::test]
async fn a_button_that_the_settings_have_come_to_forbid_says_so() {
    let (mut world, service, _broker) = world_with(|base| {
        let [call, look] = [APPROVE, "elsewhere"].map(|path| format!("{base}/{path}"));
        json!([{"id": "ok", "label": "Approve", "url": call}, {"id": "look", "label": "Look", "url": look}])
    })
    .await;
    let alert = world.popup().await;
    assert_eq!(labels(&alert.0), ["Approve", "Look"]);
    let values = json!({
        "app.allowed_link_hosts": ["elsewhere.example.com"],
        // The button's path becomes one of Belfry's own.
        "api.delete": format!("/{APPROVE}"), "api.base": service.url(), "app.action_urls": []
    });
    let (mut listener, Value::Object(values)) = (world.listener(), values) else { panic!("not an object") };
    world.app.ask(|reply| Request::SaveSettings { values, reply }).await.unwrap();
    listener.changed().await.unwrap();
    for (button, said) in [
        ("Approve", "Approve: nothing was sent, because the settings do not allow this request."),
        ("Look", "Look: not opened, because IT does not allow this address."),
    ] {
        world.press(&alert, button);
        assert_eq!(world.popup().await.0.body, said);
    }
    assert_eq!(sent(&service), 0);
}

#[tokio::test]
async fn a_press_that_is_quicker_than_the_answer_of_the_service_counts() {
    let (mut world, service, _broker) = world_with(approve).await;
    world.popup().await;
    world.press_next_at_once();
    service.record([json!({"id": "8", "title": "Expense 8", "actions": approve(&service.url())})]);
    world.app.send(Request::TryNow { reply: tokio::sync::oneshot::channel().0 });
    // The question may come up before the service has answered for the alert.
    let mut popups = [world.popup().await.0, world.popup().await.0];
    popups.sort_by_key(|popup| popup.kind == PopupKind::Question);
    let [alert, question] = popups;
    assert_eq!(alert.title, "Expense 8");
    assert!(question.kind == PopupKind::Question && question.body.starts_with("Expense 8"), "{question:?}");
}

#[tokio::test]
async fn where_popups_show_no_buttons_any_more_the_window_asks() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    world.take_buttons_away();
    world.press(&alert, "Approve");
    let asked = world.update(|update| match update {
        Update::Open { ask, .. } => Some(ask),
        _ => None,
    });
    assert_eq!(asked.await.as_deref(), Some("ok"));
    world.wait_for(|did| matches!(did, Did::Window)).await;
    assert_eq!(sent(&service), 0);
}

#[tokio::test]
async fn once_a_notice_is_settled_its_question_goes_and_its_buttons_do_nothing() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    let question = question(&mut world, &alert).await;
    service.record([json!({"id": "7", "state": "decided", "version": 2})]);
    world.app.send(Request::TryNow { reply: tokio::sync::oneshot::channel().0 });
    let mut retracted = Vec::new();
    while retracted.len() < 2 {
        if let Asked::Retract(popup) = world.asked().await {
            retracted.push(popup);
        }
    }
    assert!(retracted.contains(&alert.1) && retracted.contains(&question.1), "{retracted:?}");
    world.press(&question, "Confirm");
    world.wait_for(|did| matches!(did, Did::Window)).await;
    assert_eq!(sent(&service), 0);
}

#[tokio::test]
async fn once_a_notice_says_something_else_its_question_goes_and_its_old_button_does_nothing() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    let question = question(&mut world, &alert).await;
    let newer = json!({"id": "7", "title": "Expense 7", "content": "99999 EUR", "state": "open", "version": 2,
        "actions": approve(&service.url())});
    service.record([newer]);
    world.app.send(Request::TryNow { reply: tokio::sync::oneshot::channel().0 });
    let (mut retracted, mut said, mut update) = (None, None, None);
    while retracted.is_none() || said.is_none() || update.is_none() {
        match world.asked().await {
            Asked::Retract(popup) => retracted = Some(popup),
            Asked::Show(popup, _) if popup.kind == PopupKind::Result => said = Some(popup.body),
            Asked::Show(popup, id) => update = Some((*popup, id)),
        }
    }
    assert_eq!(retracted, Some(question.1.clone()));
    let (said, update) = (said.unwrap(), update.unwrap());
    assert!(said.starts_with("Nothing was sent."), "{said}");
    world.press(&question, "Confirm");
    world.wait_for(|did| matches!(did, Did::Window)).await;
    let old_button = (alert.0, update.1.clone());
    world.press(&old_button, "Approve");
    assert_eq!(world.popup().await.0.body, said, "that button stood for the old text");
    assert_eq!(sent(&service), 0);

    let question = super::popup_buttons::question(&mut world, &update).await;
    service.next(APPROVE, Answer::Instead(Response::json(200, &Value::Null)));
    assert!(confirmed(&mut world, &question).await.starts_with("Approve: done"));
    assert_eq!(sent(&service), 1);
}

#[tokio::test]
async fn two_presses_at_once_leave_one_question() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    world.press(&alert, "Approve");
    world.press(&alert, "Approve");
    let (mut gone, mut questions) = (None, Vec::new());
    for asked in [world.asked().await, world.asked().await, world.asked().await] {
        match asked {
            Asked::Retract(popup) => gone = Some(popup),
            Asked::Show(popup, id) => questions.push((*popup, id)),
        }
    }
    questions.retain(|(_, id)| gone.as_ref() != Some(id));
    let [question] = &questions[..] else { panic!("{questions:?}") };
    confirmed(&mut world, question).await;
    assert_eq!(sent(&service), 1);
}

#[tokio::test]
async fn one_button_of_a_notice_is_carried_out_at_a_time() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    let question = question(&mut world, &alert).await;
    service.next(APPROVE, Answer::Silence);
    world.press(&question, "Confirm");
    service.wait_for_requests(APPROVE, 1).await;
    assert_eq!(confirm(&world, "ok").await.unwrap_err().code, CommandErrorCode::Busy);
    let again = super::popup_buttons::question(&mut world, &alert).await;
    assert!(again.0.body.contains("not known"), "{}", again.0.body);
    world.press(&again, "Confirm");
    // The question goes and its answer comes in either order.
    let asked = [world.asked().await, world.asked().await];
    assert!(asked.contains(&Asked::Retract(again.1.clone())), "{asked:?}");
    let is_refused =
        |asked: &Asked| matches!(asked, Asked::Show(popup, _) if popup.body.contains("is being carried out"));
    assert!(asked.iter().any(is_refused), "{asked:?}");
    assert_eq!(sent(&service), 1);
}

#[tokio::test]
async fn nothing_that_was_asked_can_be_confirmed_after_the_settings_have_changed() {
    let (mut world, service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    let question = question(&mut world, &alert).await;
    let values = serde_json::Map::from_iter([("app.action_urls".to_owned(), json!([]))]);
    let mut listener = world.listener();
    world.app.ask(|reply| Request::SaveSettings { values, reply }).await.unwrap();
    while world.asked().await != Asked::Retract(question.1.clone()) {}
    // Between two engines no one hears a press.
    listener.changed().await.unwrap();
    world.press(&question, "Confirm");
    world.wait_for(|did| matches!(did, Did::Window)).await;
    assert_eq!(sent(&service), 0);
}

#[tokio::test]
async fn the_desktops_permission_to_take_the_focus_comes_from_the_click_and_only_for_the_window() {
    let (mut world, _service, _broker) = world_with(approve).await;
    let alert = world.popup().await;
    // A question needs no window, so the permission is not used.
    world.press_with(&alert, "Approve", Some("unused"));
    let question = world.popup().await;
    world.press_with(&alert, "default", Some("token-1"));
    world.wait_for(|did| matches!(did, Did::Focus(token) if token == "token-1")).await;
    world.wait_for(|did| matches!(did, Did::Window)).await;
    world.press(&question, "Cancel");
    world.take_buttons_away();
    world.press_with(&alert, "Approve", Some("token-2"));
    world.wait_for(|did| matches!(did, Did::Focus(token) if token == "token-2")).await;
}
