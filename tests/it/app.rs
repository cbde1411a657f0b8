//! The real app on a real desktop: what a user sees, clicks, and reads when something is missing.

use std::process::Command;

use harness::desktop::{Parts, Screen, Window};
use harness::{Desktop, Page, Pushd, Running};
use serde_json::json;

use crate::fixtures::{Person, pushd_settings, text};

mod environment;
mod faults;
mod first_run;
mod inbox;
mod popup_calls;
mod popups;
mod rabbit;
mod settings;
mod shutdown;
mod smoke;
mod tray;
mod window;

/// The user of the app.
const ALICE: &str = "alice";

/// A server with an account for her.
async fn pushd() -> Pushd {
    Pushd::start(["--user", "alice:secret"]).await
}

/// A desktop with Belfry installed, and its user.
struct Desk {
    desktop: Desktop,
    person: Person,
}

impl Desk {
    /// On a desktop with all parts.
    async fn of(pushd: &Pushd) -> Option<Self> {
        Self::in_parts(Parts::default(), pushd).await
    }

    /// On a desktop with these parts.
    async fn in_parts(parts: Parts, pushd: &Pushd) -> Option<Self> {
        let token = pushd.login(ALICE, "secret").await;
        Self::with(parts, &pushd_settings(pushd, ALICE), &token).await
    }

    async fn with(parts: Parts, settings: &str, token: &str) -> Option<Self> {
        Some(Self { desktop: Desktop::with(parts).await?, person: Person::without_tls(settings, token) })
    }

    /// Starts the app.
    async fn start(&self, args: &[&str]) -> Option<Running> {
        Some(Running::spawn(self.app(args).await?))
    }

    /// Starts the app through WebDriver, so that a test can inspect its page.
    async fn open(&self, args: &[&str]) -> Option<Page> {
        Page::open(self.app(args).await?).await
    }

    async fn app(&self, args: &[&str]) -> Option<Command> {
        let mut command = self.person.home.app(&self.desktop, args).await?;
        command.env("BELFRY_TOKEN", &self.person.token);
        Some(command)
    }

    /// Sends a notice to the user's own account. Returns its id.
    async fn send(&self, pushd: &Pushd, title: &str, content: &str) -> String {
        let message = json!({"title": title, "content": content, "type": "1", "receiver": [ALICE]});
        text(&pushd.call(&self.person.token, "sendMessage", &message).await, "id")
    }
}

/// Waits until the app's window is in front and painted.
async fn see_window(screen: &mut Screen) {
    let windows = screen.wait_for("the window in front", is_in_front).await;
    let window = windows.iter().find(|it| it.is_active).expect("the window in front");
    screen.wait_for_content(window).await;
}

fn is_in_front(windows: &[Window]) -> bool {
    windows.iter().any(|it| it.class == "belfry" && it.is_active)
}
