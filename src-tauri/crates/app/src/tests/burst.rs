//! What the desktop and the window are told while notices arrive in quick succession.

use std::time::{Duration, Instant};

use harness::{FakeApi, FakeBroker};
use serde_json::json;
use stomp::Command;

use super::history::settings;
use super::world::{Did, World};
use crate::ipc::{Connectivity, Update};

/// How many arrive, each after the one before was acknowledged and thus committed.
const NOTICES: u64 = 60;
/// Between two changes of the numbers in window and tray.
const PAUSE: Duration = Duration::from_millis(250);

/// Sends them on the first subscription.
async fn broker() -> FakeBroker {
    FakeBroker::start(|_, mut wire| async move {
        wire.welcome().await;
        let subscribe = wire.serve_until(Command::Subscribe).await;
        let subscription = subscribe.header("id").unwrap_or_default();
        for number in 1..=NOTICES {
            let message = json!({"id": number, "title": format!("Notice {number}")}).to_string();
            wire.message(&subscription, &number.to_string(), message).await;
            wire.serve_until(Command::Ack).await;
        }
        wire.serve().await;
    })
    .await
}

#[tokio::test]
async fn many_commits_change_tray_and_window_a_few_times_a_second_and_say_the_status_once() {
    let (broker, service) = (broker().await, FakeApi::start().await);
    let began = Instant::now();
    let mut world = World::set_up(&settings(&broker, &service), |_| ()).await;
    let mut trays = 0;
    loop {
        if let Did::Tray(tray) = world.did().await {
            trays += 1;
            if tray.badge == NOTICES {
                break;
            }
        }
    }
    // Each time for the number, and for the newest notices in the menu; and for each state of the connection.
    let most = |times: u128| 2 * (began.elapsed().as_millis() / PAUSE.as_millis() + 2) + times;
    assert!(trays <= most(8), "{trays} pictures of the tray in {:?}", began.elapsed());

    let (mut statuses, mut inboxes) = (Vec::new(), 0);
    for update in world.updates_until_now() {
        match update {
            Update::Status { status } => statuses.push(status),
            Update::Inbox => inboxes += 1,
            _ => {}
        }
    }
    assert!(inboxes <= most(0), "{inboxes} updates of the inbox in {:?}", began.elapsed());
    assert!(statuses.windows(2).all(|pair| pair[0] != pair[1]), "said twice: {statuses:?}");
    assert!(statuses.iter().any(|status| status.state == Connectivity::Live));
}
