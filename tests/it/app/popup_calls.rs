//! What the app asks of a notification service, call by call: a recording one takes the place of a
//! desktop's own.

use harness::api::Answer;
use harness::desktop::{Parts, RecordedPopup, Recorder};
use harness::http::{Response, post};
use harness::proxy::Faults;
use harness::webdriver::Target;
use harness::{FakeApi, FaultProxy, Pushd, Running, Wire};
use jiff::{SignedDuration, Zoned};
use serde_json::{Value, json};

use super::{ALICE, Desk, pushd};
use crate::fixtures::{api, pushd_settings, settings};

/// A desktop whose notification service the test brings.
const PARTS: Parts = Parts { popups: false, ..Parts::ALL };
const EVERYTHING: &[&str] = &["actions", "body", "body-markup"];

/// What a notice of these tests is sent as.
fn message(id: &str, title: &str, more: &Value) -> Value {
    let mut message = json!({"id": id, "title": title, "content": "5 < 6", "type": "1", "receiver": [ALICE]});
    for (name, value) in more.as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
    message
}

async fn send(desk: &Desk, pushd: &Pushd, id: &str, title: &str, more: Value) {
    pushd.call(&desk.person.token, "sendMessage", &message(id, title, &more)).await;
}

#[tokio::test]
async fn what_arrives_before_there_is_a_service_is_shown_once_when_one_has_started() {
    let pushd = pushd().await;
    let Some(desk) = Desk::in_parts(PARTS, &pushd).await else { return };
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    send(&desk, &pushd, "early", "Early", json!({})).await;
    desk.desktop.tray().wait_for("1 unread").await;
    app.says("no notification service").await;
    let mut service = Recorder::start(desk.desktop.bus(), EVERYTHING);
    assert_eq!(service.notify().await.title, "Early");
    send(&desk, &pushd, "later", "Later", json!({})).await;
    assert_eq!(service.notify().await.title, "Later", "and nothing a second time");
}

#[tokio::test]
async fn a_service_gets_what_it_can_show_also_after_another_has_taken_its_place() {
    let pushd = pushd().await;
    let address = format!("{}/demo/expenses", pushd.http());
    let settings = format!("{}\n[app]\naction_urls = [\"{address}\"]\n", pushd_settings(&pushd, ALICE));
    let token = pushd.login(ALICE, "secret").await;
    let Some(desk) = Desk::with(PARTS, &settings, &token).await else { return };
    let approve = json!([{"id": "ok", "label": "Approve", "url": format!("{address}/1/approve")}]);
    let open = |version: u32| json!({"state": "open", "version": version, "actions": approve});

    let mut app = None;
    for (number, (capabilities, body, has_buttons)) in
        [(&["body"][..], "5 < 6", false), (&[], "5 < 6", false), (EVERYTHING, "5 &lt; 6", true)].into_iter().enumerate()
    {
        let mut service = Recorder::start(desk.desktop.bus(), capabilities);
        if number == 0 {
            app = desk.start(&["--hidden"]).await;
            if app.is_none() {
                return;
            }
            desk.desktop.tray().wait_for("Connected").await;
        } else {
            // The popup of the service before has gone with it: an update would be a second popup.
            send(&desk, &pushd, &format!("left-{}", number - 1), "Changed", open(2)).await;
        }
        let id = format!("expense-{number}");
        send(&desk, &pushd, &id, "Expense <1>", open(1)).await;
        let single = service.notify().await;
        assert_eq!((single.title.as_str(), single.body.as_str(), single.replaces), ("Expense <1>", body, 0));
        assert_eq!((single.urgency(), single.expire_ms, single.icon.as_str()), (1, -1, "belfry"));
        assert_eq!((single.text_hint("category"), single.text_hint("desktop-entry")), ("x-belfry.notice", "belfry"));
        assert_eq!(single.buttons(), if has_buttons { vec!["Approve"] } else { vec![] });
        assert_eq!(single.actions.is_empty(), !has_buttons, "some services show a dialog for any action");

        send(&desk, &pushd, &id, "Expense <2>", open(2)).await;
        let update = service.notify().await;
        assert_eq!((update.title.as_str(), update.replaces), ("Expense <2>", single.number));
        assert_eq!(update.buttons(), single.buttons());
        send(&desk, &pushd, &id, "Expense <2>", json!({"state": "decided", "version": 3})).await;
        assert_eq!(service.closed().await, single.number);

        send(&desk, &pushd, &format!("left-{number}"), "Left", open(1)).await;
        assert_eq!(service.notify().await.title, "Left");
    }
    drop(app);
}

#[tokio::test]
async fn one_absence_is_one_summary_without_buttons() {
    let pushd = pushd().await;
    let settings = format!("{}\n[notifications]\nburst = 2\n", pushd_settings(&pushd, ALICE));
    let token = pushd.login(ALICE, "secret").await;
    let Some(desk) = Desk::with(PARTS, &settings, &token).await else { return };
    let mut service = Recorder::start(desk.desktop.bus(), EVERYTHING);
    for title in ["First", "Second", "Third"] {
        desk.send(&pushd, title, "text").await;
    }
    let Some(_app) = desk.start(&["--hidden"]).await else { return };
    let summary = service.notify().await;
    assert_eq!((summary.title.as_str(), summary.replaces), ("3 new notices", 0));
    assert_eq!(summary.body, "alice: Third\nalice: Second\nalice: First");
    assert_eq!(summary.actions, ["default", "Open"]);
}

#[tokio::test]
async fn in_quiet_hours_only_what_is_urgent_is_shown_and_it_stays() {
    let pushd = pushd().await;
    let hour = |hours: i64| (Zoned::now() + SignedDuration::from_hours(hours)).strftime("%H:%M").to_string();
    let all_week = format!(
        "quiet_hours = {{ from = \"{}\", to = \"{}\", allow = \"urgent\", days = [\"mon\", \"tue\", \"wed\", \
         \"thu\", \"fri\", \"sat\", \"sun\"] }}",
        hour(-2),
        hour(2)
    );
    let settings = format!("{}\n[notifications]\n{all_week}\n", pushd_settings(&pushd, ALICE));
    let token = pushd.login(ALICE, "secret").await;
    let Some(desk) = Desk::with(PARTS, &settings, &token).await else { return };
    let mut service = Recorder::start(desk.desktop.bus(), EVERYTHING);
    let Some(_app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    send(&desk, &pushd, "1", "Lunch", json!({})).await;
    send(&desk, &pushd, "2", "Fire", json!({"priority": "urgent"})).await;
    let shown = service.notify().await;
    assert_eq!((shown.title.as_str(), shown.urgency(), shown.expire_ms), ("Fire", 2, 0));
    desk.desktop.tray().wait_for("2 unread").await;
    assert!(service.is_quiet());
}

/// The requests that the server has sent to a person of the demo.
async fn requests(pushd: &Pushd, person: &str) -> usize {
    let token = pushd.login(person, "demo").await;
    let page = pushd.call(&token, "getMessagePage", &json!({"pageNum": 1, "pageSize": 100})).await;
    let is_request = |record: &&Value| record["id"].as_str().is_some_and(|id| id.ends_with(&format!("-{person}")));
    page["records"].as_array().expect("records").iter().filter(is_request).count()
}

/// The demo's supervisor at a desk whose notification service records, with the employee who files
/// expenses.
struct Demo {
    pushd: Pushd,
    employee: String,
    supervisor: String,
    /// Where expenses are filed and decided.
    expenses: String,
    /// What the session goes through: it can be cut, and the requests of buttons still reach the
    /// server.
    session: FaultProxy,
    /// Another way to the server, which buttons may use.
    detour: FaultProxy,
    service: Recorder,
    _app: Running,
    _desk: Desk,
}

impl Demo {
    async fn start() -> Option<Self> {
        let pushd = Pushd::start(["--demo"]).await;
        let (employee, supervisor) = (pushd.login("employee", "demo").await, pushd.login("supervisor", "demo").await);
        let expenses = format!("{}/demo/expenses", pushd.http());
        let server = pushd.http().trim_start_matches("http://");
        let (session, detour) = (FaultProxy::start(server).await, FaultProxy::start(server).await);
        let more = format!(
            "{}\n[app]\naction_urls = [\"{expenses}\", \"http://{}/demo/expenses\"]\n",
            api(&format!("http://{}/ecgapi", session.address())),
            detour.address()
        );
        let endpoint = format!("ws://{}/ws", session.address());
        let settings = settings(&endpoint, "supervisor", &["destination = \"/user/queue/notices\""], &more);
        let desk = Desk::with(PARTS, &settings, &supervisor).await?;
        let service = Recorder::start(desk.desktop.bus(), EVERYTHING);
        let app = desk.start(&["--hidden"]).await?;
        desk.desktop.tray().wait_for("Connected").await;
        Some(Self { pushd, employee, supervisor, expenses, session, detour, service, _app: app, _desk: desk })
    }

    /// The employee files an expense; its id.
    async fn file(&self) -> String {
        let filed = json!({"what": "Taxi", "amount": "12 EUR"});
        let (status, answer) = post(&self.expenses, Some(&self.employee), &filed).await.expect("an answer");
        assert_eq!(status, 200, "{answer}");
        answer["data"]["id"].as_str().expect("an id").to_owned()
    }

    /// Presses Approve; the question that follows.
    async fn press_approve(&mut self, alert: &RecordedPopup) -> RecordedPopup {
        self.service.press(alert, "Approve");
        let question = self.service.notify().await;
        assert_eq!(question.buttons(), ["Confirm", "Cancel"]);
        question
    }

    /// The session ends and does not come back.
    async fn cut_session(&self) {
        self.session.set(Faults { refuse: true, ..Faults::default() }).await;
        self.session.cut().await;
    }

    /// How many decisions about an expense the server's log has, of those that were made before.
    async fn decisions(&mut self, expense: &str) -> usize {
        // The log is read as it comes: once it has another session, it has all that was before it.
        let is_session = |line: &&str| line.contains("stomp session begins") && line.contains("employee");
        let sessions = |log: &str| log.lines().filter(is_session).count();
        let before = sessions(&self.pushd.running.stderr());
        Wire::connect(self.pushd.stomp()).await.sign_in("employee", &self.employee, "/").await;
        self.pushd.running.stderr_until("that a session begins", |log| sessions(log) > before).await;
        let log = self.pushd.running.stderr();
        log.lines().filter(|line| line.contains("expense decided") && line.contains(expense)).count()
    }
}

#[tokio::test]
async fn the_demos_chain_is_decided_from_popups_and_every_confirmation_has_one_effect_or_none() {
    let Some(mut demo) = Demo::start().await else { return };

    // Confirmed twice: one effect, and the person reads what came of it.
    let id = demo.file().await;
    let alert = demo.service.notify().await;
    assert_eq!(alert.buttons(), ["Approve", "Reject"]);
    let question = demo.press_approve(&alert).await;
    let request = format!("POST {}\n/demo/expenses/{id}/approve", demo.pushd.http());
    assert!(question.body.contains(&request), "{question:?}");
    demo.service.press(&question, "Confirm");
    demo.service.press(&question, "Confirm");
    let result = demo.service.notify().await;
    assert!(result.body.starts_with("Approve: done, "), "{result:?}");
    assert_eq!((demo.decisions(&id).await, requests(&demo.pushd, "manager").await), (1, 1));

    // Cancelled: none.
    let id = demo.file().await;
    let alert = demo.service.notify().await;
    demo.service.press(&alert, "Reject");
    let question = demo.service.notify().await;
    assert!(question.body.contains("The message asks: "), "{question:?}");
    demo.service.press(&question, "Cancel");
    assert_eq!(demo.decisions(&id).await, 0);

    // Decided elsewhere while the session is cut: none, and the server's words are shown.
    let id = demo.file().await;
    let alert = demo.service.notify().await;
    let question = demo.press_approve(&alert).await;
    demo.cut_session().await;
    let reject = format!("{}/{id}/reject", demo.expenses);
    let (status, answer) = post(&reject, Some(&demo.supervisor), &json!({})).await.expect("an answer");
    assert_eq!(status, 200, "{answer}");
    demo.service.press(&question, "Confirm");
    let result = demo.service.notify().await;
    let said = "409: supervisor has rejected this already";
    assert!(result.body.starts_with("Approve: not carried out, ") && result.body.ends_with(said), "{result:?}");
    assert_eq!(demo.decisions(&id).await, 1, "the rejection");
    assert_eq!(requests(&demo.pushd, "manager").await, 1, "the first approval, and no other");
}

#[tokio::test]
async fn a_decision_whose_answer_is_lost_has_its_effect_once_and_the_person_reads_that_it_is_not_known() {
    let Some(mut demo) = Demo::start().await else { return };
    let id = demo.file().await;
    let shown = demo.service.notify().await;
    // Its sender points the button at the other way to the server.
    let address = format!("http://{}/demo/expenses/{id}/approve", demo.detour.address());
    let changed = json!({"id": format!("expense-{id}-supervisor"), "title": "Taxi", "content": "12 EUR", "type": "1",
        "receiver": ["supervisor"], "state": "open", "version": 99,
        "actions": [{"id": "approve", "label": "Approve", "url": address}]});
    demo.pushd.call(&demo.employee, "sendMessage", &changed).await;
    let alert = demo.service.notify().await;
    assert_eq!(alert.replaces, shown.number, "an update");
    let question = demo.press_approve(&alert).await;
    demo.cut_session().await;
    demo.detour.set(Faults { cut_to_client_after: Some(1), ..Faults::default() }).await;
    demo.service.press(&question, "Confirm");
    let result = demo.service.notify().await;
    let said = "Whether it was carried out is not known.";
    assert!(result.body.starts_with("Approve: sent ") && result.body.contains(said), "{result:?}");
    assert_eq!((demo.decisions(&id).await, requests(&demo.pushd, "manager").await), (1, 1));
    assert_eq!(demo.detour.accepted(), 1, "nothing is sent again");
}

#[tokio::test]
async fn a_token_that_ends_between_question_and_answer_decides_nothing_and_the_person_reads_why() {
    let Some(mut demo) = Demo::start().await else { return };
    let id = demo.file().await;
    let alert = demo.service.notify().await;
    let question = demo.press_approve(&alert).await;
    let logout = format!("{}/logout", demo.pushd.http());
    let (status, answer) = post(&logout, Some(&demo.supervisor), &json!({})).await.expect("an answer");
    assert_eq!(status, 200, "{answer}");
    demo.service.press(&question, "Confirm");
    let result = demo.service.notify().await;
    assert!(result.body.starts_with("Approve: not carried out, ") && result.body.contains("401"), "{result:?}");
    assert_eq!((demo.decisions(&id).await, requests(&demo.pushd, "manager").await), (0, 0));
}

/// The end of the address that the button Approve calls, at a service that the test scripts.
const APPROVE: &str = "approve";

#[tokio::test]
async fn a_decision_answered_with_500_is_sent_once_and_can_be_repeated_under_the_same_key() {
    let pushd = pushd().await;
    let service = FakeApi::start().await;
    let decisions = format!("{}/decisions", service.url());
    let settings = format!("{}\n[app]\naction_urls = [\"{decisions}\"]\n", pushd_settings(&pushd, ALICE));
    let token = pushd.login(ALICE, "secret").await;
    let Some(desk) = Desk::with(PARTS, &settings, &token).await else { return };
    let mut popups = Recorder::start(desk.desktop.bus(), EVERYTHING);
    let Some(mut page) = desk.open(&[]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    let actions = json!([{"id": "ok", "label": "Approve", "url": format!("{decisions}/7/{APPROVE}")}]);
    send(&desk, &pushd, "7", "Expense 7", json!({"state": "open", "actions": actions})).await;

    // In the popup: confirmed, and the server fails.
    let alert = popups.notify().await;
    popups.press(&alert, "Approve");
    let question = popups.notify().await;
    service.next(APPROVE, Answer::Instead(Response::json(500, &json!({"message": "the disk is full"}))));
    popups.press(&question, "Confirm");
    let result = popups.notify().await;
    let (sentence, answer) = result.body.split_once('\n').expect("two lines");
    assert!(sentence.starts_with("Approve: sent "), "{result:?}");
    assert!(sentence.ends_with("Whether it was carried out is not known."), "{result:?}");
    assert_eq!(answer, "500: the disk is full");
    assert_eq!(service.requests(APPROVE).len(), 1, "nothing is sent again without being asked for");

    // In the window: the notice says the same, and still offers the button.
    page.click(Target::Text("Expense 7")).await;
    let article = page.see(Target::Role("article", "Expense 7")).await;
    assert!(article.contains("Whether it was carried out is not known.") && article.contains(answer), "{article}");
    service.next(APPROVE, Answer::Instead(Response::json(200, &json!({"message": "approved"}))));
    page.click(Target::Role("button", "Approve")).await;
    page.click(Target::Css("dialog button.main, dialog button.danger")).await;
    page.see(Target::Text("Approve: done")).await;
    let requests = service.requests(APPROVE);
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key")).collect();
    assert!(keys.len() == 2 && keys[0].is_some() && keys[0] == keys[1], "one repetition, known by its key: {keys:?}");
    assert!(popups.is_quiet());
}
