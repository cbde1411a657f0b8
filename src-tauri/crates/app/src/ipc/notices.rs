//! Notices as the window shows them: rows, pages and details, with what was searched for marked.
//!
//! Texts are made fit to be shown first and marked then, so that a range always fits the text it
//! comes with. Values only.

use belfry_core::foreign_text;
use belfry_core::notice;
use belfry_core::settings::{KindNames, Settings};
use belfry_core::storage;
use engine::inbox;
use host::texts::Language;
use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;

use super::Fault;
use super::actions::{Action, ActionResult, MAX_LINE_CHARS};
use super::{Priority, Source, State};

/// Longest body, in characters: more is no longer read in a window.
const MAX_BODY_CHARS: usize = 200_000;
/// Most fields of a detail: more are no longer read in a window.
const MAX_FIELDS: usize = 200;
/// So much of a text stands before the first hit in an excerpt, in characters.
const LEAD: usize = 30;

/// Half-open ranges of what was searched for, in UTF-16 units of the text they come with; sorted,
/// apart.
type Ranges = Vec<inbox::HighlightRange>;

/// Which notices. All conditions hold together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// As a person types it; empty to search for nothing.
    pub text: String,
    /// Only what is not read.
    pub unread: bool,
    /// Only what is open and has an action.
    pub needs_action: bool,
    /// Exactly this kind; null for any.
    pub kind: Option<String>,
}

impl Filter {
    /// As the engine takes it.
    pub fn to_engine(&self) -> inbox::Filter<'_> {
        inbox::Filter {
            text: Some(self.text.as_str()).filter(|text| !text.trim().is_empty()),
            unread: self.unread,
            needs_action: self.needs_action,
            kind: self.kind.as_deref(),
        }
    }
}

/// A page by key: older than `before`, or newer than `after`, or the newest when both are null.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct PageQuery {
    /// Below this place, which may be empty.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub before: Option<i64>,
    /// Above this place, which may be empty.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub after: Option<i64>,
    /// At most so many notices.
    #[cfg_attr(test, ts(type = "number"))]
    pub limit: usize,
    /// Which.
    pub filter: Filter,
}

impl PageQuery {
    /// As the engine takes it.
    pub fn place(&self) -> inbox::Place {
        match (self.before, self.after) {
            (Some(before), _) => inbox::Place::Before(inbox::Seq(before)),
            (None, Some(after)) => inbox::Place::After(inbox::Seq(after)),
            (None, None) => inbox::Place::Newest,
        }
    }
}

/// Where the search text is in a row. The preview is then an excerpt around the first hit, of an
/// own field if need be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct RowMarks {
    title: Ranges,
    sender: Ranges,
    preview: Ranges,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its place, newest highest.
    #[cfg_attr(test, ts(type = "number"))]
    seq: i64,
    /// First line.
    title: String,
    /// How the body begins.
    preview: String,
    /// The name of the server's type, or the type itself.
    kind: String,
    /// May be empty.
    sender: String,
    /// When it was sent, else when it came, and not later than that (its sender's clock may be
    /// wrong); RFC 3339.
    at: String,
    /// Whether a person has read it.
    read: bool,
    /// Where the matter stands.
    state: State,
    /// How loud.
    priority: Priority,
    /// Open, and with at least one action.
    needs_action: bool,
    /// Of a search.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    marks: Option<RowMarks>,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Newest first.
    pub rows: Vec<Row>,
    /// What to ask the next page with; null at the end.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub next: Option<i64>,
    /// Whether something newer matches too.
    pub has_newer: bool,
    /// How many notices match.
    #[cfg_attr(test, ts(type = "number"))]
    pub matching: u64,
    /// False: `matching` is an estimate.
    pub is_exact: bool,
    /// Notices of the whole inbox that are not read.
    #[cfg_attr(test, ts(type = "number"))]
    pub unread: u64,
}

/// A kind there is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Kind {
    /// To filter with.
    pub kind: String,
    /// To show.
    pub name: String,
    /// So many notices.
    #[cfg_attr(test, ts(type = "number"))]
    pub count: u64,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// So many notices.
    #[cfg_attr(test, ts(type = "number"))]
    pub count: usize,
    /// Brings them back; null when there is nothing to undo.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub undo: Option<i64>,
    /// For how long, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub undo_ms: u64,
}

/// What came of deleting on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct RemovedOnServer {
    /// So many records the server has deleted.
    #[cfg_attr(test, ts(type = "number"))]
    pub deleted: usize,
    /// So many it will be asked to delete when it can be reached.
    #[cfg_attr(test, ts(type = "number"))]
    pub waiting: usize,
}

/// A deletion on the server that was asked for and waits until the server can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct ServerDeletion {
    /// When it was asked for; RFC 3339.
    asked_at: String,
    /// Why the server has refused it; it is asked again after the next connect.
    refused: Option<Fault>,
}

/// Something the server said that no setting maps.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Field {
    /// Its name there.
    name: String,
    /// Text as it is, everything else as JSON.
    value: String,
}

/// Where the alert of a notice stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(tag = "mark", rename_all = "kebab-case")]
pub enum Alert {
    /// A popup is owed.
    Due,
    /// One is about to be shown.
    Claimed,
    /// One was shown.
    Shown,
    /// The system has it, but did not disturb the person.
    Silenced,
    /// It may have been shown.
    Uncertain,
    /// None is owed.
    Suppressed {
        /// Why.
        why: Suppressed,
    },
    /// The system would not show it.
    Refused {
        /// Its words.
        why: String,
    },
}

mirror! {
    /// Why no popup is owed.
    Suppressed of storage::Suppressed {
        Disabled = Disabled,
        Muted = Muted,
        QuietHours = QuietHours,
        Paused = Paused,
        NoService = NoService,
        NotOpen = NotOpen,
        OldNews = OldNews,
        Read = Read,
    }
}

/// Where the search text is in a detail; one entry for each field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct DetailMarks {
    title: Ranges,
    sender: Ranges,
    body: Ranges,
    fields: Vec<Ranges>,
}

/// A notice, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// Its place.
    #[cfg_attr(test, ts(type = "number"))]
    seq: i64,
    /// The server's id.
    id: String,
    /// Which of several systems with clashing ids; usually empty.
    scope: String,
    /// The server's version of it.
    #[cfg_attr(test, ts(type = "number | null"))]
    version: Option<i64>,
    /// Where the server sent it, as STOMP names it.
    destination: String,
    /// First line.
    title: String,
    /// Plain text, several lines.
    body: String,
    /// How many characters the whole body has, when this is only its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    body_length: Option<usize>,
    /// The server's type.
    kind: String,
    /// The name of that type, or the type itself.
    kind_name: String,
    /// May be empty.
    sender: String,
    /// As the server says; RFC 3339.
    sent_at: Option<String>,
    /// When it came; RFC 3339.
    received_at: String,
    /// Whether a person has read it.
    read: bool,
    /// Where the matter stands.
    state: State,
    /// How loud.
    priority: Priority,
    /// How it came.
    source: Source,
    /// To be shown, never to be followed: opening it is [`crate::links`]' matter.
    link: String,
    /// What no setting maps; the first 200.
    fields: Vec<Field>,
    /// How many fields there are besides these.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    more_fields: Option<usize>,
    /// Why a popup was shown, or was not.
    alert: Alert,
    /// What a person may do.
    actions: Vec<Action>,
    /// What came of the last button that was pressed; null before one was.
    action_result: Option<ActionResult>,
    /// A deletion on the server that waits; null if none does.
    server_deletion: Option<ServerDeletion>,
    /// Of a search.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    marks: Option<DetailMarks>,
}

impl Row {
    /// A row of the list, with the marks of a search.
    pub fn of(detail: &inbox::Detail, kinds: &Kinds, marker: Option<&inbox::Highlighter>) -> Self {
        let row = &detail.row;
        let (title, sender) =
            (foreign_text::one_line(&row.title, MAX_LINE_CHARS), foreign_text::one_line(&row.sender, MAX_LINE_CHARS));
        let (preview, marks) = match marker {
            None => (beginning(&row.body), None),
            Some(marker) => {
                let (title, sender) = (marker.ranges(&title), marker.ranges(&sender));
                let mut preview = excerpt(&row.body, marker);
                if preview.is_none() && title.is_empty() && sender.is_empty() {
                    preview = detail.extra.values().find_map(|value| excerpt(&text_of(value), marker));
                }
                let preview = preview.unwrap_or_else(|| beginning(&row.body));
                let marks = RowMarks { title, sender, preview: marker.ranges(&preview) };
                (preview, Some(marks))
            }
        };
        Self {
            seq: row.seq.0,
            title,
            preview,
            kind: foreign_text::one_line(kinds.shown(&row.kind), MAX_LINE_CHARS),
            sender,
            at: row.sent_at.map_or(row.received_at, |sent| sent.min(row.received_at)).to_string(),
            read: row.read,
            state: row.state.into(),
            priority: row.priority.into(),
            needs_action: row.state == notice::State::Open && !detail.actions.is_empty(),
            marks,
        }
    }
}

impl Detail {
    /// A notice, with the marks of a search. The settings say what its buttons do.
    pub fn of(detail: inbox::Detail, kinds: &Kinds, settings: &Settings, marker: Option<&inbox::Highlighter>) -> Self {
        let buttons = detail.actions.iter().map(|action| Action::of(action, &detail, settings)).collect();
        let inbox::Detail { row, scope, version, destination, extra, alert, action_result, server_deletion, .. } =
            detail;
        let more_fields = extra.len().checked_sub(MAX_FIELDS).filter(|more| *more > 0);
        let fields: Vec<Field> = extra
            .iter()
            .take(MAX_FIELDS)
            .map(|(name, value)| Field {
                name: foreign_text::one_line(name, MAX_LINE_CHARS),
                value: foreign_text::lines(&text_of(value), MAX_BODY_CHARS),
            })
            .collect();
        let (title, sender) = (
            foreign_text::one_line(&row.title, MAX_LINE_CHARS * 5),
            foreign_text::one_line(&row.sender, MAX_LINE_CHARS),
        );
        let body = foreign_text::lines(&row.body, MAX_BODY_CHARS);
        let length = row.body.chars().count();
        let marks = marker.map(|marker| DetailMarks {
            title: marker.ranges(&title),
            sender: marker.ranges(&sender),
            body: marker.ranges(&body),
            fields: fields.iter().map(|field| marker.ranges(&field.value)).collect(),
        });
        Self {
            seq: row.seq.0,
            id: foreign_text::one_line(&row.id, MAX_LINE_CHARS),
            scope: foreign_text::one_line(&scope, MAX_LINE_CHARS),
            version,
            destination: foreign_text::one_line(&destination, MAX_LINE_CHARS),
            title,
            body,
            body_length: (length > MAX_BODY_CHARS).then_some(length),
            kind: foreign_text::one_line(&row.kind, MAX_LINE_CHARS),
            kind_name: foreign_text::one_line(kinds.shown(&row.kind), MAX_LINE_CHARS),
            sender,
            sent_at: row.sent_at.map(|at| at.to_string()),
            received_at: row.received_at.to_string(),
            read: row.read,
            state: row.state.into(),
            priority: row.priority.into(),
            source: row.source.into(),
            link: foreign_text::one_line(&row.link, MAX_LINE_CHARS * 10),
            fields,
            more_fields,
            alert: alert.into(),
            actions: buttons,
            action_result: action_result.map(Into::into),
            server_deletion: server_deletion.map(Into::into),
            marks,
        }
    }
}

impl Kind {
    /// Kinds that are no plain words are left out: they could not be shown as they are.
    pub fn of((kind, count): (String, u64), kinds: &Kinds) -> Option<Self> {
        let name = foreign_text::one_line(kinds.shown(&kind), MAX_LINE_CHARS);
        (foreign_text::one_line(&kind, MAX_LINE_CHARS) == kind).then_some(Self { kind, name, count })
    }
}

/// Names kinds in the window's language.
#[derive(Debug, Clone)]
pub struct Kinds {
    /// `message.kinds`.
    pub names: KindNames,
    /// The window's.
    pub language: Language,
}

impl Kinds {
    fn shown<'a>(&'a self, kind: &'a str) -> &'a str {
        self.names.shown(kind, self.language)
    }
}

impl From<storage::ServerDeletion> for ServerDeletion {
    fn from(deletion: storage::ServerDeletion) -> Self {
        let refused = deletion.refused.map(|why| Fault {
            kind: why.kind.into(),
            detail: foreign_text::one_line(&why.detail, MAX_LINE_CHARS),
            is_catch_up: false,
        });
        Self { asked_at: deletion.asked_at.to_string(), refused }
    }
}

impl From<storage::Alert> for Alert {
    fn from(alert: storage::Alert) -> Self {
        match alert {
            storage::Alert::Due => Self::Due,
            storage::Alert::Suppressed(why) => Self::Suppressed { why: why.into() },
            storage::Alert::Claimed => Self::Claimed,
            storage::Alert::Shown => Self::Shown,
            storage::Alert::Silenced => Self::Silenced,
            storage::Alert::Refused(why) => Self::Refused { why: foreign_text::one_line(&why, MAX_LINE_CHARS) },
            storage::Alert::Uncertain => Self::Uncertain,
        }
    }
}

fn beginning(body: &str) -> String {
    let beginning: String = body.chars().take(MAX_LINE_CHARS * 4).collect();
    foreign_text::one_line(&beginning, MAX_LINE_CHARS)
}

/// One line of `text` around its first hit; `None` without one.
fn excerpt(text: &str, marker: &inbox::Highlighter) -> Option<String> {
    let text = foreign_text::one_line(text, usize::MAX);
    let hit = marker.first(&text)?;
    if hit <= LEAD * 2 {
        return Some(foreign_text::one_line(&text, MAX_LINE_CHARS));
    }
    let around: String = text.chars().skip(hit - LEAD).take(MAX_LINE_CHARS * 2).collect();
    Some(foreign_text::one_line(&format!("…{around}"), MAX_LINE_CHARS))
}

fn text_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// For the bindings.
#[cfg(test)]
pub(super) fn declarations(config: &ts_rs::Config) -> Vec<String> {
    vec![
        Filter::decl(config),
        PageQuery::decl(config),
        RowMarks::decl(config),
        Row::decl(config),
        Page::decl(config),
        Kind::decl(config),
        Removed::decl(config),
        RemovedOnServer::decl(config),
        ServerDeletion::decl(config),
        Field::decl(config),
        super::actions::ActionCall::decl(config),
        Action::decl(config),
        super::actions::ActionOutcome::decl(config),
        ActionResult::decl(config),
        Suppressed::decl(config),
        Alert::decl(config),
        DetailMarks::decl(config),
        Detail::decl(config),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str, body: &str) -> Option<String> {
        excerpt(body, &inbox::Highlighter::of(typed).unwrap())
    }

    #[test]
    fn an_excerpt_lies_around_the_first_hit() {
        assert_eq!(found("needle", "a needle\nin it").as_deref(), Some("a needle in it"));
        assert_eq!(found("needle", "hay"), None);
        let late = found("needle", &format!("{}the needle {}", "hay ".repeat(200), "hay ".repeat(200))).unwrap();
        assert!(late.starts_with('…') && late.contains("the needle hay") && late.ends_with('…'), "{late}");
        assert_eq!(late.chars().count(), MAX_LINE_CHARS);
    }

    #[test]
    fn a_detail_has_the_first_200_fields_and_says_how_many_more_there_are() {
        let detail = |fields: usize| {
            let row = inbox::InboxRow {
                seq: inbox::Seq(1),
                id: "1".to_owned(),
                title: "title".to_owned(),
                body: String::new(),
                kind: String::new(),
                sender: String::new(),
                sent_at: None,
                received_at: jiff::Timestamp::UNIX_EPOCH,
                read: false,
                state: notice::State::Open,
                priority: notice::Priority::Normal,
                link: String::new(),
                source: notice::Source::Live,
                kind_name: None,
            };
            let extra = (0..fields).map(|number| (format!("field {number:06}"), number.into())).collect();
            let detail = inbox::Detail {
                row,
                scope: String::new(),
                version: None,
                destination: String::new(),
                undelivered: None,
                actions: Vec::new(),
                extra,
                alert: storage::Alert::Shown,
                opening: 1,
                action_result: None,
                server_deletion: None,
            };
            let kinds = Kinds { names: KindNames::default(), language: Language::English };
            let marker = inbox::Highlighter::of("1");
            let detail = Detail::of(detail, &kinds, &Settings::default(), marker.as_ref());
            assert_eq!(detail.marks.unwrap().fields.len(), detail.fields.len());
            (detail.fields.len(), detail.more_fields)
        };
        assert_eq!([3, 200, 201, 300_000].map(detail), [(3, None), (200, None), (200, Some(1)), (200, Some(299_800))]);
    }

    #[test]
    fn only_a_text_that_says_something_is_searched_for() {
        let filter = |text: &str| Filter { text: text.to_owned(), unread: false, needs_action: false, kind: None };
        assert_eq!(filter(" \n").to_engine().text, None);
        assert_eq!(filter("!").to_engine().text, Some("!"));
    }
}
