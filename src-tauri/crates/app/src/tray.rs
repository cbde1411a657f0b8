//! What the tray shows, as a value: icon, tooltip and menu of a state.
//!
//! Pure, so that every state can be compared in a test; the shell hands it to the desktop.
//! Deliberately absent: clicks on the icon itself, which Linux trays do not report. Invariant: the
//! menu can always open the inbox and quit.

use belfry_core::status::Connectivity;
use engine::Snapshot;
use host::texts::Language;

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrayIcon {
    /// No session.
    Offline,
    /// A session is being made, or is not complete.
    Connecting,
    /// Connected, nothing unread.
    Live,
    /// Something is unread.
    Unread,
    /// A person has to do something.
    ActionNeeded,
}

/// What a menu item does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrayAction {
    /// Opens the inbox window.
    Open,
    /// Ends the wait for the next attempt.
    TryNow,
    /// Connects, and stays connected.
    Connect,
    /// Disconnects, and stays so.
    Disconnect,
    /// Ends the program.
    Quit,
}

impl TrayAction {
    /// Its name within the menu.
    pub fn id(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::TryNow => "try-now",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::Quit => "quit",
        }
    }

    /// The action with this name.
    pub fn of_id(id: &str) -> Option<Self> {
        [Self::Open, Self::TryNow, Self::Connect, Self::Disconnect, Self::Quit]
            .into_iter()
            .find(|action| action.id() == id)
    }
}

/// One line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrayItem {
    /// Says something.
    Label(String),
    /// Does something.
    Button(TrayAction, String),
    /// Separates groups.
    Separator,
}

/// Everything the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tray {
    /// Which picture.
    pub icon: TrayIcon,
    /// What is said when the pointer rests on it, where the desktop does that.
    pub tooltip: String,
    /// From top to bottom.
    pub menu: Vec<TrayItem>,
}

impl Tray {
    /// The tray of an engine in this state; `None` before there is an account.
    pub fn of_session(snapshot: Option<&Snapshot>, language: Language) -> Self {
        match snapshot {
            None => Self::without_account(language),
            Some(seen) => Self::of(seen.status.state, seen.counts.badge, seen.retry_at.is_some(), language),
        }
    }

    /// The tray of a state with so many unread, open notices; `is_waiting` while a next attempt is
    /// planned.
    pub fn of(state: Connectivity, badge: u64, is_waiting: bool, language: Language) -> Self {
        let text = |key| language.text(key).to_owned();
        let says = text(match state {
            Connectivity::Offline => "tray.offline",
            Connectivity::Connecting => "tray.connecting",
            Connectivity::CatchingUp => "tray.catching-up",
            Connectivity::Live => "tray.live",
            Connectivity::Polling => "tray.polling",
            Connectivity::ActionNeeded => "tray.action-needed",
        });
        let unread = (badge > 0).then(|| language.fill("tray.unread", &[("n", &badge.to_string())]));

        let mut tooltip = format!("{} · {says}", text("app.name"));
        let mut menu = vec![TrayItem::Label(says)];
        if let Some(unread) = unread {
            tooltip = format!("{tooltip} · {unread}");
            menu.push(TrayItem::Label(unread));
        }
        menu.push(TrayItem::Separator);
        menu.push(TrayItem::Button(TrayAction::Open, text("tray.open")));
        if is_waiting {
            menu.push(TrayItem::Button(TrayAction::TryNow, text("tray.tryNow")));
        }
        // Offline with nothing planned is what a person asked for.
        if state == Connectivity::Offline && !is_waiting {
            menu.push(TrayItem::Button(TrayAction::Connect, text("tray.connect")));
        } else {
            menu.push(TrayItem::Button(TrayAction::Disconnect, text("tray.disconnect")));
        }
        menu.push(TrayItem::Separator);
        menu.push(TrayItem::Button(TrayAction::Quit, text("tray.quit")));
        Self { icon: icon(state, badge), tooltip, menu }
    }

    /// The tray before the first run is over.
    fn without_account(language: Language) -> Self {
        let mut tray = Self::of(Connectivity::ActionNeeded, 0, false, language);
        tray.menu.retain(|item| !matches!(item, TrayItem::Button(TrayAction::Connect | TrayAction::Disconnect, _)));
        tray
    }
}

/// What a person has to know first wins: that they must act, that nothing can arrive, that
/// something has arrived.
fn icon(state: Connectivity, badge: u64) -> TrayIcon {
    match state {
        Connectivity::ActionNeeded => TrayIcon::ActionNeeded,
        Connectivity::Offline => TrayIcon::Offline,
        Connectivity::Connecting | Connectivity::CatchingUp | Connectivity::Live | Connectivity::Polling
            if badge > 0 =>
        {
            TrayIcon::Unread
        }
        Connectivity::Connecting | Connectivity::CatchingUp => TrayIcon::Connecting,
        Connectivity::Live | Connectivity::Polling => TrayIcon::Live,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [Connectivity; 6] = [
        Connectivity::Offline,
        Connectivity::Connecting,
        Connectivity::CatchingUp,
        Connectivity::Live,
        Connectivity::Polling,
        Connectivity::ActionNeeded,
    ];

    #[test]
    fn live_with_unread_notices_shows_icon_count_and_menu() {
        assert_eq!(
            Tray::of(Connectivity::Live, 3, false, Language::English),
            Tray {
                icon: TrayIcon::Unread,
                tooltip: "Belfry · Connected · 3 unread".to_owned(),
                menu: vec![
                    TrayItem::Label("Connected".to_owned()),
                    TrayItem::Label("3 unread".to_owned()),
                    TrayItem::Separator,
                    TrayItem::Button(TrayAction::Open, "Open inbox".to_owned()),
                    TrayItem::Button(TrayAction::Disconnect, "Disconnect".to_owned()),
                    TrayItem::Separator,
                    TrayItem::Button(TrayAction::Quit, "Quit Belfry".to_owned()),
                ],
            }
        );
    }

    #[test]
    fn a_planned_attempt_can_be_made_at_once() {
        let tray = Tray::of(Connectivity::Offline, 0, true, Language::Chinese);
        assert!(tray.menu.contains(&TrayItem::Button(TrayAction::TryNow, "立即尝试连接".to_owned())));
        assert_eq!(tray.tooltip, "Belfry · 离线");
    }

    #[test]
    fn unread_notices_never_hide_that_something_is_wrong() {
        let icon = |state| Tray::of(state, 9, false, Language::English).icon;
        assert_eq!(icon(Connectivity::Offline), TrayIcon::Offline);
        assert_eq!(icon(Connectivity::ActionNeeded), TrayIcon::ActionNeeded);
    }

    #[test]
    fn every_state_says_itself_and_can_open_and_quit() {
        for language in [Language::English, Language::Chinese] {
            let trays: Vec<Tray> = STATES.iter().map(|state| Tray::of(*state, 0, false, language)).collect();
            for (index, tray) in trays.iter().enumerate() {
                let link =
                    if STATES[index] == Connectivity::Offline { TrayAction::Connect } else { TrayAction::Disconnect };
                assert_eq!(buttons(tray), [TrayAction::Open, link, TrayAction::Quit]);
                assert!(!tray.tooltip.contains("tray."), "no text for {:?}", STATES[index]);
                assert!(trays.iter().filter(|other| other.tooltip == tray.tooltip).count() == 1);
            }
        }
    }

    fn buttons(tray: &Tray) -> Vec<TrayAction> {
        let action = |item: &TrayItem| if let TrayItem::Button(action, _) = item { Some(*action) } else { None };
        tray.menu.iter().filter_map(action).collect()
    }

    #[test]
    fn while_an_attempt_is_planned_a_person_can_hurry_it_or_give_up() {
        let tray = Tray::of(Connectivity::Offline, 0, true, Language::English);
        assert_eq!(buttons(&tray), [TrayAction::Open, TrayAction::TryNow, TrayAction::Disconnect, TrayAction::Quit]);
    }

    #[test]
    fn without_an_account_there_is_nothing_to_connect() {
        let tray = Tray::without_account(Language::English);
        assert_eq!((tray.icon, buttons(&tray)), (TrayIcon::ActionNeeded, vec![TrayAction::Open, TrayAction::Quit]));
    }

    #[test]
    fn a_menu_item_is_found_by_its_name() {
        for action in
            [TrayAction::Open, TrayAction::TryNow, TrayAction::Connect, TrayAction::Disconnect, TrayAction::Quit]
        {
            assert_eq!(TrayAction::of_id(action.id()), Some(action));
        }
        assert_eq!(TrayAction::of_id("label-0"), None);
    }
}
