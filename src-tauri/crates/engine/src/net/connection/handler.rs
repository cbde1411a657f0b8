//! What the task of a connection and the protocol on it say to each other and to the driver.
//!
//! Deliberately absent: the loop ([`super::task`]) and the protocols. Invariant: the bytes on their
//! way to the driver are bounded; beyond that nothing is read from the socket.

use std::sync::Arc;

use belfry_core::{
    error::{Failure, Fault},
    pipeline::{Message, link::Generation},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{Connection, WireSession};

/// With this many bytes of messages on their way to the driver the socket is no longer read.
const MAX_IN_FLIGHT: u32 = 8 << 20;

/// What a connection reports to the driver.
#[derive(Debug)]
pub enum ConnectionReport {
    /// The socket is open.
    Opened(Generation),
    /// The session is established, the subscriptions are sent.
    Established(Generation),
    /// A message, and its part of the bytes that may be on their way.
    Message(Box<Message>, OwnedSemaphorePermit),
    /// The connection has ended.
    Lost(Generation, Failure),
}

/// What a protocol does with its events and with what was committed.
pub(super) trait Handler {
    /// The protocol.
    type Session: WireSession;

    /// The connection is open.
    async fn handle_opened(
        &mut self,
        connection: &mut Connection<Self::Session>,
        reporter: &Reporter,
    ) -> Result<(), Failure>;

    /// Something has happened.
    async fn handle_event(
        &mut self,
        event: <Self::Session as WireSession>::Event,
        connection: &mut Connection<Self::Session>,
        reporter: &Reporter,
    ) -> Result<(), Failure>;

    /// These messages are committed; what follows from that is sent with the next flush.
    fn handle_committed(&mut self, numbers: &[u64], connection: &mut Connection<Self::Session>);

    /// Ends in order.
    async fn close(connection: Connection<Self::Session>);
}

/// Reports to the driver, at its pace.
pub(super) struct Reporter {
    pub(super) generation: Generation,
    reports: mpsc::Sender<ConnectionReport>,
    in_flight: Arc<Semaphore>,
}

impl Reporter {
    /// Reports as the connection with this number.
    pub(super) fn new(generation: Generation, reports: mpsc::Sender<ConnectionReport>) -> Self {
        Self { generation, reports, in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize)) }
    }

    /// The last report. If the driver has ended, it is not wanted.
    pub(super) async fn report_lost(&self, failure: Failure) {
        let _ = self.reports.send(ConnectionReport::Lost(self.generation, failure)).await;
    }

    /// Waits until the message may be on its way to the driver.
    pub(super) async fn report_message<S: WireSession>(
        &self,
        message: Message,
        connection: &mut Connection<S>,
    ) -> Result<(), Failure> {
        let size = u32::try_from(message.size()).unwrap_or(MAX_IN_FLIGHT).min(MAX_IN_FLIGHT);
        let room = tokio::select! {
            biased;
            room = Arc::clone(&self.in_flight).acquire_many_owned(size) => room.map_err(|_| ended())?,
            failure = connection.hold() => return Err(failure),
        };
        self.report(ConnectionReport::Message(Box::new(message), room), connection).await
    }

    /// Waits until the driver takes the report; nothing is read from the socket meanwhile.
    pub(super) async fn report<S: WireSession>(
        &self,
        report: ConnectionReport,
        connection: &mut Connection<S>,
    ) -> Result<(), Failure> {
        let place = tokio::select! {
            biased;
            place = self.reports.reserve() => place.map_err(|_| ended())?,
            failure = connection.hold() => return Err(failure),
        };
        place.send(report);
        connection.resume();
        Ok(())
    }
}

fn ended() -> Failure {
    Failure::new(Fault::Closed, "the engine has ended")
}
