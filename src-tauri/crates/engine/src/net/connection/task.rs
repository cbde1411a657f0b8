//! The task that owns the socket of one connection and keeps it alive for the driver.
//!
//! It executes [`ConnectionCommand`]s and answers everything with a [`ConnectionReport`] of its
//! generation. Deliberately absent: waiting and trying again. Invariant: what was committed in one
//! transaction is acknowledged in one flush.

use std::{collections::HashMap, sync::Arc};

use reqwest::Client;
use secrecy::SecretString;
use stomp::{AckToken, SessionEvent, SubscriptionId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use url::Url;

use super::{Connection, Identity, STREAM_OFFSET, check_user, session_end, stream_name};
use crate::{clock, net::intake::Intake};
use belfry_core::{
    error::{Failure, Fault},
    pipeline::{Message, acks::Acks, delivery::AckId, link::Generation},
    settings::AckMode,
};

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

/// What the driver commands a connection to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionCommand {
    /// The message with this number is committed.
    Ack(u64),
    /// Check that the peer is there.
    Probe,
    /// End: with DISCONNECT, or by dropping the socket.
    Close {
        /// With DISCONNECT.
        polite: bool,
    },
}

/// What a connection begins with.
#[derive(Debug)]
pub struct Opening {
    /// Settings, account and device.
    pub identity: Arc<Identity>,
    /// Reads messages.
    pub intake: Arc<Intake>,
    /// The address; `None` when the settings have no such endpoint.
    pub endpoint: Option<Url>,
    /// Numbers this connection.
    pub generation: Generation,
    /// The last committed offset of each stream, by [`stream_name`].
    pub offsets: HashMap<String, u64>,
}

/// Runs one connection to its end, which is always reported unless it was commanded. While the
/// `reports` channel is full nothing is read from the socket, which slows the server down.
pub async fn run(
    client: Client,
    token: SecretString,
    opening: Opening,
    mut commands: mpsc::UnboundedReceiver<ConnectionCommand>,
    reports: mpsc::Sender<ConnectionReport>,
) {
    let Opening { identity, intake, endpoint, generation, offsets } = opening;
    let opened = async {
        let endpoint = endpoint.ok_or_else(|| Failure::new(Fault::Settings, "server.endpoints is empty"))?;
        Connection::open(&client, &identity, &token, &endpoint).await
    };
    let opened = tokio::select! {
        opened = opened => opened,
        () = closed(&mut commands) => return,
    };
    drop(token);
    let connection = match opened {
        Ok(connection) => connection,
        Err(failure) => {
            let _ = reports.send(ConnectionReport::Lost(generation, failure)).await;
            return;
        }
    };
    let mut running = ConnectionTask {
        connection,
        identity,
        intake,
        generation,
        reports,
        offsets,
        subscriptions: HashMap::new(),
        acks: Acks::default(),
        in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize)),
        is_established: false,
    };
    // If the driver has ended, so does this task.
    if running.report(ConnectionReport::Opened(generation)).await.is_err() {
        return;
    }
    let end = running.run(&mut commands).await;
    match end {
        ConnectionEnd::Commanded { polite: true } => running.connection.close().await,
        ConnectionEnd::Commanded { polite: false } => {}
        ConnectionEnd::Failed(failure) => {
            let _ = running.reports.send(ConnectionReport::Lost(generation, failure)).await;
        }
    }
}

/// Resolves when the connection is no longer wanted.
pub(crate) async fn closed(commands: &mut mpsc::UnboundedReceiver<ConnectionCommand>) {
    while let Some(ConnectionCommand::Ack(_) | ConnectionCommand::Probe) = commands.recv().await {}
}

fn ended() -> Failure {
    Failure::new(Fault::Closed, "the engine has ended")
}

enum ConnectionEnd {
    Commanded { polite: bool },
    Failed(Failure),
}

struct ConnectionTask {
    connection: Connection,
    identity: Arc<Identity>,
    intake: Arc<Intake>,
    generation: Generation,
    reports: mpsc::Sender<ConnectionReport>,
    offsets: HashMap<String, u64>,
    subscriptions: HashMap<SubscriptionId, usize>,
    acks: Acks,
    in_flight: Arc<Semaphore>,
    is_established: bool,
}

impl ConnectionTask {
    async fn run(&mut self, commands: &mut mpsc::UnboundedReceiver<ConnectionCommand>) -> ConnectionEnd {
        let mut waiting = Vec::new();
        loop {
            let result = tokio::select! {
                biased;
                count = commands.recv_many(&mut waiting, 256) => {
                    if count == 0 {
                        return ConnectionEnd::Commanded { polite: true };
                    }
                    match self.handle_commands(&mut waiting).await {
                        Ok(Some(polite)) => return ConnectionEnd::Commanded { polite },
                        Ok(None) => Ok(()),
                        Err(failure) => Err(failure),
                    }
                }
                event = self.connection.next_event() => match event {
                    Ok(event) => self.handle_event(event).await,
                    Err(failure) => Err(failure),
                },
            };
            if let Err(failure) = result {
                return ConnectionEnd::Failed(failure);
            }
        }
    }

    /// What was committed in one transaction is acknowledged in one flush. Returns whether to end,
    /// and how.
    async fn handle_commands(&mut self, commands: &mut Vec<ConnectionCommand>) -> Result<Option<bool>, Failure> {
        let mut end = None;
        for command in commands.drain(..) {
            match command {
                ConnectionCommand::Ack(number) => self.acks.handle_committed(number),
                ConnectionCommand::Probe => {
                    self.connection.probe().await?;
                }
                ConnectionCommand::Close { polite } => end = Some(polite),
            }
        }
        while let Some(token) = self.acks.poll_ack() {
            if let Err(error) = self.connection.session().ack(&token) {
                tracing::debug!(%error, "an acknowledgement was not sent; the message will come again");
            }
        }
        self.connection.flush().await?;
        Ok(end)
    }

    async fn handle_event(&mut self, event: SessionEvent) -> Result<(), Failure> {
        match event {
            SessionEvent::Connected { user_name, heart_beat, server, .. } => {
                check_user(user_name, &self.identity)?;
                tracing::info!(server, ?heart_beat, "session established");
                self.subscriptions = self.connection.subscribe_all(&self.identity, &self.offsets)?;
                self.connection.flush().await?;
                self.is_established = true;
                self.report(ConnectionReport::Established(self.generation)).await
            }
            SessionEvent::Message { subscription, ack, frame } => {
                let index = self.index_of(subscription.as_ref());
                let mut message = self.intake.message(index, &frame, clock::now().wall);
                message.offset = index
                    .and_then(|index| stream_name(&self.identity, index))
                    .zip(frame.header(STREAM_OFFSET).and_then(|offset| offset.parse().ok()));
                self.report_message(index, ack, message).await
            }
            SessionEvent::Oversize { subscription, ack, oversize } => {
                let index = self.index_of(subscription.as_ref());
                let message = self.intake.oversize(&oversize, clock::now().wall);
                self.report_message(index, ack, message).await
            }
            event @ (SessionEvent::Receipt(_)
            | SessionEvent::Error { .. }
            | SessionEvent::Violation(_)
            | SessionEvent::PeerSilent
            | SessionEvent::Disconnected { .. }) => session_end(&event, self.is_established).map_or(Ok(()), Err),
        }
    }

    /// The subscription's index in the settings.
    fn index_of(&self, subscription: Option<&SubscriptionId>) -> Option<usize> {
        self.subscriptions.get(subscription?).copied()
    }

    async fn report_message(
        &mut self,
        subscription: Option<usize>,
        ack: Option<AckToken>,
        mut message: Message,
    ) -> Result<(), Failure> {
        let cumulative = subscription
            .and_then(|index| self.identity.settings.server.subscriptions.get(index))
            .is_some_and(|subscription| subscription.ack == AckMode::Client);
        message.ack = ack.map(|token| AckId {
            generation: self.generation,
            number: self.acks.handle_delivered(token, subscription.filter(|_| cumulative)),
        });
        let size = u32::try_from(message.size()).unwrap_or(MAX_IN_FLIGHT).min(MAX_IN_FLIGHT);
        let room = tokio::select! {
            biased;
            room = Arc::clone(&self.in_flight).acquire_many_owned(size) => room.map_err(|_| ended())?,
            failure = self.connection.hold() => return Err(failure),
        };
        self.report(ConnectionReport::Message(Box::new(message), room)).await
    }

    /// Waits until the driver takes the report; nothing is read from the socket meanwhile.
    async fn report(&mut self, report: ConnectionReport) -> Result<(), Failure> {
        let place = tokio::select! {
            biased;
            place = self.reports.reserve() => place.map_err(|_| ended())?,
            failure = self.connection.hold() => return Err(failure),
        };
        place.send(report);
        self.connection.resume();
        Ok(())
    }
}
