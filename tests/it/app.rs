//! The real app on a real desktop: what a person sees of it, clicks in it, and finds when something is missing.

use harness::desktop::{Parts, Window};
use harness::{Desktop, Page, Pushd, Running};

use crate::world::{Person, pushd_settings};

mod popups;

/// Somebody before a desktop with Belfry installed.
struct Desk {
    desktop: Desktop,
    person: Person,
}

impl Desk {
    /// With everything a desktop can have, for a user of `belfry-pushd`.
    async fn of(pushd: &Pushd, login: &str) -> Option<Self> {
        let token = pushd.login(login, "secret").await;
        Self::with(Parts::default(), &pushd_settings(pushd, login), &token).await
    }

    async fn with(parts: Parts, settings: &str, token: &str) -> Option<Self> {
        Some(Self { desktop: Desktop::with(parts).await?, person: Person::new(settings, token) })
    }

    /// Starts the app.
    async fn start(&self, args: &[&str]) -> Option<Running> {
        let mut command = self.person.home.app(&self.desktop, args).await?;
        command.env("BELFRY_TOKEN", &self.person.token);
        Some(Running::spawn(command))
    }

    /// Starts the app so that its page can be looked into.
    async fn open(&self, args: &[&str]) -> Option<Page> {
        let mut command = self.person.home.app(&self.desktop, args).await?;
        command.env("BELFRY_TOKEN", &self.person.token);
        Page::open(command).await
    }
}

fn is_in_front(windows: &[Window]) -> bool {
    windows.iter().any(|it| it.class == "belfry" && it.is_active)
}
