//! The tray: what it shows now, and what its menu does.
//!
//! Invariant: the desktop is told only what has changed, and of the inbox as often as the window is
//! ([`InboxChanges`](crate::inbox_changes::InboxChanges)), since a burst of notices changes it many
//! times a second.

use belfry_core::foreign_text;
use engine::Engine;
use engine::inbox::{Filter, Inbox, Place};
use jiff::Zoned;

use crate::controller::Controller;
use crate::controller::change::Change;
use crate::gui::Gui;
use crate::ipc::{CommandError, Update};
use crate::request::WindowToken;
use crate::task::{Outcome, report};
use crate::tray::{LATEST, LatestNotice, MAX_TITLE_CHARS, Tray, TrayAction, TrayState};

/// What the tray is known to show.
#[derive(Debug, Default)]
pub(crate) struct ShownTray {
    tray: Option<Tray>,
    /// The newest notices, newest first.
    latest: Vec<LatestNotice>,
}

impl ShownTray {
    /// Another account may begin.
    pub(super) fn forget_notices(&mut self) {
        self.latest.clear();
    }
}

impl<G: Gui> Controller<G> {
    pub(super) fn show_tray(&mut self) {
        let tray = {
            let snapshot = self.snapshot();
            let session = self.session.account.is_some().then_some(&*snapshot);
            let state = TrayState {
                latest: &self.tray.latest,
                preview: self.session.settings.notifications.preview,
                ..TrayState::of_session(session, self.language(), &Zoned::now())
            };
            state.tray()
        };
        if self.tray.tray.as_ref() != Some(&tray) {
            self.tray.tray = Some(tray.clone());
            self.gui.show_tray(tray);
        }
    }

    /// The inbox has changed: reads the newest notices for the menu.
    pub(super) fn read_latest(&self) {
        let (reporter, generation) = (self.reporter(), self.session.generation);
        let read = |inbox: &mut Inbox| {
            let latest = inbox.previews(&Filter::default(), Place::default(), LATEST, |detail| LatestNotice {
                seq: detail.row.seq.0,
                title: foreign_text::one_line(&detail.row.title, MAX_TITLE_CHARS),
            })?;
            Ok(latest.rows)
        };
        self.inbox.run(read, move |latest| report(&reporter, Outcome::LatestRead { generation, latest }));
    }

    pub(super) fn handle_latest_read(&mut self, generation: u64, latest: Result<Vec<LatestNotice>, CommandError>) {
        if generation != self.session.generation {
            return;
        }
        match latest {
            Ok(latest) => {
                self.tray.latest = latest;
                self.show_tray();
            }
            Err(error) => tracing::debug!(error = error.message, "the tray's menu was not read from the inbox"),
        }
    }

    pub(super) fn handle_tray(&mut self, action: TrayAction, token: WindowToken) {
        match action {
            TrayAction::Open => self.show_window(token.0),
            TrayAction::Notice(seq) => {
                self.point_to(Some(seq), None);
                self.show_window(token.0);
            }
            TrayAction::TryNow | TrayAction::Connect if self.recovery.is_needed() => self.change(Change::Recover),
            TrayAction::TryNow => self.command(Engine::try_now),
            TrayAction::Connect => self.command(Engine::connect),
            TrayAction::Disconnect => self.command(Engine::disconnect),
            TrayAction::Pause(pause) => self.command(|engine| engine.pause(Some(pause.into()))),
            TrayAction::Resume => self.command(|engine| engine.pause(None)),
            TrayAction::Settings => {
                self.settings_to_open = !self.tell(Update::Settings);
                self.show_window(token.0);
            }
            TrayAction::Quit => self.quit(0),
        }
    }
}
