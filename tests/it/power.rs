//! Hints about sleep and network changes, from services on a private bus.

use std::sync::mpsc::{Receiver, channel};

use harness::desktop::Bus;
use harness::program::PATIENCE;
use host::power::{Hint, watch_at};
use zbus::blocking::connection::{Builder, Connection};
use zbus::blocking::fdo::MonitoringProxy;

const LOGIND: &str = "org.freedesktop.login1";
const NETWORK: &str = "org.freedesktop.NetworkManager";

struct Services {
    logind: Connection,
    network: Connection,
}

impl Services {
    fn start(bus: &Bus) -> Self {
        let named = |name| Builder::address(bus.address()).and_then(|it| it.name(name)).and_then(Builder::build);
        Self { logind: named(LOGIND).expect("logind"), network: named(NETWORK).expect("NetworkManager") }
    }

    fn sleep(&self, begins: bool) {
        let manager = "org.freedesktop.login1.Manager";
        self.logind
            .emit_signal(None::<&str>, "/org/freedesktop/login1", manager, "PrepareForSleep", &begins)
            .expect("a signal sent");
    }

    fn network(&self, state: u32) {
        self.network
            .emit_signal(None::<&str>, "/org/freedesktop/NetworkManager", NETWORK, "StateChanged", &state)
            .expect("a signal sent");
    }
}

/// Starts watching, and returns once the bus has registered what is watched.
fn watch(bus: &Bus) -> Receiver<Hint> {
    let monitor = Builder::address(bus.address()).and_then(Builder::build).expect("a monitor");
    let rule = "type='method_call',interface='org.freedesktop.DBus',member='AddMatch'".try_into().expect("a rule");
    MonitoringProxy::new(&monitor).expect("a proxy").become_monitor(&[rule], 0).expect("a monitor");
    let calls = zbus::blocking::MessageIterator::from(&monitor);
    let (sender, hints) = channel();
    watch_at(bus.address(), move |hint| {
        let _the_test_is_over = sender.send(hint);
    });
    // The rule for the network is the last one.
    let is_last = |call: &zbus::Result<zbus::Message>| {
        call.as_ref().is_ok_and(|it| it.body().deserialize::<String>().is_ok_and(|rule| rule.contains(NETWORK)))
    };
    assert!(calls.into_iter().any(|call| is_last(&call)), "the bus is there");
    hints
}

#[tokio::test]
async fn waking_up_and_a_new_network_are_the_only_hints() {
    let Some(bus) = Bus::start().await else { return };
    let services = Services::start(&bus);
    let hints = watch(&bus);
    services.sleep(true);
    services.sleep(false);
    assert_eq!(hints.recv_timeout(PATIENCE), Ok(Hint::Woke));
    for state in [20, 40, 70] {
        services.network(state);
    }
    assert_eq!(hints.recv_timeout(PATIENCE), Ok(Hint::NetworkChanged));
    services.sleep(false);
    assert_eq!(hints.recv_timeout(PATIENCE), Ok(Hint::Woke), "the states without a network are no hints");
}

#[tokio::test]
async fn a_service_that_starts_later_is_watched_and_signals_of_other_programs_are_ignored() {
    let Some(bus) = Bus::start().await else { return };
    let hints = watch(&bus);
    let other_program = Builder::address(bus.address()).and_then(Builder::build).expect("a connection");
    other_program
        .emit_signal(None::<&str>, "/org/freedesktop/NetworkManager", NETWORK, "StateChanged", &70_u32)
        .expect("a signal sent");
    let services = Services::start(&bus);
    services.sleep(false);
    assert_eq!(hints.recv_timeout(PATIENCE), Ok(Hint::Woke));
}
