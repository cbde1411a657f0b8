//! An HTTP proxy that knows a few names and leads each to an address on this machine.
//!
//! Loopback never goes through a proxy, so a server that stands for another host has a name that
//! only this proxy resolves. Everything else is refused with 403.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Longest head of a request.
const MAX_HEAD: usize = 16 * 1024;

/// The proxy. Dropping it ends all its connections.
#[derive(Debug)]
pub struct ConnectProxy {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl ConnectProxy {
    /// Listens on a loopback port; `CONNECT NAME:PORT` leads to the address of the name.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(names: impl IntoIterator<Item = (&'static str, SocketAddr)>) -> Self {
        let names: Arc<HashMap<_, _>> = Arc::new(names.into_iter().collect());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let names = Arc::clone(&names);
                // A client may go away at any time; its test sees that.
                connections.spawn(async move { drop(serve(client, &names).await) });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, _tasks: tasks }
    }

    /// `http://127.0.0.1:PORT`, for `network.proxy`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(mut client: TcpStream, names: &HashMap<&'static str, SocketAddr>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
        if head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split([':', ' ']).next()).unwrap_or_default();
    let Some(server) = names.get(target) else {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    };
    let mut server = TcpStream::connect(server).await?;
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
