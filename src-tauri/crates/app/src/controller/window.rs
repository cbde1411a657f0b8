//! What the window is told.
//!
//! Invariant: it is told what has changed, and not the same once more, since each update runs a
//! script in it. A window that begins to listen asks for the rest with [`Controller::start`].

use jiff::Timestamp;

use crate::controller::Controller;
use crate::gui::Gui;
use crate::ipc::{Offers, Start, Status, Update};
use crate::task::NoticeToShow;

impl<G: Gui> Controller<G> {
    /// What a window shows first.
    pub(super) fn start(&mut self) -> Start {
        let to_open = self.to_open.take();
        Start {
            language: self.language().into(),
            theme: self.session.settings.app.theme.into(),
            account: self.session.account.as_ref().map(|account| account.login().to_owned()).unwrap_or_default(),
            status: self.status(),
            open: to_open.as_ref().map(|notice| notice.seq),
            ask: to_open.and_then(|notice| notice.ask),
            settings: std::mem::take(&mut self.settings_to_open),
            setup: self.missing(),
        }
    }

    /// Tells the window, if there is one; whether it was told.
    pub(crate) fn tell(&self, update: Update) -> bool {
        let Some(window) = &self.window else { return false };
        let sent = window.send(update).inspect_err(|error| tracing::debug!(%error, "an update was not sent"));
        sent.is_ok()
    }

    /// Tells the window about the connection, if that has changed.
    pub(crate) fn tell_status(&mut self) {
        let status = self.status();
        if self.told_status.as_ref() != Some(&status) && self.tell(Update::Status { status: status.clone() }) {
            self.told_status = Some(status);
        }
    }

    fn status(&self) -> Status {
        let offers = self.session.engine.as_ref().map(|engine| engine.server().offers());
        let may_delete = self.session.settings.inbox.delete_on_server;
        let offers = offers.map(|offers| Offers {
            history: offers.history,
            delete: offers.delete && may_delete,
            clients: offers.clients,
        });
        Status::of(&self.published.borrow(), &self.session.settings.server.endpoints, offers, Timestamp::now())
    }

    pub(crate) fn show_window(&mut self, token: Option<String>) {
        self.gui.show_window(self.session.settings.app.theme, token);
    }

    /// Shows a notice: now in a window that listens, else in the next one when it starts. `ask`
    /// names the button that the window asks to confirm.
    pub(crate) fn point_to(&mut self, seq: Option<i64>, ask: Option<String>) {
        match seq {
            Some(seq) if self.window.is_some() => {
                self.tell(Update::Open { seq, ask });
            }
            seq => self.to_open = seq.map(|seq| NoticeToShow { seq, ask }),
        }
    }
}
