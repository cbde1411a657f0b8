//! A dock that shows nothing: it reads the numbers that programs want on their icons
//! (`com.canonical.Unity.LauncherEntry`).

use std::collections::HashMap;

use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::message::Type;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, MatchRule, MessageStream};

use super::Bus;
use crate::program::EVENT_TIMEOUT;

/// A dock on a bus. Dropping takes it away.
#[derive(Debug)]
pub struct Dock {
    signals: MessageStream,
    /// Ends with the dock.
    _connection: Connection,
}

/// What a program wants on its icon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// The program, as the address of its desktop file.
    pub program: String,
    /// The number.
    pub count: i64,
    /// Whether it is shown.
    pub is_visible: bool,
}

impl Dock {
    /// Comes to the bus.
    ///
    /// # Panics
    /// If the bus is gone.
    pub async fn start(bus: &Bus) -> Self {
        let connection = bus.connect().await;
        let rule = MatchRule::builder().msg_type(Type::Signal);
        let rule = rule.interface("com.canonical.Unity.LauncherEntry").expect("an interface");
        let rule = rule.member("Update").expect("a signal").build();
        let signals = MessageStream::for_match_rule(rule, &connection, None).await.expect("signals");
        Self { signals, _connection: connection }
    }

    /// The next number that a program sends.
    ///
    /// # Panics
    /// If none comes within [`EVENT_TIMEOUT`], or it is not as docks read it.
    pub async fn next(&mut self) -> Badge {
        let signal = timeout(EVENT_TIMEOUT, self.signals.next()).await.expect("a number").expect("the bus runs");
        let (program, properties): (String, HashMap<String, OwnedValue>) =
            signal.expect("a signal").body().deserialize().expect("a program and properties");
        let count = i64::try_from(&properties["count"]).expect("64 bits");
        let is_visible = bool::try_from(&properties["count-visible"]).expect("a boolean");
        Badge { program, count, is_visible }
    }
}
