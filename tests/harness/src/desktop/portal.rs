//! The part of the desktop portal that resolves proxies, with the answer of the test.
//!
//! It is what programs see of GNOME, KDE and others. Deliberately absent: every other part of the
//! portal, and automatic configuration, which the desktop does behind it.

use std::future::pending;

use tokio::sync::mpsc;
use zbus::Connection;
use zbus::connection::Builder;

use super::Bus;

const NAME: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";

struct Resolver {
    answer: Option<Vec<String>>,
    asked: mpsc::UnboundedSender<String>,
}

#[zbus::interface(name = "org.freedesktop.portal.ProxyResolver")]
impl Resolver {
    async fn lookup(&self, uri: String) -> Vec<String> {
        // The test may be over.
        drop(self.asked.send(uri));
        match &self.answer {
            Some(answer) => answer.clone(),
            None => pending().await,
        }
    }

    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        1
    }
}

/// The portal on a bus. Dropping takes it away.
#[derive(Debug)]
pub struct Portal {
    _connection: Connection,
    asked: mpsc::UnboundedReceiver<String>,
}

impl Portal {
    /// Comes to the bus; `None` as its answer: it never answers.
    ///
    /// # Panics
    /// If there is a portal already.
    pub async fn start(bus: &Bus, answer: Option<&[&str]>) -> Self {
        let (asked, receiver) = mpsc::unbounded_channel();
        let answer = answer.map(|answer| answer.iter().map(|&uri| uri.to_owned()).collect());
        let builder = Builder::address(bus.address()).and_then(|builder| builder.name(NAME));
        let builder = builder.and_then(|builder| builder.serve_at(PATH, Resolver { answer, asked }));
        let connection = builder.expect("an address and names").build().await.expect("the only portal");
        Self { _connection: connection, asked: receiver }
    }

    /// The addresses that it was asked about since the last call.
    pub fn asked(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }
}
