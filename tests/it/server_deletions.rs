//! A deletion on the server that is asked for without a connection: kept, shown, sent once.

use std::time::Duration;

use belfry_core::account::Account;
use belfry_core::settings::Settings;
use engine::inbox::Inbox;
use engine::runtime::data_dir::account_dir;
use harness::proxy::Faults;
use harness::{FaultProxy, Pushd};
use jiff::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::fixtures::{Person, api, settings, text};

/// Only a failure takes that long.
const LIMIT: Duration = Duration::from_secs(60);

/// Passes connections on to a server, and counts the requests to delete a record.
pub(crate) async fn counting(server: String) -> (String, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (counter, count) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, counter) = (server.clone(), counter.clone());
            tokio::spawn(async move {
                let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
                let (mut from_client, mut to_client) = client.into_split();
                tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
                let (mut piece, mut said) = (vec![0; 64 * 1024], Vec::new());
                loop {
                    let length = from_client.read(&mut piece).await?;
                    if length == 0 {
                        return to_server.shutdown().await;
                    }
                    // A piece may be a part of a request, or more than one.
                    let before = deletions(&said);
                    said.extend_from_slice(&piece[..length]);
                    counter.send_modify(|count| *count += deletions(&said) - before);
                    to_server.write_all(&piece[..length]).await?;
                }
            });
        }
    });
    (address, count)
}

fn deletions(said: &[u8]) -> usize {
    const PATH: &[u8] = b"/deleteMessageById";
    said.windows(PATH.len()).filter(|part| *part == PATH).count()
}

#[tokio::test]
async fn a_deletion_asked_for_offline_is_shown_survives_a_restart_and_is_sent_once_at_the_next_connect() {
    let pushd = Pushd::start(["--user", "alice:secret"]).await;
    let (address, mut requests) = counting(pushd.http().trim_start_matches("http://").to_owned()).await;
    let line = FaultProxy::start(address).await;
    let more = format!("{}\n[inbox]\ndelete_on_server = true\n", api(&format!("http://{}/ecgapi", line.address())));
    let endpoint = format!("ws://{}/ws", line.address());
    let settings = settings(&endpoint, "alice", &["destination = \"/user/queue/notices\""], &more);
    let token = pushd.login("alice", "secret").await;
    let alice = Person::without_tls(&settings, &token);
    let message = json!({"title": "Lunch", "content": "at noon", "type": "1", "receiver": ["alice"]});
    let id = text(&pushd.call(&token, "sendMessage", &message).await, "id");
    let mut running = alice.run_live().await;
    if alice.inbox().await.is_empty() {
        running.event_of("notice").await;
    }
    running.terminate().await;

    line.set(Faults { refuse: true, ..Faults::default() }).await;
    let account = Account::of(&Settings::parse(&settings, "settings.toml").unwrap().0).unwrap();
    let mut inbox = Inbox::open(&account_dir(&alice.home.data_dir(), &account)).unwrap().unwrap();
    // As the window does once the person has confirmed it.
    let seqs = inbox.find(&id).unwrap();
    assert_eq!(inbox.delete_on_server(&seqs, Timestamp::now()).unwrap(), 1);
    let shown = alice.ctl(&["inbox", "show", &id]).await;
    assert!(shown.stdout.contains("will be deleted on the server when connected"), "{shown:?}");
    let mut running = alice.run().await;
    running.state("offline").await;
    running.terminate().await;
    assert_eq!(alice.inbox_ids().await, [id.as_str()]);

    let mut running = alice.run().await;
    running.state("offline").await;
    assert_eq!(*requests.borrow(), 0);
    line.heal().await;
    running.state("live").await;
    tokio::time::timeout(LIMIT, requests.wait_for(|count| *count == 1)).await.expect("a request").unwrap();
    let gone = async { while !alice.inbox_ids().await.is_empty() {} };
    tokio::time::timeout(LIMIT, gone).await.expect("the notice goes with the answer");
    let left = pushd.call(&token, "getMessagePage", &json!({"pageNum": 1, "pageSize": 10})).await;
    assert!(!left.to_string().contains(&id), "{left}");
    running.terminate().await;

    alice.run_live().await.terminate().await;
    assert_eq!(*requests.borrow(), 1);
}
