//! What the start of the program hands to the controller.

use belfry_core::event::Event;
use belfry_core::settings::Settings;
use engine::Engine;
use host::texts::{self, Language};
use jiff::Zoned;
use tokio::sync::{mpsc, watch};

use crate::machine::Machine;
use crate::tray::{Tray, TrayState};

/// What a controller goes on with.
#[derive(Debug)]
pub struct Started {
    /// The machine.
    pub machine: Machine,
    /// The settings, which hold until there is an engine.
    pub settings: Settings,
    /// Whether an administrator has decided the server's address.
    pub is_server_locked: bool,
    /// The running engine; `None` on the first run.
    pub engine: Option<Engine>,
    /// What the engines of this machine report.
    pub events: mpsc::UnboundedReceiver<Event>,
}

impl Started {
    /// What the tray shows before the controller runs.
    pub fn tray(&self) -> Tray {
        let snapshot = self.engine.as_ref().map(Engine::snapshot);
        let snapshot = snapshot.as_ref().map(watch::Receiver::borrow);
        TrayState::of_session(snapshot.as_deref(), self.language(), &Zoned::now()).tray()
    }

    /// What the tray and the window speak.
    pub fn language(&self) -> Language {
        texts::language(self.settings.app.language)
    }
}
