//! Starting and stopping: the listener, the routes, and the end of all connections.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Router, middleware};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::account::Account;
use crate::addresses::{Addresses, PublicUrl, Refused};
use crate::amqp::{self, AmqpError, AmqpUrl, Publisher};
use crate::answer::ApiError;
use crate::hub::{Hub, Member, Rules};
use crate::store::{Store, StoreError};
use crate::tokens::digest;
use crate::{MAX_MESSAGE, api, auth, demo, discovery, session, sockjs, websocket};

/// How long connections may take to close when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// How long a token is good unless told.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// How often a SockJS connection is kept alive, unless told.
pub const SOCKJS_HEART_BEAT: Duration = Duration::from_secs(25);

/// How to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Under which address clients reach it, where that is another one. A wildcard `listen`
    /// requires it.
    pub public_url: Option<PublicUrl>,
    /// Folder for the records; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Who can sign in; of the same login twice the last counts.
    pub accounts: Vec<Account>,
    /// `amqp://…` of a RabbitMQ that every record is published to as well.
    pub amqp: Option<AmqpUrl>,
    /// Behave like servers that mark a record delivered by serving it.
    pub destructive_collect: bool,
    /// How long a token of `POST /login` is good; a session that was opened with it ends with it.
    pub token_lifetime: Duration,
    /// How often a SockJS connection is kept alive.
    pub sockjs_heart_beat: Duration,
    /// Add the demo's accounts, page and endpoints.
    pub demo: bool,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The records can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A wildcard address is no address that answers could name.
    #[error("--listen {0} is every address of this machine: say with --public-url under which one clients reach it")]
    NoPublicUrl(SocketAddr),
    /// RabbitMQ can't be used.
    #[error("cannot publish to the broker given with --amqp: {0}")]
    Amqp(#[from] AmqpError),
    /// A login that RabbitMQ would route to other people.
    #[error("--user {0:?} cannot be used with --broker rabbitmq: a routing key must not be \"all\" or hold * or #")]
    Login(String),
    /// The address can't be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A running server; end it with [`stop`](Self::stop).
pub struct Server {
    pub(crate) hub: Arc<Hub>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Binds, opens the records and serves in the background.
    ///
    /// # Errors
    /// [`StartError`]: nothing is running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        if config.listen.ip().is_unspecified() && config.public_url.is_none() {
            return Err(StartError::NoPublicUrl(config.listen));
        }
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut store = Store::open(config.data.as_deref())?;
        let people = if config.demo { demo::accounts() } else { Vec::new() };
        let mut members = BTreeMap::new();
        for Account { login, password } in people.into_iter().chain(config.accounts) {
            if config.amqp.is_some() && !amqp::is_routable(&login) {
                return Err(StartError::Login(login));
            }
            let member = Member { digest: digest(&password), user_id: store.user_id(&login)? };
            members.insert(login, member);
        }
        let publisher = match config.amqp {
            None => None,
            Some(url) => {
                store.open_outbox()?;
                Some(Publisher::connect(url).await?)
            }
        };
        let rules = Rules {
            addresses: Addresses::new(address, config.public_url),
            destructive_collect: config.destructive_collect,
            token_lifetime: config.token_lifetime,
            sockjs_heart_beat: config.sockjs_heart_beat,
            has_external_broker: publisher.is_some(),
            is_demo: config.demo,
        };
        let hub = Arc::new(Hub::new(store, members, rules));
        if let Some(publisher) = publisher {
            tokio::spawn(publisher.run(Arc::clone(&hub)));
        }

        let app = routes(config.demo)
            .layer(DefaultBodyLimit::max(MAX_MESSAGE))
            .layer(middleware::from_fn_with_state(Arc::clone(&hub), guard))
            .with_state(Arc::clone(&hub));
        // Frames are small and each is waited for.
        let listener = listener.tap_io(|socket| {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
        });
        let mut stopping = hub.stop_signal();
        let stop = async move { stopping.received().await };
        let task = tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(stop).into_future());
        Ok(Self { hub, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.hub.rules.addresses.listen()
    }

    /// The line that says where it listens, for the programs that started it; `{token}` stands as
    /// it is. Of a wildcard address it names the loopback one.
    pub fn ready_line(&self) -> String {
        let mut address = self.address();
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                IpAddr::V4(Ipv4Addr::LOCALHOST)
            } else {
                IpAddr::V6(Ipv6Addr::LOCALHOST)
            });
        }
        json!({
            "ready": true,
            "http": format!("http://{address}"),
            "stomp": format!("ws://{address}/ws"),
            "websocket": format!("ws://{address}/websocket/{{token}}"),
            "sockjs": format!("http://{address}/sockjs"),
        })
        .to_string()
    }

    /// Stops: connections are closed with a reason and get a moment to end; the records are written
    /// already.
    pub async fn stop(mut self) {
        let ended = timeout(STOP_WITHIN, async {
            self.hub.stop().await;
            if let Ok(Err(error)) = (&mut self.task).await {
                tracing::warn!(%error, "the listener had failed");
            }
        });
        if ended.await.is_err() {
            tracing::warn!("some connections did not close in time");
            self.task.abort();
        }
    }
}

fn routes(is_demo: bool) -> Router<Arc<Hub>> {
    let demo = if is_demo { demo::router() } else { Router::new() };
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/.well-known/belfry.json", get(discovery::settings))
        .route("/login", post(auth::login))
        .route("/logout", post(auth::logout))
        .nest("/ecgapi/api/message", api::router())
        .route("/ws", get(session::upgrade))
        .route("/websocket/{token}", get(websocket::upgrade))
        .merge(sockjs::router())
        .merge(demo)
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this address takes another method: the API is POST")
        })
}

/// Refuses what another site's page or another host name asks; in front of every route.
async fn guard(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    match hub.rules.addresses.check(request.uri().authority(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            let status = match refused {
                Refused::Host => StatusCode::MISDIRECTED_REQUEST,
                Refused::Origin => StatusCode::FORBIDDEN,
            };
            ApiError::new(status, refused.to_string()).into_response()
        }
    }
}
