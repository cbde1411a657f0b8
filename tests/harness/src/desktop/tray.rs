//! A tray that shows nothing and can be asked: the StatusNotifierWatcher and host that a panel
//! would be.
//!
//! Debian has none that runs without a panel. It takes the items that programs register, and reads
//! and clicks their menus (com.canonical.dbusmenu), as the specifications have it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::timeout;
use zbus::fdo::DBusProxy;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};
use zbus::{Connection, Proxy};

use super::Bus;
use crate::program::EVENT_TIMEOUT;

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";
/// Until an icon that did not answer is asked again.
const A_MOMENT: Duration = Duration::from_millis(20);

/// A tray on a bus. Dropping takes it away.
#[derive(Debug)]
pub struct Tray {
    connection: Connection,
    items: watch::Receiver<Vec<Item>>,
}

/// Where a program's icon answers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    owner: String,
    path: String,
}

struct Watcher(watch::Sender<Vec<Item>>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    async fn register_status_notifier_item(
        &self,
        service: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        // A path of the caller's, or a bus name with the usual path.
        let caller = header.sender().map(ToString::to_string).unwrap_or_default();
        let (owner, path) = match service.strip_prefix('/') {
            Some(_) => (caller, service.to_owned()),
            None => (service.to_owned(), "/StatusNotifierItem".to_owned()),
        };
        let name = format!("{owner}{path}");
        self.0.send_modify(|items| items.push(Item { owner, path }));
        Self::status_notifier_item_registered(&emitter, &name).await?;
        Ok(())
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.borrow().iter().map(|item| format!("{}{}", item.owner, item.path)).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(signal)]
    async fn status_notifier_item_registered(emitter: &SignalEmitter<'_>, service: &str) -> zbus::Result<()>;
}

/// What an icon shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownIcon {
    /// Where the pointer rests on it.
    pub tooltip: String,
    /// Width, height, and ARGB, for each size.
    pub pixels: Vec<(i32, i32, Vec<u8>)>,
    /// The texts of its menu, from top to bottom, with those of its submenus.
    pub entries: Vec<String>,
}

/// `(icon name, pictures, title, text)`.
type Tooltip = (String, Vec<(i32, i32, Vec<u8>)>, String, String);

/// A menu entry: `(id, properties, children)`.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Tray {
    /// Comes to the bus.
    ///
    /// # Panics
    /// If there is a tray already.
    pub async fn start(bus: &Bus) -> Self {
        let (sender, items) = watch::channel(Vec::new());
        let builder = zbus::connection::Builder::address(bus.address()).expect("an address");
        let builder = builder.serve_at(PATH, Watcher(sender.clone())).and_then(|builder| builder.name(NAME));
        let connection = builder.expect("a service").build().await.expect("the only tray");
        let bus = DBusProxy::new(&connection).await.expect("the bus");
        let mut left = bus.receive_name_owner_changed_with_args(&[(2, "")]).await.expect("changes of owners");
        tokio::spawn(async move {
            while let Some(change) = left.next().await {
                let Ok(change) = change.args() else { continue };
                sender.send_modify(|items| items.retain(|item| item.owner != change.name.as_str()));
            }
        });
        Self { connection, items }
    }

    /// Leaves the bus at once; a tray that comes then finds its name free.
    ///
    /// # Panics
    /// If the bus is gone.
    pub async fn leave(self) {
        self.connection.close().await.expect("a connection that ends");
    }

    /// Returns when the menu of the newest icon has an entry with this text.
    ///
    /// # Panics
    /// If it has none within [`EVENT_TIMEOUT`].
    pub async fn wait_for(&self, text: &str) {
        self.find(text).await;
    }

    /// The text of the first entry that begins with this, once the menu of the newest icon has one.
    ///
    /// # Panics
    /// If it has none within [`EVENT_TIMEOUT`].
    pub async fn entry_with(&self, start: &str) -> String {
        self.find_entry(start, |label| label.starts_with(start)).await.1.0
    }

    /// The entry of the menu that is this, once there is one.
    ///
    /// # Panics
    /// If there is none within [`EVENT_TIMEOUT`].
    pub async fn entry_that(&self, is_it: impl Fn(&str) -> bool) -> String {
        self.find_entry("such an entry", is_it).await.1.0
    }

    /// What the newest icon shows once its menu has an entry with this text.
    ///
    /// # Panics
    /// If it has none within [`EVENT_TIMEOUT`], or shows nothing.
    pub async fn shown_with(&self, text: &str) -> ShownIcon {
        let (menu, _) = self.find(text).await;
        let icon = self.icon().await;
        let pixels: Vec<(i32, i32, Vec<u8>)> = icon.get_property("IconPixmap").await.expect("a picture");
        let (_, _, tooltip, _): Tooltip = icon.get_property("ToolTip").await.expect("a tooltip");
        let entries = entries(&menu).await.expect("a menu").into_iter().map(|(label, _)| label).collect();
        ShownIcon { tooltip, pixels, entries }
    }

    /// Clicks the newest icon with the left button.
    ///
    /// # Panics
    /// If it takes no click.
    pub async fn click(&self) {
        self.icon().await.call::<_, _, ()>("Activate", &(0_i32, 0_i32)).await.expect("a click taken");
    }

    /// The same right after the token by which a window may take the keyboard. As KDE's panel on
    /// Wayland, it does not wait for an answer in between.
    ///
    /// # Panics
    /// If it takes no click.
    pub async fn click_with(&self, token: &str) {
        let icon = self.icon().await;
        icon.call_noreply("ProvideXdgActivationToken", &token).await.expect("a token sent");
        icon.call::<_, _, ()>("Activate", &(0_i32, 0_i32)).await.expect("a click taken");
    }

    async fn icon(&self) -> Proxy<'static> {
        let Item { owner, path } = self.items.borrow().last().cloned().expect("an icon");
        // The newest values, whatever a signal has said.
        zbus::proxy::Builder::new(&self.connection)
            .destination(owner)
            .and_then(|builder| builder.path(path))
            .and_then(|builder| builder.interface("org.kde.StatusNotifierItem"))
            .expect("names of the bus")
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .expect("an icon")
    }

    /// Chooses an entry of the newest icon's menu. A menu that changes between the look and the click
    /// does not take it: then the entry is looked for and clicked again, as a person would.
    ///
    /// # Panics
    /// If it has none with this text within [`EVENT_TIMEOUT`], or does not take the click.
    pub async fn choose(&self, text: &str) {
        let chosen = timeout(EVENT_TIMEOUT, async {
            loop {
                let (menu, id) = self.find(text).await;
                let nothing = Value::from(0);
                match menu.call::<_, _, ()>("Event", &(id, "clicked", nothing, 0_u32)).await {
                    Ok(()) => return,
                    Err(zbus::Error::MethodError(name, ..)) => match name.as_str() {
                        // It has ended the program, which was wanted.
                        "org.freedesktop.DBus.Error.NoReply" => return,
                        // The number is of a menu that has been replaced.
                        "org.freedesktop.DBus.Error.InvalidArgs" => {}
                        _ => panic!("the menu takes no click on {text:?}: {name}"),
                    },
                    Err(error) => panic!("the menu takes no click on {text:?}: {error}"),
                }
            }
        });
        chosen.await.unwrap_or_else(|_| panic!("the menu takes no click on {text:?}"));
    }

    async fn find(&self, text: &str) -> (Proxy<'static>, i32) {
        let (menu, (_, id)) = self.find_entry(text, |label| label == text).await;
        (menu, id)
    }

    async fn find_entry(&self, text: &str, is_it: impl Fn(&str) -> bool) -> (Proxy<'static>, (String, i32)) {
        let seen = Mutex::new(Vec::new());
        let found = timeout(EVENT_TIMEOUT, async {
            loop {
                let mut items = self.items.clone();
                let newest = items.wait_for(|items| !items.is_empty()).await.expect("the tray runs").last().cloned();
                let newest = newest.expect("not empty");
                // The program of this icon may end, and another come, while its menu is watched.
                let found = tokio::select! {
                    found = self.look(&newest, &is_it, &seen) => found,
                    _ = items.changed() => continue,
                };
                // One that is about to end, or to put another menu in the place of this one, does
                // not answer.
                let Ok(found) = found else {
                    tokio::time::sleep(A_MOMENT).await;
                    continue;
                };
                return found;
            }
        });
        found.await.unwrap_or_else(|_| panic!("no {text:?} in the tray's menu: {seen:?}"))
    }

    /// Watches the menu of this icon until it has such an entry, or is gone.
    async fn look(
        &self,
        Item { owner, path }: &Item,
        is_it: impl Fn(&str) -> bool,
        seen: &Mutex<Vec<(String, i32)>>,
    ) -> zbus::Result<(Proxy<'static>, (String, i32))> {
        let icon = Proxy::new(&self.connection, owner.clone(), path.clone(), "org.kde.StatusNotifierItem").await?;
        let menu: OwnedObjectPath = icon.get_property("Menu").await?;
        let menu = Proxy::new(&self.connection, owner.clone(), menu.into_inner(), "com.canonical.dbusmenu").await?;
        // Listen first, then look: a change in between is not missed.
        let mut changes = menu.receive_all_signals().await?;
        loop {
            let entries = entries(&menu).await?;
            if let Some(entry) = entries.iter().find(|(label, _)| is_it(label)) {
                return Ok((menu, entry.clone()));
            }
            *seen.lock().expect("no panic while held") = entries;
            changes.next().await.ok_or(zbus::Error::InterfaceNotFound)?;
        }
    }
}

/// The labels of a menu and its submenus, with their numbers.
async fn entries(menu: &Proxy<'_>) -> zbus::Result<Vec<(String, i32)>> {
    let (_revision, (_, _, children)): (u32, Layout) =
        menu.call("GetLayout", &(0_i32, -1_i32, Vec::<&str>::new())).await?;
    let mut entries = Vec::new();
    collect(children, &mut entries);
    Ok(entries)
}

fn collect(children: Vec<OwnedValue>, entries: &mut Vec<(String, i32)>) {
    for child in children {
        let entry: Option<Layout> = Structure::try_from(child).ok().and_then(|entry| entry.try_into().ok());
        let Some((id, properties, children)) = entry else { continue };
        if let Some(label) = properties.get("label").and_then(|label| <&str>::try_from(label).ok()) {
            // One underscore marks a key; two are one that is shown.
            let label: Vec<String> = label.split("__").map(|part| part.replace('_', "")).collect();
            entries.push((label.join("_"), id));
        }
        collect(children, entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Icon;

    #[zbus::interface(name = "org.kde.StatusNotifierItem")]
    impl Icon {
        #[zbus(property)]
        fn menu(&self) -> OwnedObjectPath {
            OwnedObjectPath::try_from("/menu").expect("a path")
        }
    }

    /// A menu with one entry.
    struct Menu(&'static str, Option<tokio::sync::mpsc::UnboundedSender<()>>);

    #[zbus::interface(name = "com.canonical.dbusmenu")]
    impl Menu {
        fn get_layout(&self, _parent: i32, _depth: i32, _names: Vec<String>) -> (u32, Layout) {
            if let Some(asked) = &self.1 {
                asked.send(()).expect("the test listens");
            }
            let label = HashMap::from([("label", Value::from(self.0))]);
            let child = Value::from((1_i32, label, Vec::<Value<'_>>::new()));
            let child = OwnedValue::try_from(child).expect("an entry");
            (1, (0, HashMap::new(), vec![child]))
        }
    }

    /// A menu that is replaced between the first look and the click.
    struct ChangingMenu(tokio::sync::mpsc::UnboundedSender<i32>, i32);

    #[zbus::interface(name = "com.canonical.dbusmenu")]
    impl ChangingMenu {
        fn get_layout(&mut self, _parent: i32, _depth: i32, _names: Vec<String>) -> (u32, Layout) {
            self.1 += 1;
            let label = HashMap::from([("label", Value::from("entry"))]);
            let child = Value::from((self.1, label, Vec::<Value<'_>>::new()));
            (1, (0, HashMap::new(), vec![OwnedValue::try_from(child).expect("an entry")]))
        }

        fn event(&self, id: i32, _event: &str, _data: OwnedValue, _timestamp: u32) -> zbus::fdo::Result<()> {
            self.0.send(id).expect("the test listens");
            if id == 1 { Err(zbus::fdo::Error::InvalidArgs("id not found".to_owned())) } else { Ok(()) }
        }
    }

    async fn program(bus: &Bus, menu: impl zbus::object_server::Interface) -> Connection {
        let builder = zbus::connection::Builder::address(bus.address()).expect("an address");
        let builder = builder.serve_at("/StatusNotifierItem", Icon).and_then(|builder| builder.serve_at("/menu", menu));
        let connection = builder.expect("two objects").build().await.expect("the bus");
        let watcher = Proxy::new(&connection, NAME, PATH, NAME).await.expect("the tray");
        let own = connection.unique_name().expect("a name").to_string();
        watcher.call_method("RegisterStatusNotifierItem", &(own,)).await.expect("registered");
        connection
    }

    #[tokio::test]
    async fn an_icon_that_comes_while_the_menu_of_another_is_watched_is_looked_at() {
        let Some(bus) = Bus::start().await else { return };
        let tray = Tray::start(&bus).await;
        let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let _first = program(&bus, Menu("first", Some(sender))).await;
        let ((), _second) = tokio::join!(tray.wait_for("second"), async {
            asked.recv().await.expect("the first menu is looked at");
            program(&bus, Menu("second", None)).await
        });
    }

    #[tokio::test]
    async fn an_entry_of_a_menu_that_was_replaced_is_clicked_in_the_new_one() {
        let Some(bus) = Bus::start().await else { return };
        let tray = Tray::start(&bus).await;
        let (sender, mut clicked) = tokio::sync::mpsc::unbounded_channel();
        let _program = program(&bus, ChangingMenu(sender, 0)).await;
        tray.choose("entry").await;
        assert_eq!((clicked.recv().await, clicked.recv().await), (Some(1), Some(2)));
    }
}
