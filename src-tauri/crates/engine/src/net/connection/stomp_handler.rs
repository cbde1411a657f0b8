//! STOMP: subscribes once the session is established, reads its messages, and acknowledges what is
//! committed.
//!
//! Deliberately absent: the socket. Invariant: a message is acknowledged on the connection that
//! delivered it.

use std::{collections::HashMap, sync::Arc};

use belfry_core::{
    error::Failure,
    pipeline::{Message, acks::Acks, delivery::AckId, link::Generation},
    settings::AckMode,
};
use stomp::{AckToken, Session, SessionEvent, SubscriptionId};

use super::{
    Connection, Identity, STREAM_OFFSET, check_user,
    handler::{ConnectionReport, Handler, Reporter},
    stream_name,
};
use crate::{clock, net::intake::Intake};

/// A STOMP session for the driver.
pub(super) struct StompHandler {
    identity: Arc<Identity>,
    intake: Arc<Intake>,
    generation: Generation,
    offsets: HashMap<String, u64>,
    subscriptions: HashMap<SubscriptionId, usize>,
    acks: Acks,
    is_established: bool,
}

impl StompHandler {
    pub(super) fn new(
        identity: Arc<Identity>,
        intake: Arc<Intake>,
        offsets: HashMap<String, u64>,
        generation: Generation,
    ) -> Self {
        Self {
            identity,
            intake,
            generation,
            offsets,
            subscriptions: HashMap::new(),
            acks: Acks::default(),
            is_established: false,
        }
    }

    /// The subscription's index in the settings.
    fn index_of(&self, subscription: Option<&SubscriptionId>) -> Option<usize> {
        self.subscriptions.get(subscription?).copied()
    }

    /// Numbers the message for its acknowledgement.
    fn numbered(&mut self, mut message: Message, subscription: Option<usize>, ack: Option<AckToken>) -> Message {
        let cumulative = subscription
            .and_then(|index| self.identity.settings.server.subscriptions.get(index))
            .is_some_and(|subscription| subscription.ack == AckMode::Client);
        message.ack = ack.map(|token| AckId {
            generation: self.generation,
            number: self.acks.handle_delivered(token, subscription.filter(|_| cumulative)),
        });
        message
    }
}

impl Handler for StompHandler {
    type Session = Session;

    /// CONNECT is sent with the next event.
    async fn handle_opened(&mut self, _connection: &mut Connection, _reporter: &Reporter) -> Result<(), Failure> {
        Ok(())
    }

    async fn handle_event(
        &mut self,
        event: SessionEvent,
        connection: &mut Connection,
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        match event {
            SessionEvent::Connected { user_name, heart_beat, server, .. } => {
                check_user(user_name, &self.identity)?;
                tracing::info!(server, ?heart_beat, "session established");
                self.subscriptions = connection.subscribe_all(&self.identity, &self.offsets)?;
                connection.flush().await?;
                self.is_established = true;
                reporter.report(ConnectionReport::Established(self.generation), connection).await
            }
            SessionEvent::Message { subscription, ack, frame } => {
                let index = self.index_of(subscription.as_ref());
                let mut message = self.intake.message(index, &frame, clock::now().wall);
                message.offset = index
                    .and_then(|index| stream_name(&self.identity, index))
                    .zip(frame.header(STREAM_OFFSET).and_then(|offset| offset.parse().ok()));
                let message = self.numbered(message, index, ack);
                reporter.report_message(message, connection).await
            }
            SessionEvent::Oversize { subscription, ack, oversize } => {
                let index = self.index_of(subscription.as_ref());
                let message = self.intake.oversize(&oversize, clock::now().wall);
                let message = self.numbered(message, index, ack);
                reporter.report_message(message, connection).await
            }
            event @ (SessionEvent::Receipt(_)
            | SessionEvent::Error { .. }
            | SessionEvent::Violation(_)
            | SessionEvent::PeerSilent
            | SessionEvent::Disconnected { .. }) => {
                connection.session_end(&event, self.is_established).map_or(Ok(()), Err)
            }
        }
    }

    fn handle_committed(&mut self, numbers: &[u64], connection: &mut Connection) {
        for number in numbers {
            self.acks.handle_committed(*number);
        }
        while let Some(token) = self.acks.poll_ack() {
            if let Err(error) = connection.session().ack(&token) {
                tracing::debug!(%error, "an acknowledgement was not sent; the message will come again");
            }
        }
    }

    async fn close(connection: Connection) {
        connection.close().await;
    }
}
