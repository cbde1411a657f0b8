//! The real RabbitMQ server of the system, one private node per [`RabbitMq`], with Web STOMP.
//!
//! Nothing is shared with a broker the machine may run: own ports, node name, cookie, data and port
//! mapper (epmd). The scripts below Debian's wrapper are run, so it works as any user. Measured
//! with 3.10.8: up in 3 s, down in 1 s. [`RabbitMq::start_cluster`] makes three nodes one cluster.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::child_guard::ChildGuard;
use crate::ports::free_port;
use crate::skip::skip;

const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";
/// On two processors with 25 programs at work, 4 s of processor time took up to 100 s.
const START_LIMIT: Duration = Duration::from_secs(180);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const COUNTS_LIMIT: Duration = Duration::from_secs(60);
/// Stands for a node's own name where its settings are written.
const OWN_NAME: &str = "OWN-NAME";

/// A RabbitMQ node of this test's own, or the one all tests of the process share. Clones are the
/// same node.
#[derive(Debug, Clone)]
pub struct RabbitMq(Arc<Node>);

#[derive(Debug)]
struct Node {
    // The process is dropped, and so killed, before its folder is.
    server: Mutex<Option<Server>>,
    folder: TempDir,
    ports: Ports,
    world: Arc<World>,
}

/// What the nodes of a cluster share.
#[derive(Debug)]
struct World {
    // The process is dropped, and so killed, before its folder is.
    _port_mapper: ChildGuard,
    /// The cookie lives there.
    home: TempDir,
    port: u16,
}

/// The running server and what it says.
#[derive(Debug)]
struct Server {
    process: ChildGuard,
    events: mpsc::Receiver<Event>,
}

#[derive(Debug)]
enum Event {
    /// All listeners are open.
    Ready,
    /// The process is over; its last lines.
    Ended(String),
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    amqp: u16,
    stomp: u16,
    web_stomp: u16,
    distribution: u16,
}

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueCounts {
    /// Waiting to be delivered.
    pub ready: u64,
    /// Delivered and not acknowledged yet.
    pub unacknowledged: u64,
}

impl RabbitMq {
    /// The broker that all tests of this process share; `None`, with a loud skip, where RabbitMQ is
    /// not installed. Tests use queue names, users or virtual hosts of their own on it, and never
    /// stop it.
    ///
    /// # Panics
    /// If it is installed and does not start, or if it is missing and `CI=true`.
    pub async fn shared() -> Option<Self> {
        static SHARED: OnceCell<RabbitMq> = OnceCell::const_new();
        if !is_installed() {
            skip("RabbitMQ is not installed");
            return None;
        }
        Some(SHARED.get_or_init(Self::start_node).await.clone())
    }

    /// A broker of the test's own, to be stopped and started; `None`, with a loud skip, where it is
    /// not installed.
    ///
    /// # Panics
    /// If it is installed and does not start, or if it is missing and `CI=true`.
    pub async fn start() -> Option<Self> {
        if !is_installed() {
            skip("RabbitMQ is not installed");
            return None;
        }
        Some(Self::start_node().await)
    }

    /// A broker of the test's own with this plugin and these lines in `rabbitmq.conf`; `None`, with a
    /// loud skip, where it is not installed.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_with(plugin: &'static str, settings: String) -> Option<Self> {
        if !is_installed() {
            skip("RabbitMQ is not installed");
            return None;
        }
        let start = move || Node::start(Arc::new(World::new()?), &settings, &[plugin]);
        let node = spawn_blocking(start).await.expect("starting RabbitMQ");
        Some(Self(Arc::new(node.expect("RabbitMQ starts"))))
    }

    /// Three nodes of one cluster; `None`, with a loud skip, where it is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start, or if it is missing and `CI=true`.
    pub async fn start_cluster() -> Option<[Self; 3]> {
        let first = Self::start().await?;
        let second = first.start_beside().await;
        let third = first.start_beside().await;
        Some([first, second, third])
    }

    async fn start_node() -> Self {
        let start = || Node::start(Arc::new(World::new()?), "", &[]);
        let node = spawn_blocking(start).await.expect("starting RabbitMQ");
        Self(Arc::new(node.expect("RabbitMQ starts")))
    }

    /// Another node in the cluster of this one.
    async fn start_beside(&self) -> Self {
        let start = |node: &Node| {
            let nodes = "cluster_formation.classic_config.nodes";
            let settings = format!("{nodes}.1 = {}\n{nodes}.2 = {OWN_NAME}\n", node.name());
            Node::start(Arc::clone(&node.world), &settings, &[])
        };
        Self(Arc::new(self.blocking(start).await))
    }

    /// `ws://127.0.0.1:PORT/ws`, RabbitMQ's Web STOMP.
    pub fn ws_url(&self) -> String {
        format!("ws://{}/ws", self.ws_address())
    }

    /// The address behind [`Self::ws_url`], to put a [`FaultProxy`](crate::FaultProxy) in front of.
    pub fn ws_address(&self) -> String {
        format!("127.0.0.1:{}", self.0.ports.web_stomp)
    }

    /// The port of STOMP without a WebSocket, for a relay in front of the broker.
    pub fn stomp_port(&self) -> u16 {
        self.0.ports.stomp
    }

    /// `amqp://…` for the administrator `guest` on the virtual host `/`.
    pub fn amqp_url(&self) -> String {
        self.amqp_url_of("%2f")
    }

    /// `amqp://…` for the administrator `guest` on another virtual host.
    pub fn amqp_url_of(&self, virtual_host: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{virtual_host}", self.0.ports.amqp)
    }

    /// Stops the broker by SIGTERM; its data stays. Its listeners are closed when this returns.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn stop(&self) {
        self.blocking(Node::stop_server).await;
    }

    /// Kills the broker, as a power cut would; its data stays.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub async fn kill(&self) {
        self.blocking(|node| node.take_server().process.kill().map(|_status| ())).await;
    }

    /// Starts it again on the same ports with the same data.
    ///
    /// # Panics
    /// If it does not come up.
    pub async fn start_again(&self) {
        self.blocking(Node::start_server).await;
    }

    /// Adds a user with rights on the virtual host `/` for what `permissions` match: configure,
    /// write and read, three regular expressions.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn add_user(&self, name: &str, password: &str, permissions: [&str; 3]) {
        self.ctl(&["add_user", name, password]).await;
        let [configure, write, read] = permissions;
        self.ctl(&["set_permissions", "-p", "/", name, configure, write, read]).await;
    }

    /// Adds a virtual host, with all rights for `guest`.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn add_virtual_host(&self, name: &str) {
        self.ctl(&["add_vhost", name]).await;
        self.ctl(&["set_permissions", "-p", name, "guest", ".*", ".*", ".*"]).await;
    }

    /// What a queue on the virtual host `/` holds, asked of the queue itself; `None` if there is no
    /// such queue.
    ///
    /// # Panics
    /// If the broker does not answer.
    pub async fn queue_counts(&self, queue: &str) -> Option<QueueCounts> {
        let table =
            self.ctl(&["list_queues", "--no-table-headers", "messages_ready", "messages_unacknowledged", "name"]).await;
        table.lines().find_map(|line| {
            let mut cells = line.splitn(3, '\t');
            let mut number = || cells.next()?.parse().ok();
            let counts = QueueCounts { ready: number()?, unacknowledged: number()? };
            (cells.next() == Some(queue)).then_some(counts)
        })
    }

    /// Waits until a queue holds nothing, neither ready nor unacknowledged.
    ///
    /// # Panics
    /// If that takes longer than 60 s, or there is no such queue.
    pub async fn wait_until_empty(&self, queue: &str) {
        self.wait_until_ready(queue, 0).await;
    }

    /// Waits until a queue holds so many messages, all of them ready.
    ///
    /// # Panics
    /// If that takes longer than 60 s, or there is no such queue.
    pub async fn wait_until_ready(&self, queue: &str, ready: u64) {
        let expected = QueueCounts { ready, unacknowledged: 0 };
        let deadline = Instant::now() + COUNTS_LIMIT;
        loop {
            let counts = self.queue_counts(queue).await.expect("the queue");
            if counts == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{queue} holds {counts:?}");
        }
    }

    /// Waits until each quorum queue has a majority without this node.
    ///
    /// # Panics
    /// If that takes longer than a minute.
    pub async fn wait_until_spare(&self) {
        self.run("rabbitmq-upgrade", &["await_online_quorum_plus_one", "--timeout", "60"]).await;
    }

    /// Runs `rabbitmqctl --quiet ARGS` against this broker and returns what it prints.
    ///
    /// # Panics
    /// If it fails.
    pub async fn ctl(&self, args: &[&str]) -> String {
        self.run("rabbitmqctl", args).await
    }

    async fn run(&self, program: &'static str, args: &[&str]) -> String {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        self.blocking(move |node| {
            let output = node.program(program).arg("--quiet").args(&args).output()?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(io::Error::other(format!("{program} {args:?}: {said}")));
            }
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        })
        .await
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Node) -> io::Result<T> + Send + 'static) -> T {
        let node = Arc::clone(&self.0);
        spawn_blocking(move || work(&node)).await.expect("work on RabbitMQ").expect("RabbitMQ does as told")
    }
}

impl Node {
    /// Starts a node with more lines of `rabbitmq.conf`, in which [`OWN_NAME`] stands for the node,
    /// and more plugins.
    fn start(world: Arc<World>, more: &str, plugins: &[&str]) -> io::Result<Self> {
        let ports = Ports { amqp: free_port(), stomp: free_port(), web_stomp: free_port(), distribution: free_port() };
        let node = Self { server: None.into(), folder: folder()?, ports, world };
        let Ports { amqp, stomp, web_stomp, .. } = ports;
        let mut settings = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nstomp.listeners.tcp.1 = 127.0.0.1:{stomp}\n\
             web_stomp.tcp.ip = 127.0.0.1\nweb_stomp.tcp.port = {web_stomp}\nlog.console = true\nlog.file = false\n"
        );
        settings += &more.replace(OWN_NAME, &node.name());
        let plugins = [&["rabbitmq_web_stomp"], plugins].concat().join(", ");
        fs::write(node.folder.path().join("rabbitmq.conf"), settings)?;
        fs::write(node.folder.path().join("enabled_plugins"), format!("[{plugins}].\n"))?;
        node.start_server()?;
        Ok(node)
    }

    fn name(&self) -> String {
        format!("belfry-{}@localhost", self.ports.amqp)
    }

    /// One of RabbitMQ's programs, in this node's own world.
    fn program(&self, name: &str) -> Command {
        let at = |name: &str| self.folder.path().join(name);
        let mut program = Command::new(Path::new(PROGRAMS).join(name));
        program
            .env("HOME", self.world.home.path())
            .env("ERL_EPMD_PORT", self.world.port.to_string())
            .env("RABBITMQ_NODENAME", self.name())
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", at("data"))
            .env("RABBITMQ_LOG_BASE", at("log"))
            .env("RABBITMQ_PID_FILE", at("pid"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}")
            .env("RABBITMQ_CTL_ERL_ARGS", "-start_epmd false")
            .stdin(Stdio::null());
        program
    }

    /// Starts the server. Once in a while RabbitMQ hangs in its start on a busy machine; it is
    /// killed then and started once more.
    fn start_server(&self) -> io::Result<()> {
        let server = match self.try_start_server() {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => self.try_start_server()?,
            started => started?,
        };
        *self.server.lock().expect("no panic while held") = Some(server);
        Ok(())
    }

    fn try_start_server(&self) -> io::Result<Server> {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("stderr"))?;
        let mut command = self.program("rabbitmq-server");
        command.stdout(Stdio::piped()).stderr(log);
        let mut process = ChildGuard::spawn_in(&mut command, Some(self.folder.path()))?;
        let stdout = process.child().stdout.take().ok_or_else(|| io::Error::other("no stdout"))?;
        let mut server = Server { process, events: follow(stdout) };
        match server.events.recv_timeout(START_LIMIT) {
            Ok(Event::Ready) => Ok(server),
            Ok(Event::Ended(last)) => Err(io::Error::other(format!("RabbitMQ ended:\n{last}"))),
            Err(error) => {
                server.process.kill()?;
                let last = match server.events.recv_timeout(STOP_LIMIT) {
                    Ok(Event::Ended(last)) => last,
                    Ok(Event::Ready) | Err(_) => String::new(),
                };
                let said = format!("RabbitMQ does not start: {error}. It said last:\n{last}");
                Err(io::Error::new(io::ErrorKind::TimedOut, said))
            }
        }
    }

    fn take_server(&self) -> Server {
        self.server.lock().expect("no panic while held").take().expect("the broker runs")
    }

    fn stop_server(&self) -> io::Result<()> {
        let mut server = self.take_server();
        server.process.signal(Signal::TERM)?;
        match server.events.recv_timeout(STOP_LIMIT) {
            Ok(_ended) => server.process.child().wait().map(|_status| ()),
            Err(error) => Err(io::Error::other(format!("RabbitMQ does not stop: {error}"))),
        }
    }
}

impl World {
    /// Starts Erlang's port mapper, in the foreground: one that a node starts by itself would stay
    /// behind as a daemon.
    fn new() -> io::Result<Self> {
        let (home, port) = (folder()?, free_port());
        let mut command = Command::new("epmd");
        command.args(["-port", &port.to_string(), "-address", "127.0.0.1"]).current_dir(home.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let port_mapper = ChildGuard::spawn_in(&mut command, Some(home.path()))?;
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline {
                return Err(io::Error::other("epmd does not answer"));
            }
            std::thread::yield_now(); // a matter of a few milliseconds
        }
        Ok(Self { _port_mapper: port_mapper, home, port })
    }
}

fn is_installed() -> bool {
    PathBuf::from(PROGRAMS).join("rabbitmq-server").exists()
}

fn folder() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("belfry-rabbitmq-").tempdir()
}

/// Reads the server's log to its end, since a full pipe would stop the server.
fn follow(stdout: ChildStdout) -> mpsc::Receiver<Event> {
    const LAST_LINES: usize = 40;
    let (sender, events) = mpsc::channel();
    std::thread::spawn(move || {
        let mut last = VecDeque::new();
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.contains("Server startup complete") {
                let _no_receiver = sender.send(Event::Ready);
            }
            last.push_back(line);
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
        let _no_receiver = sender.send(Event::Ended(last.make_contiguous().join("\n")));
    });
    events
}
