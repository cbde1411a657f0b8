//! Linux: `PrepareForSleep` of logind (systemd 183 and later) and `StateChanged` of NetworkManager
//! (0.9 and later).

use std::thread;

use zbus::MatchRule;
use zbus::blocking::connection::Builder;
use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, MessageIterator};
use zbus::message::{Message, Type};

use super::Hint;

const SLEEP: [&str; 3] = ["org.freedesktop.login1", "org.freedesktop.login1.Manager", "PrepareForSleep"];
const NETWORK: [&str; 3] = ["org.freedesktop.NetworkManager", "org.freedesktop.NetworkManager", "StateChanged"];
/// `NM_STATE_CONNECTED_LOCAL`: from this state on there is a network.
const CONNECTED: u32 = 50;

/// Calls `on_hint` for each hint, on a separate thread, until the system bus closes.
pub fn watch(on_hint: impl Fn(Hint) + Send + 'static) {
    spawn(on_hint, Connection::system);
}

/// As [`watch`], on the bus at this address.
pub fn watch_at(address: &str, on_hint: impl Fn(Hint) + Send + 'static) {
    let address = address.to_owned();
    spawn(on_hint, move || Builder::address(address.as_str())?.build());
}

fn spawn(on_hint: impl Fn(Hint) + Send + 'static, connect: impl FnOnce() -> zbus::Result<Connection> + Send + 'static) {
    let work = move || {
        if let Err(error) = connect().and_then(|connection| listen(&connection, on_hint)) {
            tracing::debug!(%error, "sleep and network changes cannot be watched");
        }
    };
    if let Err(error) = thread::Builder::new().name("power".to_owned()).spawn(work) {
        tracing::debug!(%error, "sleep and network changes cannot be watched");
    }
}

fn listen(connection: &Connection, on_hint: impl Fn(Hint)) -> zbus::Result<()> {
    // Before the rules, so that no signal that the first of them lets through is missed.
    let messages = MessageIterator::from(connection);
    let bus = DBusProxy::new(connection)?;
    for [sender, interface, member] in [SLEEP, NETWORK] {
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(sender)?.interface(interface)?.member(member)?;
        // The bus then forwards only signals of the name's owner, present or future: an absent
        // service is no error.
        bus.add_match_rule(rule.build())?;
    }
    tracing::debug!("watching for sleep and network changes");
    for message in messages {
        if let Some(hint) = hint(&message?) {
            tracing::debug!(?hint, "hint from the system");
            on_hint(hint);
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
        // True before the sleep, false after it.
        return (!message.body().deserialize::<bool>().ok()?).then_some(Hint::Woke);
    }
    if interface == NETWORK[1] && member == NETWORK[2] {
        return (message.body().deserialize::<u32>().ok()? >= CONNECTED).then_some(Hint::NetworkChanged);
    }
    None
}
