//! A STOMP server that does what the test's script says, connection by connection, right or wrong.
//!
//! For what no real broker can be made to do on command: broken frames, invalid UTF-8, floods,
//! close codes, silence.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Wire;

/// A scripted server. Dropping it ends all its connections, and fails the test if a script failed.
#[derive(Debug)]
pub struct FakeBroker {
    address: SocketAddr,
    connections: watch::Receiver<usize>,
    failures: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl FakeBroker {
    /// Listens; each connection (numbered from 0) runs `script` when its upgrade is done, and ends
    /// with it.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start<F, R>(script: F) -> Self
    where
        F: Fn(usize, Wire) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (counter, connections) = watch::channel(0);
        let failures = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, script, counter, Arc::clone(&failures)));
        Self { address, connections, failures, _tasks: tasks }
    }

    /// `ws://127.0.0.1:PORT/ws`; any path will do.
    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Its address, to put a [`FaultProxy`](crate::FaultProxy) or a [`TlsFront`](crate::TlsFront)
    /// in front of.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were upgraded so far.
    pub fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Returns when at least `count` connections were upgraded in all.
    ///
    /// # Panics
    /// If the server broke.
    pub async fn wait_for_connections(&self, count: usize) {
        self.connections.clone().wait_for(|seen| *seen >= count).await.expect("the server runs");
    }
}

impl Drop for FakeBroker {
    fn drop(&mut self) {
        let failures = self.failures.lock().expect("no panic while held");
        assert!(failures.is_empty() || std::thread::panicking(), "a script failed: {}", failures.join("\n"));
    }
}

async fn serve<F, R>(listener: TcpListener, script: F, counter: watch::Sender<usize>, failures: Arc<Mutex<Vec<String>>>)
where
    F: Fn(usize, Wire) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let script = Arc::new(script);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let stream = accepted.expect("a connection").0;
                let (script, counter) = (Arc::clone(&script), counter.clone());
                // Each on its own, as on a real server: a client that is slow with its upgrade
                // holds up no other.
                connections.spawn(async move {
                    // A client that goes away during its upgrade does not count.
                    let Ok(wire) = Wire::accept(stream).await else { return };
                    let mut number = 0;
                    counter.send_modify(|count| {
                        number = *count;
                        *count += 1;
                    });
                    script(number, wire).await;
                });
            }
            Some(Err(failure)) = connections.join_next() => {
                failures.lock().expect("no panic while held").push(failure.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use stomp::Command;

    use super::*;

    #[tokio::test]
    async fn each_connection_runs_the_script_with_its_number() {
        let broker = FakeBroker::start(|number, mut wire| async move {
            let connect = wire.welcome().await;
            assert_eq!(connect.header("login").as_deref(), Some("alice"));
            wire.message("0", "m1", number.to_string()).await;
            wire.close(1001, "enough").await;
        })
        .await;
        for number in 0..2 {
            let mut wire = Wire::connect(&broker.url()).await;
            wire.sign_in("alice", "secret", "/").await;
            assert_eq!(wire.expect(Command::Message).await.body(), number.to_string().as_bytes());
            assert!(wire.receive().await.is_none());
        }
        broker.wait_for_connections(2).await;
    }

    #[tokio::test]
    async fn a_client_that_is_silent_before_its_upgrade_holds_up_no_other() {
        let broker = FakeBroker::start(|_, mut wire| async move { drop(wire.welcome().await) }).await;
        let _silent = tokio::net::TcpStream::connect(broker.address()).await.unwrap();
        Wire::connect(&broker.url()).await.sign_in("alice", "secret", "/").await;
    }

    #[tokio::test]
    #[should_panic(expected = "a script failed")]
    async fn a_script_that_fails_fails_the_test() {
        let broker = FakeBroker::start(|_, mut wire| async move {
            wire.expect(Command::Send).await;
        })
        .await;
        let mut wire = Wire::connect(&broker.url()).await;
        wire.send(Command::Begin, &[("transaction", "1")], b"").await;
        while wire.receive().await.is_some() {}
        while broker.failures.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
