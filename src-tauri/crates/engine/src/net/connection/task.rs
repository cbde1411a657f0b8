//! The task that owns the socket of one connection and keeps it alive for the driver.
//!
//! It executes [`ConnectionCommand`]s and answers everything with a [`ConnectionReport`] of its
//! generation. Deliberately absent: waiting and trying again. Invariant: what was committed in one
//! transaction is acknowledged in one flush.

use std::{collections::HashMap, sync::Arc};

use secrecy::SecretString;
use tokio::sync::mpsc;
use url::Url;

use super::{
    Connection, Identity,
    handler::{ConnectionReport, Handler, Reporter},
    raw_handler::RawHandler,
    stomp_handler::StompHandler,
};
use crate::net::{http::Client, intake::Intake};
use belfry_core::{
    error::{Failure, Fault},
    pipeline::link::Generation,
    settings::Protocol,
};

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
    let reporter = Reporter::new(generation, reports);
    let Some(endpoint) = endpoint else {
        return reporter.report_lost(Failure::new(Fault::Settings, "server.endpoints is empty")).await;
    };
    if identity.settings.server.protocol == Protocol::Websocket {
        let opened = open(Connection::open_raw(&client, &identity, &token, &endpoint), &mut commands, &reporter).await;
        drop(token);
        if let Some(connection) = opened {
            ConnectionTask { connection, handler: RawHandler::new(intake, &endpoint), reporter }.run(commands).await;
        }
    } else {
        let opened = open(Connection::open(&client, &identity, &token, &endpoint), &mut commands, &reporter).await;
        drop(token);
        if let Some(connection) = opened {
            let handler = StompHandler::new(identity, intake, offsets, generation);
            ConnectionTask { connection, handler, reporter }.run(commands).await;
        }
    }
}

/// Opens a connection; `None` if that has failed, which is reported, or is no longer wanted.
async fn open<S>(
    opening: impl Future<Output = Result<Connection<S>, Failure>>,
    commands: &mut mpsc::UnboundedReceiver<ConnectionCommand>,
    reporter: &Reporter,
) -> Option<Connection<S>> {
    let opened = tokio::select! {
        opened = opening => opened,
        () = closed(commands) => return None,
    };
    match opened {
        Ok(connection) => Some(connection),
        Err(failure) => {
            reporter.report_lost(failure).await;
            None
        }
    }
}

/// Resolves when the connection is no longer wanted.
pub(crate) async fn closed(commands: &mut mpsc::UnboundedReceiver<ConnectionCommand>) {
    while let Some(ConnectionCommand::Ack(_) | ConnectionCommand::Probe) = commands.recv().await {}
}

enum ConnectionEnd {
    Commanded { polite: bool },
    Failed(Failure),
}

struct ConnectionTask<H: Handler> {
    connection: Connection<H::Session>,
    handler: H,
    reporter: Reporter,
}

impl<H: Handler> ConnectionTask<H> {
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<ConnectionCommand>) {
        match self.run_to_end(&mut commands).await {
            ConnectionEnd::Commanded { polite: true } => H::close(self.connection).await,
            ConnectionEnd::Commanded { polite: false } => {}
            ConnectionEnd::Failed(failure) => self.reporter.report_lost(failure).await,
        }
    }

    async fn run_to_end(&mut self, commands: &mut mpsc::UnboundedReceiver<ConnectionCommand>) -> ConnectionEnd {
        let generation = self.reporter.generation;
        let opened = async {
            self.reporter.report(ConnectionReport::Opened(generation), &mut self.connection).await?;
            self.handler.handle_opened(&mut self.connection, &self.reporter).await
        };
        if let Err(failure) = opened.await {
            return ConnectionEnd::Failed(failure);
        }
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
                    Ok(event) => self.handler.handle_event(event, &mut self.connection, &self.reporter).await,
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
        let (mut end, mut committed) = (None, Vec::new());
        for command in commands.drain(..) {
            match command {
                ConnectionCommand::Ack(number) => committed.push(number),
                ConnectionCommand::Probe => {
                    self.connection.probe().await?;
                }
                ConnectionCommand::Close { polite } => end = Some(polite),
            }
        }
        self.handler.handle_committed(&committed, &mut self.connection);
        self.connection.flush().await?;
        Ok(end)
    }
}
