//! Starting and stopping: the listener, the routes, and the end of all connections.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::answer::ApiError;
use crate::hub::Hub;
use crate::store::{Store, StoreError};
use crate::tokens::digest;
use crate::{MAX_MESSAGE, api, auth, demo, discovery, session, websocket};

/// How long connections may take to say goodbye when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// How long a token is good unless told.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Somebody who can sign in. The login is also the user id.
#[derive(Clone)]
pub struct Account {
    /// Login name.
    pub login: String,
    /// Password, in the clear until the server has started.
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("login", &self.login).field("password", &"***").finish()
    }
}

/// How to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder for the records; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Who can sign in; of the same login twice the last counts.
    pub accounts: Vec<Account>,
    /// Behave like servers that mark a record delivered by serving it.
    pub destructive_collect: bool,
    /// How long a token of `POST /login` is good; a session that was opened with it ends with it.
    pub token_lifetime: Duration,
    /// Add the demo's accounts, page and endpoints.
    pub demo: bool,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The records can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
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
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let store = Store::open(config.data.as_deref())?;
        let people = if config.demo { demo::accounts() } else { Vec::new() };
        let accounts: BTreeMap<_, _> = people
            .into_iter()
            .chain(config.accounts)
            .map(|account| (account.login, digest(&account.password)))
            .collect();
        let hub = Arc::new(Hub::new(store, accounts, address, config.destructive_collect, config.token_lifetime));

        let mut router = routes();
        if config.demo {
            router = router.merge(demo::router());
        }
        let app = router.layer(DefaultBodyLimit::max(MAX_MESSAGE)).with_state(Arc::clone(&hub));
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
        self.hub.address
    }

    /// The line that says where everything is; `{token}` stands as it is.
    pub fn ready_line(&self) -> String {
        let address = self.address();
        json!({
            "ready": true,
            "http": format!("http://{address}"),
            "stomp": format!("ws://{address}/ws"),
            "websocket": format!("ws://{address}/websocket/{{token}}"),
        })
        .to_string()
    }

    /// Stops: clients are told, connections get a moment to close, the records are written already.
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

fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/.well-known/belfry.json", get(discovery::settings))
        .route("/login", post(auth::login))
        .nest("/ecgapi/api/message", api::router())
        .route("/ws", get(session::upgrade))
        .route("/websocket/{token}", get(websocket::upgrade))
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this address takes another method: the API is POST")
        })
}
