//! The scenes of the story, with a screenshot of each.
//!
//! Deliberately absent: the page ([`crate::report`]). Invariant: each scene waits for what it
//! shows: the popup on the bus, the text of the tray, the window in front.

use std::path::{Path, PathBuf};
use std::time::Duration;

use belfry_core::texts::Language;
use harness::desktop::Desktop;
use harness::program::EVENT_TIMEOUT;
use harness::proxy::Faults;
use harness::{FaultProxy, Home, Pushd, Running, http};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

use crate::report::Scene;
use crate::tray;

/// Interval between two checks of what sends no event when it changes: the painted screen, dunst's
/// number of popups.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// After this many checks the screenshot is used even if the screen still changes (a blinking
/// caret).
const MAX_CHECKS: usize = 12;

/// The texts that the users enter.
struct UserTexts {
    first: [&'static str; 2],
    while_away: [[&'static str; 2]; 6],
    last: [&'static str; 2],
    search: &'static str,
}

const ENGLISH: UserTexts = UserTexts {
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

const CHINESE: UserTexts = UserTexts {
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

/// The supervisor's desktop with the app, and the server that the app is signed in to.
pub(crate) struct Stage {
    // Dropped in this order: the app before its screen, the proxy before the server.
    app: Running,
    desktop: Desktop,
    proxy: FaultProxy,
    pushd: Pushd,
    _home: Home,
    language: Language,
    pictures: PathBuf,
    scenes: UnboundedSender<Scene>,
    /// The entry of the tray's menu that says the state of the connection.
    state: &'static str,
    employee: String,
    supervisor: String,
}

/// Plays the story. `None`, after a `SKIPPED:` line, if the machine lacks something for it.
pub(crate) async fn play(language: Language, pictures: PathBuf, scenes: UnboundedSender<Scene>) -> Option<Stage> {
    let texts = match language {
        Language::English => ENGLISH,
        Language::Chinese => CHINESE,
    };
    let mut stage = Stage::start(language, pictures, scenes).await?;
    stage.show_scenes(&texts).await;
    Some(stage)
}

impl Stage {
    async fn start(language: Language, pictures: PathBuf, scenes: UnboundedSender<Scene>) -> Option<Self> {
        let desktop = Desktop::start().await?;
        let pushd = Pushd::start(["--demo"]).await;
        let host = pushd.http().strip_prefix("http://").expect("plain HTTP on loopback").to_owned();
        let proxy = FaultProxy::start(host).await;
        let (employee, supervisor) = (pushd.login("employee", "demo").await, pushd.login("supervisor", "demo").await);
        let home = Home::new(&format!(
            r#"[server]
endpoints = ["ws://{proxy}/ws"]

[[server.subscriptions]]
destination = "/user/queue/notices"
ack = "client-individual"

[api]
base = "http://{proxy}/ecgapi"

[auth]
login = "supervisor"

[app]
language = "{language}"
theme = "light"
action_urls = ["{pushd}/demo/expenses"]
"#,
            proxy = proxy.address(),
            pushd = pushd.http(),
            language = language.tag(),
        ));
        // Saves the token in the keychain of this desktop, as a user would do it.
        let mut sign_in = home.ctl(["sign-in"]).await;
        desktop.admit(&mut sign_in);
        sign_in.env("BELFRY_TOKEN", &supervisor);
        let mut signed_in = Running::spawn(sign_in);
        assert!(signed_in.wait().await.success(), "the sign-in of the supervisor failed: {}", signed_in.stderr());

        let app = Running::spawn(home.app(&desktop, ["--hidden"]).await?);
        let state = "";
        let mut stage =
            Self { app, desktop, proxy, pushd, _home: home, language, pictures, scenes, state, employee, supervisor };
        stage.wait_for_tray("tray.live").await;
        Some(stage)
    }

    async fn show_scenes(&mut self, texts: &UserTexts) {
        self.file(texts.first).await;
        self.wait_for_popup().await;
        self.picture(
            "A request arrives",
            "Belfry runs in the tray, without a window. An employee files an expense, and the supervisor gets a notification at once.",
        )
        .await;

        self.desktop.click_popup().await;
        self.desktop.screen.wait_for("the window in front", |all| all.iter().any(|window| window.is_active)).await;
        self.picture(
            "One click opens the window",
            "A click on the notification opens the window with that request and its buttons.",
        )
        .await;

        for call in ["payment", "task", "report"] {
            self.post(&self.supervisor, &format!("/demo/{call}"), &json!({"language": self.language.tag()})).await;
            self.wait_for_popup().await;
        }
        self.desktop.popups().close_all().await;
        self.picture(
            "The inbox",
            "More notices arrive: a payment, a finished task, the weekly report. All of them stay in the inbox and can be read offline.",
        )
        .await;

        self.desktop.screen.press("slash").await;
        self.desktop.screen.enter(texts.search).await;
        self.picture(
            "Search",
            "Press the slash key and type a word: matches are highlighted. Two Chinese characters are enough.",
        )
        .await;
        // The first clears the text, the second leaves the field.
        self.desktop.screen.press("Escape").await;
        self.desktop.screen.press("Escape").await;

        self.proxy.set(Faults { refuse: true, ..Faults::default() }).await;
        self.proxy.cut().await;
        self.wait_for_tray("tray.offline").await;
        self.picture(
            "The network is disconnected",
            "The window shows it, and when Belfry will try again. Meanwhile the employee files six more expenses.",
        )
        .await;
        for expense in texts.while_away {
            self.file(expense).await;
        }

        self.proxy.heal().await;
        self.wait_for_popup().await;
        self.wait_for_tray("tray.live").await;
        self.picture(
            "Reconnected and caught up",
            "Seconds after the network returns, all six are in the inbox, each one once, with one notification for all of them.",
        )
        .await;
        self.desktop.popups().close_all().await;

        let last = self.file(texts.last).await;
        self.wait_for_popup().await;
        self.picture("Another request", "Another expense, while the window is open.").await;

        self.post(&self.supervisor, &format!("/demo/expenses/{last}/approve"), &json!({})).await;
        self.wait_for_no_popup().await;
        self.desktop.screen.press("Home").await;
        self.picture(
            "Decided elsewhere",
            "The supervisor approves it on the phone: on this computer the notification disappears, and the notice is marked as decided.",
        )
        .await;
    }

    /// An expense of the employee, for the supervisor to decide; returns its id.
    async fn file(&self, [what, amount]: [&str; 2]) -> String {
        let filed = json!({"what": what, "amount": amount, "language": self.language.tag()});
        let answer = self.post(&self.employee, "/demo/expenses", &filed).await;
        answer["data"]["id"].as_str().unwrap_or_else(|| panic!("the server filed no expense: {answer}")).to_owned()
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.pushd.http());
        let (status, answer) = http::post(&url, Some(token), body).await.expect("the demo server answers");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Waits for the next popup.
    async fn wait_for_popup(&mut self) {
        let popup = self.desktop.popups().next().await;
        println!("  {:<6} [notification] {}", self.language.tag(), popup.title);
    }

    /// Waits until no popup is left on the screen.
    async fn wait_for_no_popup(&mut self) {
        let popups = self.desktop.popups();
        let no_popup = async {
            while popups.displayed().await > 0 {
                sleep(CHECK_INTERVAL).await;
            }
        };
        timeout(EVENT_TIMEOUT, no_popup).await.expect("the notification disappears");
    }

    /// Waits until the tray shows this text.
    async fn wait_for_tray(&mut self, key: &'static str) {
        let text = self.language.text(key);
        self.desktop.tray().wait_for(text).await;
        self.state = text;
        println!("  {:<6} [tray] {text}", self.language.tag());
    }

    /// Takes a screenshot once the screen no longer changes.
    async fn picture(&self, title: &'static str, caption: &'static str) {
        let name = format!("{}-{}.png", title.to_lowercase().replace(',', "").replace(' ', "-"), self.language.tag());
        let file = self.pictures.join(&name);
        let mut before = Vec::new();
        for _ in 0..MAX_CHECKS {
            self.desktop.screen.picture(&file).await;
            let now = read(&file);
            if now == before {
                break;
            }
            before = now;
            sleep(CHECK_INTERVAL).await;
        }
        println!("  {:<6} [picture] {title}", self.language.tag());
        let tray = tray::read(self.desktop.tray(), self.state, &self.pictures, &format!("tray-{name}")).await;
        println!("  {:<6} [tray] {}: {}", self.language.tag(), tray.tooltip, tray.entries.join(" | "));
        let scene = Scene { language: self.language, title, caption, picture: name, tray };
        self.scenes.send(scene).expect("the report collects scenes");
    }

    /// Keeps everything running until Ctrl-C.
    pub(crate) async fn stay(self) {
        println!(
            "the app is running on display {}; file expenses at {}/demo",
            self.desktop.screen.display(),
            self.pushd.http()
        );
        println!("press Ctrl-C to end it");
        tokio::signal::ctrl_c().await.expect("listening for Ctrl-C");
        self.end().await;
    }

    /// Ends the app as a logout does.
    pub(crate) async fn end(mut self) {
        let status = self.app.terminate().await;
        assert!(status.success(), "the app ended with an error: {status}\n{}", self.app.stderr());
    }
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).expect("the picture")
}
