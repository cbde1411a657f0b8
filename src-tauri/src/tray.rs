//! What the tray shows, as a value: icon, tooltip and menu of a state.
//!
//! Pure, so that every state can be compared in a test; [`render`] hands it to the desktop. Deliberately absent: clicks on
//! the icon itself, which Linux trays do not report. Invariant: the menu can always open the inbox and quit.

pub(crate) mod render;

use belfry_core::status::Connectivity;
use host::texts::Language;

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
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
pub(crate) enum Action {
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

impl Action {
    /// Its name within the menu.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::TryNow => "try-now",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::Quit => "quit",
        }
    }

    /// The action with this name.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        [Self::Open, Self::TryNow, Self::Connect, Self::Disconnect, Self::Quit]
            .into_iter()
            .find(|action| action.id() == id)
    }
}

/// One line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// Says something.
    Label(String),
    /// Does something.
    Button(Action, String),
    /// Parts groups.
    Line,
}

/// Everything the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tray {
    /// Which picture.
    pub(crate) icon: Icon,
    /// What is said when the pointer rests on it, where the desktop does that.
    pub(crate) tooltip: String,
    /// From top to bottom.
    pub(crate) menu: Vec<Item>,
}

impl Tray {
    /// The tray of a state with so many unread, open notices; `is_waiting` while a next attempt is planned.
    pub(crate) fn of(state: Connectivity, badge: u64, is_waiting: bool, language: Language) -> Self {
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
        let mut menu = vec![Item::Label(says)];
        if let Some(unread) = unread {
            tooltip = format!("{tooltip} · {unread}");
            menu.push(Item::Label(unread));
        }
        menu.push(Item::Line);
        menu.push(Item::Button(Action::Open, text("tray.open")));
        if is_waiting {
            menu.push(Item::Button(Action::TryNow, text("tray.tryNow")));
        }
        // Offline with nothing planned is what a person asked for.
        if state == Connectivity::Offline && !is_waiting {
            menu.push(Item::Button(Action::Connect, text("tray.connect")));
        } else {
            menu.push(Item::Button(Action::Disconnect, text("tray.disconnect")));
        }
        menu.push(Item::Line);
        menu.push(Item::Button(Action::Quit, text("tray.quit")));
        Self { icon: icon(state, badge), tooltip, menu }
    }

    /// The tray before anybody has said where the server is.
    pub(crate) fn without_account(language: Language) -> Self {
        let mut tray = Self::of(Connectivity::ActionNeeded, 0, false, language);
        tray.menu.retain(|item| !matches!(item, Item::Button(Action::Connect | Action::Disconnect, _)));
        tray
    }
}

/// What a person has to know first wins: that they must act, that nothing can arrive, that something has arrived.
fn icon(state: Connectivity, badge: u64) -> Icon {
    match state {
        Connectivity::ActionNeeded => Icon::ActionNeeded,
        Connectivity::Offline => Icon::Offline,
        Connectivity::Connecting | Connectivity::CatchingUp | Connectivity::Live | Connectivity::Polling
            if badge > 0 =>
        {
            Icon::Unread
        }
        Connectivity::Connecting | Connectivity::CatchingUp => Icon::Connecting,
        Connectivity::Live | Connectivity::Polling => Icon::Live,
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
                icon: Icon::Unread,
                tooltip: "Belfry · Connected · 3 unread".to_owned(),
                menu: vec![
                    Item::Label("Connected".to_owned()),
                    Item::Label("3 unread".to_owned()),
                    Item::Line,
                    Item::Button(Action::Open, "Open inbox".to_owned()),
                    Item::Button(Action::Disconnect, "Disconnect".to_owned()),
                    Item::Line,
                    Item::Button(Action::Quit, "Quit Belfry".to_owned()),
                ],
            }
        );
    }

    #[test]
    fn a_planned_attempt_can_be_made_at_once() {
        let tray = Tray::of(Connectivity::Offline, 0, true, Language::Chinese);
        assert!(tray.menu.contains(&Item::Button(Action::TryNow, "立即尝试连接".to_owned())));
        assert_eq!(tray.tooltip, "Belfry · 离线");
    }

    #[test]
    fn unread_notices_never_hide_that_something_is_wrong() {
        let icon = |state| Tray::of(state, 9, false, Language::English).icon;
        assert_eq!(icon(Connectivity::Offline), Icon::Offline);
        assert_eq!(icon(Connectivity::ActionNeeded), Icon::ActionNeeded);
    }

    #[test]
    fn every_state_says_itself_and_can_open_and_quit() {
        for language in [Language::English, Language::Chinese] {
            let trays: Vec<Tray> = STATES.iter().map(|state| Tray::of(*state, 0, false, language)).collect();
            for (index, tray) in trays.iter().enumerate() {
                let link = if STATES[index] == Connectivity::Offline { Action::Connect } else { Action::Disconnect };
                assert_eq!(buttons(tray), [Action::Open, link, Action::Quit]);
                assert!(!tray.tooltip.contains("tray."), "no text for {:?}", STATES[index]);
                assert!(trays.iter().filter(|other| other.tooltip == tray.tooltip).count() == 1);
            }
        }
    }

    fn buttons(tray: &Tray) -> Vec<Action> {
        let action = |item: &Item| if let Item::Button(action, _) = item { Some(*action) } else { None };
        tray.menu.iter().filter_map(action).collect()
    }

    #[test]
    fn while_an_attempt_is_planned_a_person_can_hurry_it_or_give_up() {
        let tray = Tray::of(Connectivity::Offline, 0, true, Language::English);
        assert_eq!(buttons(&tray), [Action::Open, Action::TryNow, Action::Disconnect, Action::Quit]);
    }

    #[test]
    fn without_an_account_there_is_nothing_to_connect() {
        let tray = Tray::without_account(Language::English);
        assert_eq!((tray.icon, buttons(&tray)), (Icon::ActionNeeded, vec![Action::Open, Action::Quit]));
    }

    #[test]
    fn a_menu_item_is_found_by_its_name() {
        for action in [Action::Open, Action::TryNow, Action::Connect, Action::Disconnect, Action::Quit] {
            assert_eq!(Action::of_id(action.id()), Some(action));
        }
        assert_eq!(Action::of_id("label-0"), None);
    }
}
