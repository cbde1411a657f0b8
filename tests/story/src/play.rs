//! The story itself: what happens to the supervisor, and a picture of each step.
//!
//! Each step waits for what it shows: the popup on the bus, the words of the tray, the window in front.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::texts::Language;
use harness::desktop::Desktop;
use harness::program::EVENT_TIMEOUT;
use harness::proxy::Faults;
use harness::{FaultProxy, Home, Pushd, Running, http};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

use crate::report::Scene;

/// Between two looks at something that says nothing when it changes: the drawn screen, dunst's count.
const LOOK: Duration = Duration::from_millis(250);
/// A screen that still changes after so many looks (a blinking caret) is taken as it is.
const LOOKS: usize = 12;

/// What the people of the story write.
struct Script {
    first: [&'static str; 2],
    while_away: [[&'static str; 2]; 6],
    last: [&'static str; 2],
    search: &'static str,
}

const ENGLISH: Script = Script {
    first: ["Team offsite, train and hotel", "480.00 EUR"],
    while_away: [
        ["Taxi to the airport", "38.50 EUR"],
        ["Conference ticket", "620.00 EUR"],
        ["Replacement headset", "89.90 EUR"],
        ["Client dinner", "214.00 EUR"],
        ["Train to Vienna", "129.00 EUR"],
        ["Printer paper", "45.20 EUR"],
    ],
    last: ["New office chair", "310.00 EUR"],
    search: "report",
};

const CHINESE: Script = Script {
    first: ["团队团建交通与住宿", "3,800.00 元"],
    while_away: [
        ["机场出租车", "138.50 元"],
        ["会议门票", "1,620.00 元"],
        ["更换耳机", "389.00 元"],
        ["客户晚餐", "914.00 元"],
        ["去维也纳的火车票", "829.00 元"],
        ["打印纸", "145.20 元"],
    ],
    last: ["新办公椅", "1,310.00 元"],
    search: "报告",
};

/// The supervisor's desktop with the app on it, and the server it is signed in to.
pub(crate) struct Stage {
    // Dropped in this order: the app goes before its screen, the line before its server.
    app: Running,
    desktop: Desktop,
    line: FaultProxy,
    pushd: Pushd,
    _home: Home,
    language: Language,
    pictures: PathBuf,
    scenes: UnboundedSender<Scene>,
    employee: String,
    supervisor: String,
}

/// Plays it. `None`, with a loud skip, where the machine lacks something for it.
pub(crate) async fn play(language: Language, pictures: PathBuf, scenes: UnboundedSender<Scene>) -> Option<Stage> {
    let script = match language {
        Language::English => ENGLISH,
        Language::Chinese => CHINESE,
    };
    let mut stage = Stage::set(language, pictures, scenes).await?;
    stage.tell(&script).await;
    Some(stage)
}

impl Stage {
    async fn set(language: Language, pictures: PathBuf, scenes: UnboundedSender<Scene>) -> Option<Self> {
        let desktop = Desktop::start().await?;
        let pushd = Pushd::start(["--demo"]).await;
        let host = pushd.http().strip_prefix("http://").expect("plain HTTP on loopback").to_owned();
        let line = FaultProxy::start(host).await;
        let (employee, supervisor) = (pushd.login("employee", "demo").await, pushd.login("supervisor", "demo").await);
        let home = Home::new(&format!(
            r#"[server]
endpoints = ["ws://{line}/ws"]

[[server.subscriptions]]
destination = "/user/queue/notices"
ack = "client-individual"

[api]
base = "http://{line}/ecgapi"

[auth]
login = "supervisor"

[app]
language = "{language}"
theme = "light"
"#,
            line = line.address(),
            language = language.tag(),
        ));
        // Into the keychain of this desktop, as a person would do it.
        let mut sign_in = home.ctl(["sign-in"]).await;
        desktop.admit(&mut sign_in);
        sign_in.env("BELFRY_TOKEN", &supervisor);
        let mut signed_in = Running::spawn(sign_in);
        assert!(signed_in.wait().await.success(), "the supervisor is not signed in: {}", signed_in.stderr());

        let app = Running::spawn(home.app(&desktop, ["--hidden"]).await?);
        let stage = Self { app, desktop, line, pushd, _home: home, language, pictures, scenes, employee, supervisor };
        stage.says("tray.live").await;
        Some(stage)
    }

    async fn tell(&mut self, script: &Script) {
        self.file(script.first).await;
        self.popup().await;
        self.picture(
            "A request arrives",
            "Belfry sits in the tray, without a window. An employee files an expense, and the supervisor is told at once.",
        )
        .await;

        self.desktop.click_popup().await;
        self.desktop.screen.wait_for("the window in front", |all| all.iter().any(|window| window.is_active)).await;
        self.picture(
            "One click, and the window is there",
            "The click on the notification opens the window at that very request, with its buttons.",
        )
        .await;

        for call in ["payment", "task", "report"] {
            self.post(&self.supervisor, &format!("/demo/{call}"), &json!({"language": self.language.tag()})).await;
            self.popup().await;
        }
        self.desktop.popups().close_all().await;
        self.picture(
            "The inbox",
            "What else a working day brings: a payment, a finished task, the weekly report. All of it stays, and can be read offline.",
        )
        .await;

        self.desktop.screen.press("slash").await;
        self.desktop.screen.enter(script.search).await;
        self.picture(
            "Search",
            "A slash, a word, and what was found is marked; two Chinese characters are a word, too.",
        )
        .await;
        // Once for the word, once for the field.
        self.desktop.screen.press("Escape").await;
        self.desktop.screen.press("Escape").await;

        self.line.set(Faults { refuse: true, ..Faults::default() }).await;
        self.line.cut().await;
        self.says("tray.offline").await;
        self.picture(
            "The network is pulled",
            "The window says so, and when it will try again. Meanwhile the employee files six more expenses; nobody can be told.",
        )
        .await;
        for expense in script.while_away {
            self.file(expense).await;
        }

        self.line.heal().await;
        self.popup().await;
        self.says("tray.live").await;
        self.picture(
            "Back, and caught up",
            "Seconds after the network is back, all six are there: each one once, and one notification for them together.",
        )
        .await;
        self.desktop.popups().close_all().await;

        let last = self.file(script.last).await;
        self.popup().await;
        self.picture("Another request", "One more expense, while the window is open.").await;

        self.post(&self.supervisor, &format!("/demo/expenses/{last}/approve"), &json!({})).await;
        self.cleared().await;
        self.desktop.screen.press("Home").await;
        self.picture(
            "Decided elsewhere",
            "The supervisor approves it on the phone: here the notification is taken back, and the notice says that it is decided.",
        )
        .await;
    }

    /// An expense of the employee, for the supervisor to decide; returns its id.
    async fn file(&self, [what, amount]: [&str; 2]) -> String {
        let filed = json!({"what": what, "amount": amount, "language": self.language.tag()});
        let answer = self.post(&self.employee, "/demo/expenses", &filed).await;
        answer["data"]["id"].as_str().unwrap_or_else(|| panic!("no expense was filed: {answer}")).to_owned()
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.pushd.http());
        let (status, answer) = http::post(&url, Some(token), body).await.expect("the demo server answers");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Waits for the next popup.
    async fn popup(&mut self) {
        let popup = self.desktop.popups().next().await;
        println!("  {:<6} [notification] {}", self.language.tag(), popup.title);
    }

    /// Waits until no popup is left on the screen.
    async fn cleared(&mut self) {
        let popups = self.desktop.popups();
        let gone = async {
            while popups.displayed().await > 0 {
                sleep(LOOK).await;
            }
        };
        timeout(EVENT_TIMEOUT, gone).await.expect("the notification is taken back");
    }

    /// Waits until the tray says this.
    async fn says(&self, key: &'static str) {
        let text = self.language.text(key);
        self.desktop.tray().wait_for(text).await;
        println!("  {:<6} [tray] {text}", self.language.tag());
    }

    /// Takes a picture of the whole screen, once nothing moves on it any more.
    async fn picture(&self, title: &'static str, caption: &'static str) {
        let name = format!("{}-{}.png", title.to_lowercase().replace(',', "").replace(' ', "-"), self.language.tag());
        let file = self.pictures.join(&name);
        let mut before = Vec::new();
        for _ in 0..LOOKS {
            self.desktop.screen.picture(&file).await;
            let now = read(&file);
            if now == before {
                break;
            }
            before = now;
            sleep(LOOK).await;
        }
        println!("  {:<6} [picture] {title}", self.language.tag());
        let scene = Scene { language: self.language, title, caption, picture: name };
        self.scenes.send(scene).expect("the report is being written");
    }

    /// Keeps everything running until Ctrl-C.
    pub(crate) async fn stay(self) {
        println!(
            "the app stays on display {}; file expenses at {}/demo",
            self.desktop.screen.display(),
            self.pushd.http()
        );
        println!("Ctrl-C ends it");
        tokio::signal::ctrl_c().await.expect("Ctrl-C can be heard");
        self.leave().await;
    }

    /// Ends the app as a logout does.
    pub(crate) async fn leave(mut self) {
        let status = self.app.terminate().await;
        assert!(status.success(), "the app did not end well: {status}\n{}", self.app.stderr());
    }
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).expect("the picture")
}
