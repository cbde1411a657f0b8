//! What the steps ask of a server.

use serde_json::{Value, json};

/// For whom a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// One person.
    Personal,
    /// Everybody.
    Broadcast,
}

impl Audience {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Broadcast => "broadcast",
        }
    }
}

/// What a server keeps for a person whose Belfry does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) personal: bool,
    pub(crate) broadcast: bool,
}

impl Kept {
    pub(crate) const ALL: Self = Self { personal: true, broadcast: true };
    pub(crate) const NONE: Self = Self { personal: false, broadcast: false };

    pub(crate) fn keeps(self, to: Audience) -> bool {
        match to {
            Audience::Personal => self.personal,
            Audience::Broadcast => self.broadcast,
        }
    }

    /// The cell for a server that keeps this.
    pub(crate) fn cell(self) -> &'static str {
        match self {
            Self { personal: true, broadcast: true } => "ok",
            Self { personal: true, broadcast: false } => "personal; broadcast none by design",
            Self { personal: false, broadcast: true } => "broadcast; personal none by design",
            Self { personal: false, broadcast: false } => "none by design",
        }
    }
}

/// A real server that runs, with a person called [`LOGIN`](crate::client::LOGIN).
pub(crate) trait Server {
    /// Belfry's settings for it.
    fn settings(&self) -> String;
    /// The person's secret.
    fn token(&self) -> String;
    /// What it keeps.
    fn keeps(&self) -> Kept;
    /// The state in which messages arrive.
    fn state(&self) -> &'static str {
        "live"
    }
    /// What the state says when it refuses a sign-in.
    fn refusal(&self) -> &'static str {
        "refused the sign-in"
    }
    /// Publishes as the systems of a company do.
    async fn publish(&self, to: Audience, message: &Value);
    /// Ends it as its administrator would.
    async fn stop(&mut self);
    /// Starts it again at the same address.
    async fn start_again(&mut self);
}

/// A message as a company's system sends it.
pub(crate) fn message(id: &str) -> Value {
    json!({"id": id, "title": format!("审批 {id}"), "content": "text", "type": 3})
}
