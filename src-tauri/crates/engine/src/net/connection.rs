//! One connection: a transport with a STOMP session on it, driven by one task that owns the socket.
//!
//! [`Connection`] is the two put together, for one-shot commands too; [`run`] keeps one alive for the driver. Everything
//! it does is answered by a [`Report`] with its generation. Absent: what a message means ([`crate::net::intake`]), and when to
//! connect again ([`belfry_core::pipeline::link`]).

mod subscribe;

use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::Client;
use secrecy::SecretString;
use stomp::{AckToken, Limits, ReceiptId, Session, SessionEvent, SubscriptionId};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use url::Url;

pub use self::subscribe::stream_name;
pub(crate) use self::subscribe::{PREFETCH, STREAM_OFFSET, SubscribeRequest};
use crate::clock;
use crate::net::{auth, intake::Intake, transport::Transport};
use belfry_core::pipeline::acks::Acks;
use belfry_core::{
    account::{Account, DeviceId},
    error::{Failure, Fault},
    pipeline::{
        Message,
        delivery::AckId,
        link::{Generation, PROBE_LIMIT},
    },
    settings::{AckMode, Settings},
};

/// More header lines than this are not a message for people.
const MAX_HEADERS: usize = 1_000;
/// Bytes of header lines taken.
const MAX_HEADER_BYTES: usize = 256 * 1024;
/// How long a peer may take nothing of what is sent to it: no server hesitates so long, and TCP tries much longer.
const SEND_LIMIT: Duration = Duration::from_secs(30);
/// How long a polite end may take: DISCONNECT with its receipt, and the close
/// (`docs/reference/commands.md`).
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Who connects, and how: what every connection of an engine shares.
#[derive(Debug)]
pub struct Identity {
    /// All settings.
    pub settings: Settings,
    /// Whose inbox.
    pub account: Account,
    /// Which machine.
    pub device: DeviceId,
}

/// A session on a transport.
#[derive(Debug)]
pub struct Connection {
    transport: Transport,
    session: Session,
    /// What the transport has not taken yet.
    unsent: Option<Bytes>,
    /// What is being sent must have been taken by then.
    sending: Option<Instant>,
    /// A probe is out: something must be heard before then.
    probe: Option<Instant>,
}

impl Connection {
    /// Opens the socket and queues CONNECT; [`Self::next_event`] tells what becomes of it.
    ///
    /// # Errors
    /// [`Failure`]: refused by us because it would not be encrypted, unreachable, or refused by the server.
    pub async fn open(
        client: &Client,
        identity: &Identity,
        token: &SecretString,
        endpoint: &Url,
    ) -> Result<Self, Failure> {
        let settings = &identity.settings;
        settings.network.is_allowed(endpoint).map_err(|refusal| Failure::new(Fault::Insecure, refusal.place()))?;
        let connect = auth::connect(settings, token, &identity.device);
        let limits = Limits {
            max_body: usize::try_from(settings.server.max_message).unwrap_or(usize::MAX),
            max_headers: MAX_HEADERS,
            max_header_bytes: MAX_HEADER_BYTES,
        };
        let session = Session::new(&connect, limits).map_err(|_| auth::unfit())?;
        let headers = auth::http_headers(settings, token, &identity.device)?;
        let transport = Transport::open(client, endpoint, headers).await?;
        Ok(Self::on(transport, session))
    }

    fn on(transport: Transport, session: Session) -> Self {
        Self { transport, session, unsent: None, sending: None, probe: None }
    }

    /// Sends what is waiting, then returns the next event. Safe to drop and call again.
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended.
    pub async fn next_event(&mut self) -> Result<SessionEvent, Failure> {
        loop {
            self.flush().await?;
            if let Some(event) = self.session.poll_event() {
                return Ok(event);
            }
            let deadline = self.session.poll_timeout().map(Instant::from_std);
            tokio::select! {
                bytes = self.transport.receive() => {
                    let bytes = bytes?;
                    // Whatever it is: somebody is there.
                    self.probe = None;
                    self.session.handle_bytes(bytes, Instant::now().into_std());
                }
                () = wait_until(deadline) => self.session.handle_timeout(Instant::now().into_std()),
                () = wait_until(self.probe) => return Err(Failure::new(Fault::Silent, "")),
            }
        }
    }

    /// Asks for a sign of life, which has to come within [`PROBE_LIMIT`].
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended.
    pub(crate) async fn probe(&mut self) -> Result<(), Failure> {
        self.probe = Some(Instant::now() + PROBE_LIMIT);
        self.transport.ping().await?;
        self.flush().await
    }

    /// The session, to subscribe, send and acknowledge on; [`Self::flush`] or [`Self::next_event`] sends it.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Sends what is waiting, in as few writes as it fits. Safe to drop and call again.
    ///
    /// # Errors
    /// [`Failure`] when the connection has ended, or its peer takes nothing any more.
    pub async fn flush(&mut self) -> Result<(), Failure> {
        let send = async {
            while let Some(bytes) = self.unsent.take().or_else(|| self.session.poll_transmit()) {
                self.unsent = Some(bytes.clone());
                self.transport.feed(bytes).await?;
                self.unsent = None;
            }
            self.transport.flush().await
        };
        let until = *self.sending.get_or_insert_with(|| Instant::now() + SEND_LIMIT);
        let sent = timeout_at(until, send).await.unwrap_or_else(|_| Err(Failure::new(Fault::Silent, "")));
        self.sending = None;
        sent
    }

    /// DISCONNECT with a receipt, then close; at most 2 s. Messages that still come are not looked at: they were not
    /// acknowledged and will come again.
    pub async fn close(mut self) {
        let goodbye = async {
            if self.session.disconnect(Instant::now().into_std()).is_ok() {
                while !self.session.is_over() {
                    if self.next_event().await.is_err() {
                        return;
                    }
                }
            }
            self.transport.close().await;
        };
        if timeout(CLOSE_LIMIT, goodbye).await.is_err() {
            tracing::debug!("the server did not confirm the end of the session in time");
        }
    }

    /// Subscribes to everything the settings name; to a stream from where it was left.
    ///
    /// # Errors
    /// [`Fault::Settings`] when a destination or header cannot be sent.
    pub fn subscribe_all(
        &mut self,
        identity: &Identity,
        offsets: &HashMap<String, u64>,
    ) -> Result<HashMap<SubscriptionId, usize>, Failure> {
        let mut made = HashMap::new();
        for index in 0..identity.settings.server.subscriptions.len() {
            let Some(request) = SubscribeRequest::new(identity, index, offsets)? else { continue };
            self.subscribe(&request)?;
            made.insert(request.id, index);
        }
        Ok(made)
    }

    /// Subscribes; the receipt says when the server has done it.
    ///
    /// # Errors
    /// [`Fault::Settings`] when it cannot be sent.
    pub(crate) fn subscribe(&mut self, request: &SubscribeRequest) -> Result<ReceiptId, Failure> {
        self.session
            .subscribe(request.id.clone(), &request.destination, request.ack, &request.headers)
            .map_err(|error| Failure::new(Fault::Settings, format!("server.subscriptions: {error}")))
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// What a connection tells the driver.
#[derive(Debug)]
pub enum Report {
    /// The socket is open.
    Opened(Generation),
    /// The session is established, the subscriptions are sent.
    Established(Generation),
    /// A message.
    Message(Box<Message>),
    /// It is over.
    Lost(Generation, Failure),
}

/// What the driver asks of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The message with this number is committed.
    Ack(u64),
    /// Prove that the peer is there.
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
    /// Who connects.
    pub identity: Arc<Identity>,
    /// How messages are read.
    pub intake: Arc<Intake>,
    /// Where to.
    pub endpoint: Option<Url>,
    /// Its number.
    pub generation: Generation,
    /// Where each stream was left, by [`stream_name`].
    pub offsets: HashMap<String, u64>,
}

/// Runs one connection to its end. The end is always reported, unless it was ordered. A full `reports` channel stops the
/// reading, and so the server.
pub async fn run(
    client: Client,
    token: SecretString,
    opening: Opening,
    mut orders: mpsc::UnboundedReceiver<Order>,
    reports: mpsc::Sender<Report>,
) {
    let Opening { identity, intake, endpoint, generation, offsets } = opening;
    let opened = async {
        let endpoint = endpoint.ok_or_else(|| Failure::new(Fault::Settings, "server.endpoints is empty"))?;
        Connection::open(&client, &identity, &token, &endpoint).await
    };
    let opened = tokio::select! {
        opened = opened => opened,
        () = closed(&mut orders) => return,
    };
    drop(token);
    let connection = match opened {
        Ok(connection) => connection,
        Err(failure) => {
            let _ = reports.send(Report::Lost(generation, failure)).await;
            return;
        }
    };
    let mut running = Running {
        connection,
        identity,
        intake,
        generation,
        reports,
        offsets,
        subscriptions: HashMap::new(),
        acks: Acks::default(),
        is_established: false,
    };
    // A driver that no longer listens has ended, and so has this.
    if running.report(Report::Opened(generation)).await.is_err() {
        return;
    }
    let end = running.run(&mut orders).await;
    match end {
        End::Ordered { polite: true } => running.connection.close().await,
        End::Ordered { polite: false } => {}
        End::Failed(failure) => {
            let _ = running.reports.send(Report::Lost(generation, failure)).await;
        }
    }
}

/// Resolves when the connection is no longer wanted.
pub(crate) async fn closed(orders: &mut mpsc::UnboundedReceiver<Order>) {
    while let Some(Order::Ack(_) | Order::Probe) = orders.recv().await {}
}

enum End {
    Ordered { polite: bool },
    Failed(Failure),
}

struct Running {
    connection: Connection,
    identity: Arc<Identity>,
    intake: Arc<Intake>,
    generation: Generation,
    reports: mpsc::Sender<Report>,
    offsets: HashMap<String, u64>,
    subscriptions: HashMap<SubscriptionId, usize>,
    acks: Acks,
    is_established: bool,
}

impl Running {
    async fn run(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>) -> End {
        let mut waiting = Vec::new();
        loop {
            let result = tokio::select! {
                biased;
                count = orders.recv_many(&mut waiting, 256) => {
                    if count == 0 {
                        return End::Ordered { polite: true };
                    }
                    match self.handle_orders(&mut waiting).await {
                        Ok(Some(polite)) => return End::Ordered { polite },
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
                return End::Failed(failure);
            }
        }
    }

    /// What was committed in one transaction is acknowledged in one flush. Returns whether to end, and how.
    async fn handle_orders(&mut self, orders: &mut Vec<Order>) -> Result<Option<bool>, Failure> {
        let mut end = None;
        for order in orders.drain(..) {
            match order {
                Order::Ack(number) => self.acks.handle_committed(number),
                Order::Probe => {
                    self.connection.probe().await?;
                }
                Order::Close { polite } => end = Some(polite),
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
                self.report(Report::Established(self.generation)).await
            }
            SessionEvent::Message { subscription, ack, frame } => {
                let index = self.subscriptions.get(&subscription).copied();
                let mut message = self.intake.message(index, &frame, clock::now().wall);
                message.offset = index
                    .and_then(|index| stream_name(&self.identity, index))
                    .zip(frame.header(STREAM_OFFSET).and_then(|offset| offset.parse().ok()));
                self.report_message(index, ack, message).await
            }
            SessionEvent::Oversize { subscription, ack, oversize } => {
                let index = self.subscriptions.get(&subscription).copied();
                let message = self.intake.oversize(&oversize, clock::now().wall);
                self.report_message(index, ack, message).await
            }
            other => ending(&other, self.is_established).map_or(Ok(()), Err),
        }
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
        self.report(Report::Message(Box::new(message))).await
    }

    async fn report(&mut self, report: Report) -> Result<(), Failure> {
        self.reports.send(report).await.map_err(|_| Failure::new(Fault::Closed, "the engine has ended"))
    }
}

/// Spring names whom it has signed in: somebody else's session would bring somebody else's messages.
pub(crate) fn check_user(user_name: Option<String>, identity: &Identity) -> Result<(), Failure> {
    let login = identity.account.login();
    match user_name.filter(|name| !login.is_empty() && name != login) {
        Some(other) => Err(Failure::new(Fault::WrongAccount, format!("{other} ≠ {login}"))),
        None => Ok(()),
    }
}

/// Why the session is over, if this event ends it.
pub(crate) fn ending(event: &SessionEvent, is_established: bool) -> Option<Failure> {
    match event {
        SessionEvent::Error { message, frame, .. } => {
            Some(refusal(message, &String::from_utf8_lossy(frame.body()), is_established))
        }
        SessionEvent::Violation(violation) => Some(Failure::new(Fault::Protocol, violation.to_string())),
        SessionEvent::PeerSilent => Some(Failure::new(Fault::Silent, "")),
        SessionEvent::Disconnected { .. } => Some(Failure::new(Fault::Closed, "")),
        SessionEvent::Connected { .. }
        | SessionEvent::Message { .. }
        | SessionEvent::Oversize { .. }
        | SessionEvent::Receipt(_) => None,
    }
}

/// What an ERROR frame means: only its words tell, and every server has its own.
fn refusal(message: &str, body: &str, is_established: bool) -> Failure {
    let text = format!("{message} {body}").to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // RabbitMQ: "Bad CONNECT" with "Access refused for user" or "Virtual host ... access denied"; "Credential expired".
    // Spring: the text of whatever exception its interceptor threw; its relay: "Broker not available."
    let fault = if says(&["virtual host", "not available", "connection to broker closed", "session closed"]) {
        if says(&["virtual host"]) { Fault::Denied } else { Fault::Closed }
    } else if says(&["credential", "expired", "unauthorized", "authenticat", "bad connect", "token", "password"])
        || (!is_established && says(&["access", "denied", "forbidden", "login", "refused"]))
    {
        Fault::Refused
    } else {
        Fault::Denied
    };
    let detail: String = [message.trim(), body.trim()]
        .join(": ")
        .chars()
        .filter(|character| !character.is_control())
        .take(200)
        .collect();
    Failure::new(fault, detail.trim_matches([':', ' ']).to_owned())
}

#[cfg(test)]
mod tests;
