//! What the tray shows, as a value: icon, tooltip, badge and menu of a state.
//!
//! Pure, so that every state can be compared in a test; the shell hands it to the desktop. A click
//! on the icon itself is [`TrayAction::Open`], where the system reports it. Invariant: the menu can
//! always open the inbox and quit.

use belfry_core::foreign_text;
use belfry_core::settings::Preview;
use belfry_core::status::Connectivity;
use engine::Snapshot;
use host::texts::Language;
use jiff::Zoned;
use jiff::civil::{Time, Weekday};

use crate::ipc::Pause;

/// How many of the newest notices the menu has.
pub const LATEST: usize = 3;
/// The longest title in the menu, in characters.
pub(crate) const MAX_TITLE_CHARS: usize = 48;
/// The highest number that an icon shows; the next picture stands for all above it.
pub const MAX_COUNT: u8 = 9;

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrayIcon {
    /// No session.
    Offline,
    /// A session is being made, or is not complete.
    Connecting,
    /// Connected, nothing unread.
    Live,
    /// So many are unread; more than [`MAX_COUNT`] is one picture.
    Unread(u8),
    /// A person has to do something.
    ActionNeeded,
}

/// What a menu item does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrayAction {
    /// Opens the inbox window.
    Open,
    /// Opens this notice in the window.
    Notice(i64),
    /// Ends the wait for the next attempt.
    TryNow,
    /// Connects, and stays connected.
    Connect,
    /// Disconnects, and stays so.
    Disconnect,
    /// Pauses notifications.
    Pause(Pause),
    /// Ends the pause.
    Resume,
    /// Opens the settings in the window.
    Settings,
    /// Ends the program.
    Quit,
}

const NOTICE: &str = "notice-";
/// As the menu offers them.
const PAUSES: [(Pause, &str); 3] = [
    (Pause::HalfHour, "tray.pause.half-hour"),
    (Pause::Hour, "tray.pause.hour"),
    (Pause::UntilTomorrow, "tray.pause.until-tomorrow"),
];

impl TrayAction {
    /// Its name within the menu.
    pub fn id(self) -> String {
        let name = match self {
            Self::Open => "open",
            Self::Notice(seq) => return format!("{NOTICE}{seq}"),
            Self::TryNow => "try-now",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::Pause(Pause::HalfHour) => "pause-half-hour",
            Self::Pause(Pause::Hour) => "pause-hour",
            Self::Pause(Pause::UntilTomorrow) => "pause-until-tomorrow",
            Self::Resume => "resume",
            Self::Settings => "settings",
            Self::Quit => "quit",
        };
        name.to_owned()
    }

    /// The action with this name.
    pub fn of_id(id: &str) -> Option<Self> {
        if let Some(seq) = id.strip_prefix(NOTICE) {
            return seq.parse().ok().map(Self::Notice);
        }
        let others =
            [Self::Open, Self::TryNow, Self::Connect, Self::Disconnect, Self::Resume, Self::Settings, Self::Quit];
        let pauses = PAUSES.map(|(pause, _)| Self::Pause(pause));
        others.into_iter().chain(pauses).find(|action| action.id() == id)
    }
}

/// One line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrayItem {
    /// Says something.
    Label(String),
    /// Does something.
    Button(TrayAction, String),
    /// Opens a menu of its own, which has no further one.
    Submenu(String, Vec<TrayItem>),
    /// Separates groups.
    Separator,
}

/// Everything the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tray {
    /// Which picture.
    pub icon: TrayIcon,
    /// Unread, open notices, for dock and taskbar.
    pub badge: u64,
    /// What is said when the pointer rests on it, where the desktop does that.
    pub tooltip: String,
    /// From top to bottom.
    pub menu: Vec<TrayItem>,
}

/// A notice in the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestNotice {
    /// Its place in the inbox.
    pub seq: i64,
    /// Its title. Untrusted.
    pub title: String,
}

/// When a pause ends. No pause is as long as a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PauseEnd {
    /// The time of day.
    pub time: Time,
    /// The day, if it is not today. Its name stays true when the day begins.
    pub day: Option<Weekday>,
}

impl PauseEnd {
    fn of(until: &Zoned, now: &Zoned) -> Self {
        Self { time: until.time(), day: (until.date() != now.date()).then(|| until.weekday()) }
    }
}

fn day_key(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "tray.day.mon",
        Weekday::Tuesday => "tray.day.tue",
        Weekday::Wednesday => "tray.day.wed",
        Weekday::Thursday => "tray.day.thu",
        Weekday::Friday => "tray.day.fri",
        Weekday::Saturday => "tray.day.sat",
        Weekday::Sunday => "tray.day.sun",
    }
}

/// What a tray is made of.
#[derive(Debug, Clone, Copy)]
pub struct TrayState<'a> {
    /// Whether there is an account.
    pub has_account: bool,
    /// How the connection is.
    pub connectivity: Connectivity,
    /// Unread, open notices.
    pub badge: u64,
    /// Whether a next attempt is planned.
    pub is_waiting: bool,
    /// Until when notifications are paused, on the person's clock; `None` if they are not.
    pub paused_until: Option<PauseEnd>,
    /// The newest notices, newest first.
    pub latest: &'a [LatestNotice],
    /// What may be read where others can see the screen.
    pub preview: Preview,
    /// The person's language.
    pub language: Language,
}

impl TrayState<'_> {
    /// The state of an engine; `None` before there is an account.
    pub fn of_session(snapshot: Option<&Snapshot>, language: Language, now: &Zoned) -> Self {
        let connectivity = snapshot.map_or(Connectivity::ActionNeeded, |seen| seen.status.state);
        Self {
            has_account: snapshot.is_some(),
            connectivity,
            badge: snapshot.map_or(0, |seen| seen.counts.badge),
            is_waiting: snapshot.is_some_and(|seen| seen.retry_at.is_some()),
            paused_until: snapshot
                .and_then(|seen| seen.paused_until)
                .map(|until| PauseEnd::of(&until.to_zoned(now.time_zone().clone()), now)),
            latest: &[],
            preview: Preview::Full,
            language,
        }
    }

    /// What it looks like.
    pub fn tray(&self) -> Tray {
        let text = |key| self.language.text(key).to_owned();
        let says = text(match self.connectivity {
            Connectivity::Offline => "tray.offline",
            Connectivity::Connecting => "tray.connecting",
            Connectivity::CatchingUp => "tray.catching-up",
            Connectivity::Live => "tray.live",
            Connectivity::Polling => "tray.polling",
            Connectivity::ActionNeeded => "tray.action-needed",
        });
        let paused = self.paused_until.map(|PauseEnd { time, day }| {
            let time = format!("{:02}:{:02}", time.hour(), time.minute());
            match day {
                None => self.language.fill("tray.paused", &[("time", &time)]),
                Some(day) => {
                    self.language.fill("tray.pausedOtherDay", &[("day", &text(day_key(day))), ("time", &time)])
                }
            }
        });
        let says = [Some(says), paused].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        let unread = (self.badge > 0).then(|| self.language.fill("tray.unread", &[("n", &self.badge.to_string())]));
        let parts = [Some(text("app.name")), Some(says.clone()), unread.clone()];
        let tooltip = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");

        let button = |action, key| TrayItem::Button(action, text(key));
        let mut menu = vec![TrayItem::Label(says)];
        menu.extend(unread.map(TrayItem::Label));
        menu.push(TrayItem::Separator);
        let latest = self.latest();
        if !latest.is_empty() {
            menu.extend(latest);
            menu.push(TrayItem::Separator);
        }
        menu.push(button(TrayAction::Open, "tray.open"));
        if self.has_account {
            let pauses = PAUSES.map(|(pause, key)| button(TrayAction::Pause(pause), key));
            let end = self.paused_until.map(|_| button(TrayAction::Resume, "pause.end"));
            menu.push(TrayItem::Submenu(text("tray.pause"), pauses.into_iter().chain(end).collect()));
            menu.extend(self.is_waiting.then(|| button(TrayAction::TryNow, "tray.tryNow")));
            // Offline with nothing planned is what a person asked for.
            menu.push(if self.connectivity == Connectivity::Offline && !self.is_waiting {
                button(TrayAction::Connect, "tray.connect")
            } else {
                button(TrayAction::Disconnect, "tray.disconnect")
            });
            menu.push(button(TrayAction::Settings, "tray.settings"));
        }
        menu.push(TrayItem::Separator);
        menu.push(button(TrayAction::Quit, "tray.quit"));
        Tray { icon: icon(self.connectivity, self.badge), badge: self.badge, tooltip, menu }
    }

    /// The newest notices, unless no popup may name them either.
    fn latest(&self) -> Vec<TrayItem> {
        if self.preview == Preview::None {
            return Vec::new();
        }
        let item = |notice: &LatestNotice| {
            TrayItem::Button(TrayAction::Notice(notice.seq), foreign_text::one_line(&notice.title, MAX_TITLE_CHARS))
        };
        self.latest.iter().take(LATEST).map(item).collect()
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
            TrayIcon::Unread(u8::try_from(badge).unwrap_or(u8::MAX).min(MAX_COUNT + 1))
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

    fn of(connectivity: Connectivity, badge: u64) -> TrayState<'static> {
        TrayState {
            has_account: true,
            connectivity,
            badge,
            is_waiting: false,
            paused_until: None,
            latest: &[],
            preview: Preview::Full,
            language: Language::English,
        }
    }

    fn latest() -> Vec<LatestNotice> {
        let titles = ["Expense 7", "Lunch\u{202e} \n at noon", &"x".repeat(60), "fourth"];
        titles.iter().zip(1..).map(|(title, seq)| LatestNotice { seq, title: (*title).to_owned() }).collect()
    }

    fn label(text: &str) -> TrayItem {
        TrayItem::Label(text.to_owned())
    }

    fn button(action: TrayAction, text: &str) -> TrayItem {
        TrayItem::Button(action, text.to_owned())
    }

    fn pauses() -> Vec<TrayItem> {
        vec![
            button(TrayAction::Pause(Pause::HalfHour), "For 30 minutes"),
            button(TrayAction::Pause(Pause::Hour), "For 1 hour"),
            button(TrayAction::Pause(Pause::UntilTomorrow), "Until tomorrow"),
        ]
    }

    #[test]
    fn live_with_unread_notices_shows_icon_count_and_menu() {
        let latest = latest();
        assert_eq!(
            TrayState { latest: &latest, ..of(Connectivity::Live, 3) }.tray(),
            Tray {
                icon: TrayIcon::Unread(3),
                badge: 3,
                tooltip: "Belfry · Connected · 3 unread".to_owned(),
                menu: vec![
                    label("Connected"),
                    label("3 unread"),
                    TrayItem::Separator,
                    button(TrayAction::Notice(1), "Expense 7"),
                    button(TrayAction::Notice(2), "Lunch at noon"),
                    button(TrayAction::Notice(3), &format!("{}…", "x".repeat(47))),
                    TrayItem::Separator,
                    button(TrayAction::Open, "Open inbox"),
                    TrayItem::Submenu("Pause notifications".to_owned(), pauses()),
                    button(TrayAction::Disconnect, "Disconnect"),
                    button(TrayAction::Settings, "Settings"),
                    TrayItem::Separator,
                    button(TrayAction::Quit, "Quit Belfry"),
                ],
            }
        );
    }

    #[test]
    fn titles_are_not_in_the_menu_where_popups_do_not_show_them() {
        let latest = latest();
        let hidden = TrayState { latest: &latest, preview: Preview::None, ..of(Connectivity::Live, 3) };
        assert_eq!(hidden.tray().menu, of(Connectivity::Live, 3).tray().menu);
    }

    #[test]
    fn a_pause_says_when_it_ends_and_can_be_changed_or_ended() {
        let paused_until = Some(PauseEnd { time: jiff::civil::time(8, 5, 59, 0), day: None });
        let tray = TrayState { paused_until, ..of(Connectivity::Live, 2) }.tray();
        assert_eq!(tray.menu[..2], [label("Connected · paused until 08:05"), label("2 unread")]);
        assert_eq!(tray.tooltip, "Belfry · Connected · paused until 08:05 · 2 unread");
        let end = button(TrayAction::Resume, "End pause");
        let submenu = TrayItem::Submenu("Pause notifications".to_owned(), [pauses(), vec![end]].concat());
        assert!(tray.menu.contains(&submenu), "{tray:?}");
    }

    #[test]
    fn the_end_of_a_pause_is_said_in_the_persons_time_zone() {
        let snapshot =
            Snapshot { paused_until: Some("2026-11-21T23:30:00Z".parse().unwrap()), ..crate::app::no_snapshot() };
        let now: Zoned = "2026-11-22T00:30:00+08:00[+08:00]".parse().unwrap();
        let tray = TrayState::of_session(Some(&snapshot), Language::Chinese, &now).tray();
        assert_eq!(tray.menu[0], label("离线 · 暂停至 07:30"));
    }

    #[test]
    fn a_pause_that_does_not_end_today_says_the_day() {
        let snapshot =
            Snapshot { paused_until: Some("2026-11-23T08:00:00Z".parse().unwrap()), ..crate::app::no_snapshot() };
        let tray = |language, now: &str| TrayState::of_session(Some(&snapshot), language, &now.parse().unwrap()).tray();
        // Chosen after midnight, the same time of today comes first.
        let after_midnight = "2026-11-22T02:30:00+00:00[UTC]";
        let english = tray(Language::English, after_midnight);
        assert_eq!(english.menu[0], label("Offline · paused until Mon 08:00"));
        assert_eq!(english.tooltip, "Belfry · Offline · paused until Mon 08:00");
        assert_eq!(tray(Language::Chinese, after_midnight).menu[0], label("离线 · 暂停至周一 08:00"));
        let on_the_day = tray(Language::English, "2026-11-23T00:00:00+00:00[UTC]");
        assert_eq!(on_the_day.menu[0], label("Offline · paused until 08:00"));
    }

    #[test]
    fn a_planned_attempt_can_be_made_at_once() {
        let state = TrayState { is_waiting: true, language: Language::Chinese, ..of(Connectivity::Offline, 0) };
        let tray = state.tray();
        assert!(tray.menu.contains(&button(TrayAction::TryNow, "立即尝试连接")));
        assert_eq!(tray.tooltip, "Belfry · 离线");
    }

    #[test]
    fn unread_notices_never_hide_that_something_is_wrong() {
        assert_eq!(of(Connectivity::Offline, 9).tray().icon, TrayIcon::Offline);
        assert_eq!(of(Connectivity::ActionNeeded, 9).tray().icon, TrayIcon::ActionNeeded);
    }

    #[test]
    fn more_than_nine_unread_notices_are_one_picture() {
        let icon = |badge| of(Connectivity::Live, badge).tray().icon;
        assert_eq!([icon(9), icon(10), icon(5_000)], [9, 10, 10].map(TrayIcon::Unread));
    }

    #[test]
    fn every_state_says_itself_and_can_open_and_quit() {
        for language in [Language::English, Language::Chinese] {
            let trays: Vec<Tray> = STATES.iter().map(|state| TrayState { language, ..of(*state, 0) }.tray()).collect();
            for (index, tray) in trays.iter().enumerate() {
                let link =
                    if STATES[index] == Connectivity::Offline { TrayAction::Connect } else { TrayAction::Disconnect };
                let [half_hour, hour, tomorrow] = PAUSES.map(|(pause, _)| TrayAction::Pause(pause));
                let settings = TrayAction::Settings;
                assert_eq!(
                    buttons(tray),
                    [TrayAction::Open, half_hour, hour, tomorrow, link, settings, TrayAction::Quit]
                );
                assert!(!tray.tooltip.contains("tray."), "no text for {:?}", STATES[index]);
                assert!(trays.iter().filter(|other| other.tooltip == tray.tooltip).count() == 1);
            }
        }
    }

    fn action(item: &TrayItem) -> Option<TrayAction> {
        if let TrayItem::Button(action, _) = item { Some(*action) } else { None }
    }

    /// Those of submenus included.
    fn buttons(tray: &Tray) -> Vec<TrayAction> {
        let actions = |item: &TrayItem| match item {
            TrayItem::Button(action, _) => vec![*action],
            TrayItem::Submenu(_, items) => items.iter().filter_map(action).collect(),
            TrayItem::Label(_) | TrayItem::Separator => Vec::new(),
        };
        tray.menu.iter().flat_map(actions).collect()
    }

    #[test]
    fn while_an_attempt_is_planned_a_person_can_hurry_it_or_give_up() {
        let tray = TrayState { is_waiting: true, ..of(Connectivity::Offline, 0) }.tray();
        let [half_hour, hour, tomorrow] = PAUSES.map(|(pause, _)| TrayAction::Pause(pause));
        let expected = [
            TrayAction::Open,
            half_hour,
            hour,
            tomorrow,
            TrayAction::TryNow,
            TrayAction::Disconnect,
            TrayAction::Settings,
            TrayAction::Quit,
        ];
        assert_eq!(buttons(&tray), expected);
    }

    #[test]
    fn without_an_account_there_is_nothing_to_connect() {
        let tray = TrayState::of_session(None, Language::English, &Zoned::now()).tray();
        assert_eq!((tray.icon, buttons(&tray)), (TrayIcon::ActionNeeded, vec![TrayAction::Open, TrayAction::Quit]));
    }

    #[test]
    fn a_menu_item_is_found_by_its_name() {
        for action in [
            TrayAction::Open,
            TrayAction::Notice(17),
            TrayAction::TryNow,
            TrayAction::Connect,
            TrayAction::Disconnect,
            TrayAction::Pause(Pause::HalfHour),
            TrayAction::Pause(Pause::Hour),
            TrayAction::Pause(Pause::UntilTomorrow),
            TrayAction::Resume,
            TrayAction::Settings,
            TrayAction::Quit,
        ] {
            assert_eq!(TrayAction::of_id(&action.id()), Some(action));
        }
        assert_eq!(TrayAction::of_id("label-0"), None);
        assert_eq!(TrayAction::of_id("notice-x"), None);
    }
}
