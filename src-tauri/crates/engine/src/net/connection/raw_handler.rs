//! The raw WebSocket: every text frame is a message, and nothing is acknowledged.
//!
//! The server sends what it has not delivered when the connection begins, so there is nothing to
//! subscribe to. Deliberately absent: what the server counts as delivered although it was not
//! committed here, which the history of the API brings back.

use std::sync::Arc;

use belfry_core::{
    error::Failure,
    raw_session::{RawMessage, RawSession},
    settings::endpoint,
};
use url::Url;

use super::{
    Connection,
    handler::{ConnectionReport, Handler, Reporter},
};
use crate::{clock, net::intake::Intake};

/// Reads the messages of a raw WebSocket.
pub(super) struct RawHandler {
    intake: Arc<Intake>,
    /// The path of the endpoint, in place of a destination.
    path: String,
}

impl RawHandler {
    pub(super) fn new(intake: Arc<Intake>, endpoint: &Url) -> Self {
        Self { intake, path: endpoint::readable_path(endpoint) }
    }
}

impl Handler for RawHandler {
    type Session = RawSession;

    async fn handle_opened(
        &mut self,
        connection: &mut Connection<RawSession>,
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        tracing::info!("raw connection established");
        reporter.report(ConnectionReport::Established(reporter.generation), connection).await
    }

    async fn handle_event(
        &mut self,
        message: RawMessage,
        connection: &mut Connection<RawSession>,
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        let now = clock::now().wall;
        let message = match message {
            RawMessage::Whole(text) => self.intake.text(&text, &self.path, now),
            RawMessage::TooLarge(beginning) => self.intake.too_large(&beginning, &self.path, now),
        };
        if message.notices.is_empty() && message.rejected.is_empty() {
            tracing::debug!("a text that is no message was received");
            return Ok(());
        }
        reporter.report_message(message, connection).await
    }

    fn handle_committed(&mut self, _numbers: &[u64], _connection: &mut Connection<RawSession>) {}

    async fn close(connection: Connection<RawSession>) {
        connection.close().await;
    }
}
