//! Linux: `PrepareForSleep` of logind (systemd 183 and later) and `StateChanged` of NetworkManager (0.9 and later).

use std::thread;

use zbus::MatchRule;
use zbus::blocking::connection::Builder;
use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, MessageIterator};
use zbus::message::{Message, Type};

use super::Hint;

const SLEEP: [&str; 3] = ["org.freedesktop.login1", "org.freedesktop.login1.Manager", "PrepareForSleep"];
const NETWORK: [&str; 3] = ["org.freedesktop.NetworkManager", "org.freedesktop.NetworkManager", "StateChanged"];
/// `NM_STATE_CONNECTED_LOCAL`: from here on there is a network.
const CONNECTED: u32 = 50;

/// Calls `tell` for each hint, on a thread of its own, until the system bus goes away.
pub fn watch(tell: impl Fn(Hint) + Send + 'static) {
    spawn(tell, Connection::system);
}

/// As [`watch`], on the bus at this address.
pub fn watch_at(address: &str, tell: impl Fn(Hint) + Send + 'static) {
    let address = address.to_owned();
    spawn(tell, move || Builder::address(address.as_str())?.build());
}

fn spawn(tell: impl Fn(Hint) + Send + 'static, connect: impl FnOnce() -> zbus::Result<Connection> + Send + 'static) {
    let work = move || {
        if let Err(error) = connect().and_then(|connection| listen(&connection, tell)) {
            tracing::debug!(%error, "nobody tells of sleep and networks");
        }
    };
    if let Err(error) = thread::Builder::new().name("power".to_owned()).spawn(work) {
        tracing::debug!(%error, "nobody tells of sleep and networks");
    }
}

fn listen(connection: &Connection, tell: impl Fn(Hint)) -> zbus::Result<()> {
    let bus = DBusProxy::new(connection)?;
    for [sender, interface, member] in [SLEEP, NETWORK] {
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(sender)?.interface(interface)?.member(member)?;
        // The bus then sends only what the owner of the name says, now or later: an absent service is no error.
        bus.add_match_rule(rule.build())?;
    }
    tracing::debug!("listening for sleep and networks");
    for message in MessageIterator::from(connection) {
        if let Some(hint) = hint(&message?) {
            tracing::debug!(?hint, "the system says");
            tell(hint);
        }
    }
    Ok(())
}

fn hint(message: &Message) -> Option<Hint> {
    let header = message.header();
    if header.message_type() != Type::Signal {
        return None;
    }
    let (interface, member) = (header.interface()?.as_str(), header.member()?.as_str());
    if interface == SLEEP[1] && member == SLEEP[2] {
        // True before, false after the sleep.
        return (!message.body().deserialize::<bool>().ok()?).then_some(Hint::Woke);
    }
    if interface == NETWORK[1] && member == NETWORK[2] {
        return (message.body().deserialize::<u32>().ok()? >= CONNECTED).then_some(Hint::NetworkChanged);
    }
    None
}
