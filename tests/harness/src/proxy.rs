//! A TCP proxy that breaks the line on command: cut, refused, black hole, slow, sliced, cut after N
//! bytes.
//!
//! Nothing is lost or reordered while a connection lives: a black hole holds bytes back, as a
//! broken network does, and lets them pass when it is healed. What a fault does is decided when the
//! bytes pass, so it also meets connections that are already open.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ports::free_port;

/// What is wrong with the line; [`Faults::default`] is a good one.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// New connections are refused by the system. Open ones live on.
    pub refuse: bool,
    /// Nothing reaches the server any more.
    pub hole_to_server: bool,
    /// Nothing reaches the client any more.
    pub hole_to_client: bool,
    /// Every chunk is held back for so long, in both directions.
    pub delay: Duration,
    /// Every byte is written on its own.
    pub slice: bool,
    /// A connection is cut when so many bytes, counted from its beginning, have passed to the
    /// client.
    pub cut_to_client_after: Option<u64>,
    /// A connection is cut when so many bytes, counted from its beginning, have passed to the
    /// server.
    pub cut_to_server_after: Option<u64>,
}

/// A proxy in front of one address. Dropping it cuts everything.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    line: watch::Sender<Line>,
    counts: watch::Receiver<Counts>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Clone, Default)]
struct Line {
    faults: Faults,
    /// Connections made before the latest cut are over.
    cuts: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    accepted: u64,
    open: u64,
    /// Bytes, in both directions.
    passed: u64,
    is_listening: bool,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    ToServer,
    ToClient,
}

impl FaultProxy {
    /// Listens on a loopback port of its own and passes everything on to `server`.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(server: impl Into<String>) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (line, lines) = watch::channel(Line::default());
        let (counter, mut counts) = watch::channel(Counts::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(address, server.into(), lines, counter));
        counts.wait_for(|counts| counts.is_listening).await.expect("the proxy listens");
        Self { address, line, counts, _tasks: tasks }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what is wrong with the line. In force when this returns.
    ///
    /// # Panics
    /// If another program took the port while connections were refused.
    pub async fn set(&self, faults: Faults) {
        let is_listening = !faults.refuse;
        self.line.send_modify(|line| line.faults = faults);
        let mut counts = self.counts.clone();
        counts.wait_for(|counts| counts.is_listening == is_listening).await.expect("the proxy runs");
    }

    /// The line is good again.
    ///
    /// # Panics
    /// As [`Self::set`].
    pub async fn heal(&self) {
        self.set(Faults::default()).await;
    }

    /// Cuts all open connections. In force when this returns; new ones are not affected.
    ///
    /// # Panics
    /// If the proxy broke.
    pub async fn cut(&self) {
        self.line.send_modify(|line| line.cuts += 1);
        let mut counts = self.counts.clone();
        counts.wait_for(|counts| counts.open == 0).await.expect("the proxy runs");
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.counts.borrow().accepted
    }

    /// How many connections are open now.
    pub fn open(&self) -> u64 {
        self.counts.borrow().open
    }

    /// How many bytes passed so far, in both directions and on all connections.
    pub fn passed(&self) -> u64 {
        self.counts.borrow().passed
    }

    /// Returns when at least `count` connections were accepted in all.
    ///
    /// # Panics
    /// If the proxy broke.
    pub async fn wait_for_accepted(&self, count: u64) {
        self.counts.clone().wait_for(|counts| counts.accepted >= count).await.expect("the proxy runs");
    }
}

async fn listen(address: SocketAddr, server: String, mut lines: watch::Receiver<Line>, counter: watch::Sender<Counts>) {
    let mut connections = JoinSet::new();
    loop {
        let listener = TcpListener::bind(address).await.expect("the proxy's port");
        counter.send_modify(|counts| counts.is_listening = true);
        loop {
            let client = tokio::select! {
                client = listener.accept() => client.expect("a connection").0,
                refused = lines.wait_for(|line| line.faults.refuse) => {
                    if refused.is_err() { return }
                    break;
                }
            };
            counter.send_modify(|counts| {
                counts.accepted += 1;
                counts.open += 1;
            });
            let (server, lines, counter) = (server.clone(), lines.clone(), counter.clone());
            connections.spawn(async move {
                connect(client, &server, lines, &counter).await;
                counter.send_modify(|counts| counts.open -= 1);
            });
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        counter.send_modify(|counts| counts.is_listening = false);
        if lines.wait_for(|line| !line.faults.refuse).await.is_err() {
            return;
        }
    }
}

/// One connection, from beginning to end. A server that cannot be reached looks like a cut
/// connection.
async fn connect(client: TcpStream, server: &str, lines: watch::Receiver<Line>, counter: &watch::Sender<Counts>) {
    let cuts = lines.borrow().cuts;
    let whole = async {
        let Ok(server) = TcpStream::connect(server).await else { return };
        // Slices must leave one by one.
        client.set_nodelay(true).expect("a socket option");
        server.set_nodelay(true).expect("a socket option");
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // A half that was closed politely leaves the other one open; anything else ends both.
        let _over = tokio::try_join!(
            pump(from_client, to_server, Direction::ToServer, lines.clone(), counter),
            pump(from_server, to_client, Direction::ToClient, lines.clone(), counter),
        );
    };
    let mut changes = lines.clone();
    // The proxy itself being dropped is a cut as well.
    let cut = async { drop(changes.wait_for(|line| line.cuts != cuts).await) };
    tokio::select! {
        () = whole => {}
        () = cut => {}
    }
}

/// Passes bytes on until the sender closes its half (then so is the receiver's) or the connection
/// is over (an error).
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    mut lines: watch::Receiver<Line>,
    counter: &watch::Sender<Counts>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut passed: u64 = 0;
    loop {
        let length = from.read(&mut buffer).await?;
        let delay = lines.borrow().faults.delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let faults = lines.wait_for(|line| !line.faults.holds(direction)).await;
        let faults = faults.map_err(io::Error::other)?.faults.clone();
        if length == 0 {
            return to.shutdown().await;
        }
        let allowed = faults.limit(direction).map_or(u64::MAX, |limit| limit.saturating_sub(passed));
        let length = length.min(usize::try_from(allowed).unwrap_or(usize::MAX));
        let size = if faults.slice { 1 } else { length.max(1) };
        for chunk in buffer[..length].chunks(size) {
            to.write_all(chunk).await?;
            tokio::task::yield_now().await;
        }
        passed += length as u64;
        // Each passing chunk wakes none of those who wait for a connection.
        counter.send_if_modified(|counts| {
            counts.passed += length as u64;
            false
        });
        if faults.limit(direction).is_some_and(|limit| passed >= limit) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    }
}

impl Faults {
    fn holds(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToServer => self.hole_to_server,
            Direction::ToClient => self.hole_to_client,
        }
    }

    fn limit(&self, direction: Direction) -> Option<u64> {
        match direction {
            Direction::ToServer => self.cut_to_server_after,
            Direction::ToClient => self.cut_to_client_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        address
    }

    async fn client(proxy: &FaultProxy) -> TcpStream {
        TcpStream::connect(proxy.address()).await.unwrap()
    }

    async fn round_trip(client: &mut TcpStream, bytes: &[u8]) {
        client.write_all(bytes).await.unwrap();
        let mut back = vec![0; bytes.len()];
        client.read_exact(&mut back).await.unwrap();
        assert_eq!(back, bytes);
    }

    #[tokio::test]
    async fn a_good_line_passes_everything_on_and_closes_politely() {
        let proxy = FaultProxy::start(echo().await).await;
        let mut client = client(&proxy).await;
        round_trip(&mut client, &vec![7; 300_000]).await;
        client.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        assert_eq!((proxy.accepted(), proxy.passed()), (1, 600_000));
    }

    #[tokio::test]
    async fn a_cut_ends_open_connections_and_no_later_ones() {
        let proxy = FaultProxy::start(echo().await).await;
        let mut first = client(&proxy).await;
        round_trip(&mut first, b"before").await;
        proxy.cut().await;
        assert_eq!(proxy.open(), 0);
        assert!(matches!(first.read(&mut [0; 1]).await, Ok(0) | Err(_)));
        round_trip(&mut client(&proxy).await, b"after").await;
    }

    #[tokio::test]
    async fn refused_connections_are_refused_by_the_system_until_healed() {
        let proxy = FaultProxy::start(echo().await).await;
        let mut open = client(&proxy).await;
        round_trip(&mut open, b"before").await;
        proxy.set(Faults { refuse: true, ..Faults::default() }).await;
        let error = TcpStream::connect(proxy.address()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        round_trip(&mut open, b"still open").await;
        proxy.heal().await;
        round_trip(&mut client(&proxy).await, b"after").await;
    }

    #[tokio::test]
    async fn a_black_hole_holds_bytes_back_until_healed() {
        let proxy = FaultProxy::start(echo().await).await;
        let mut client = client(&proxy).await;
        round_trip(&mut client, b"before").await;
        proxy.set(Faults { hole_to_client: true, ..Faults::default() }).await;
        client.write_all(b"held").await.unwrap();
        let nothing = tokio::time::timeout(Duration::from_millis(200), client.read(&mut [0; 1])).await;
        assert!(nothing.is_err(), "{nothing:?}");
        proxy.heal().await;
        let mut back = [0; 4];
        client.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"held");
    }

    #[tokio::test]
    async fn a_connection_is_cut_after_exactly_so_many_bytes() {
        let proxy = FaultProxy::start(echo().await).await;
        proxy.set(Faults { cut_to_client_after: Some(5), ..Faults::default() }).await;
        let mut client = client(&proxy).await;
        client.write_all(b"0123456789").await.unwrap();
        let mut back = Vec::new();
        // How it ends depends on what was still under way; how much came does not.
        let _end = client.read_to_end(&mut back).await;
        assert_eq!(back, b"01234");
    }

    #[tokio::test]
    async fn slices_and_delays_change_nothing_but_time() {
        let proxy = FaultProxy::start(echo().await).await;
        proxy.set(Faults { slice: true, delay: Duration::from_millis(5), ..Faults::default() }).await;
        round_trip(&mut client(&proxy).await, b"one byte at a time").await;
    }
}
