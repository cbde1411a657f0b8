//! What the window asks of the inbox, page by page and mark by mark; and the pause of notifications.
//!
//! The work is done by the inbox reader's thread, which answers the window itself. Nothing is kept
//! between two questions. Everything here works offline.

use belfry_core::alerts::buttons;
use belfry_core::app_link::{AppLink, NoticeLink};
use belfry_core::url_policy;
use engine::inbox::{Highlighter, Inbox, Removal, Seq, UNDO_OFFERED};
use jiff::Timestamp;

use crate::controller::Controller;
use crate::gui::Gui;
use crate::ipc::{CommandError, CommandErrorCode, Detail, Filter, Kind, Kinds, Page, PageQuery, Pause, Removed, Row};
use crate::request::{Reply, WindowToken};
use crate::task::{NoticeToShow, Outcome, answer, report};

/// Longest page the window gets, in rows.
const MAX_PAGE: usize = 500;
/// Most kinds that are listed.
const MAX_KINDS: usize = 50;
/// Most notices that can be selected at once.
const MAX_SELECTED: usize = 10_000;

impl<G: Gui> Controller<G> {
    /// Pauses notifications, or ends the pause.
    pub(super) fn pause(&self, pause: Option<Pause>, reply: Reply<()>) {
        self.command(|engine| engine.pause(pause.map(Into::into)));
        answer(reply, Ok(()));
    }

    pub(crate) fn page(&self, query: PageQuery, reply: Reply<Page>) {
        let (unread, kinds) = (self.snapshot().counts.unread, self.kind_names());
        let read = move |inbox: &mut Inbox| {
            let filter = query.filter.to_engine();
            let marker = filter.text.and_then(Highlighter::of);
            let matching = inbox.count(&filter)?;
            let limit = query.limit.clamp(1, MAX_PAGE);
            let page =
                inbox.previews(&filter, query.place(), limit, |detail| Row::of(&detail, &kinds, marker.as_ref()))?;
            Ok(Page {
                rows: page.rows,
                next: page.next.map(|next| next.0),
                has_newer: page.has_newer,
                matching: matching.number,
                is_exact: matching.is_exact,
                unread,
            })
        };
        self.inbox.run(read, |page| answer(reply, page));
    }

    pub(crate) fn seqs(&self, filter: Filter, limit: usize, reply: Reply<Vec<i64>>) {
        let read = move |inbox: &mut Inbox| {
            let seqs = inbox.seqs(&filter.to_engine(), limit.min(MAX_SELECTED))?;
            Ok(seqs.into_iter().map(|seq| seq.0).collect())
        };
        self.inbox.run(read, |seqs| answer(reply, seqs));
    }

    pub(crate) fn kinds(&self, reply: Reply<Vec<Kind>>) {
        let names = self.kind_names();
        let read = move |inbox: &mut Inbox| {
            let kinds = inbox.kinds(MAX_KINDS)?.into_iter();
            Ok(kinds.filter_map(|kind| Kind::of(kind, &names)).collect())
        };
        self.inbox.run(read, |kinds| answer(reply, kinds));
    }

    pub(crate) fn notice(&self, seq: i64, text: String, reply: Reply<Option<Detail>>) {
        let (kinds, settings) = (self.kind_names(), self.session.settings.clone());
        let read = move |inbox: &mut Inbox| {
            let detail = inbox.show(Seq(seq))?;
            let marker = Highlighter::of(&text);
            Ok(detail.map(|detail| Detail::of(detail, &kinds, &settings, marker.as_ref())))
        };
        self.inbox.run(read, |detail| answer(reply, detail));
    }

    pub(crate) fn set_read(&self, seqs: Vec<i64>, read: bool, reply: Reply<()>) {
        self.change_inbox(move |inbox| Ok(inbox.mark(&to_seqs(&seqs), read).map(drop)?), reply);
    }

    pub(crate) fn set_all_read(&self, filter: Filter, through: i64, reply: Reply<()>) {
        let mark = move |inbox: &mut Inbox| Ok(inbox.mark_all_read(&filter.to_engine(), Seq(through)).map(drop)?);
        self.change_inbox(mark, reply);
    }

    pub(crate) fn remove(&self, seqs: Vec<i64>, reply: Reply<Removed>) {
        let remove = move |inbox: &mut Inbox| {
            let (count, Removal(removal)) = inbox.remove(&to_seqs(&seqs), Timestamp::now())?;
            let undo_ms = u64::try_from(UNDO_OFFERED.as_millis()).unwrap_or(u64::MAX);
            Ok(Removed { count, undo: (count > 0).then_some(removal), undo_ms })
        };
        self.change_inbox(remove, reply);
    }

    pub(crate) fn restore(&self, undo: i64, reply: Reply<()>) {
        let restore = move |inbox: &mut Inbox| match inbox.restore(Removal(undo))? {
            0 => Err(CommandError::new(CommandErrorCode::Gone, "it is too late to bring these notices back")),
            _ => Ok(()),
        };
        self.change_inbox(restore, reply);
    }

    pub(crate) fn open_link(&self, seq: i64, reply: Reply<()>) {
        let reporter = self.reporter();
        let read = move |inbox: &mut Inbox| {
            let detail = inbox.show(Seq(seq))?;
            detail.ok_or_else(|| CommandError::new(CommandErrorCode::Gone, "this notice is no longer in the inbox"))
        };
        self.inbox.run(read, move |detail| match detail {
            Ok(detail) => report(&reporter, Outcome::OpenUrl { link: detail.row.link, reply }),
            Err(error) => answer(reply, Err(error)),
        });
    }

    /// Opens an address in the browser, if it may be opened.
    pub(crate) fn open_url(&mut self, link: &str) -> Result<(), CommandError> {
        let url = url_policy::allowed(link, &self.session.settings)
            .map_err(|refused| CommandError::new(CommandErrorCode::LinkRefused, refused))?;
        let opened = self.gui.open_url(&url);
        opened.map_err(|error| {
            CommandError::new(CommandErrorCode::NoBrowser, format!("no browser could be started: {error}"))
        })
    }

    /// Shows what an address names. Anybody can have written it, so that a button in it only leads
    /// to the question in the window, also where a press in a popup would open the browser.
    pub(crate) fn open_address(&mut self, link: AppLink, window: Option<WindowToken>) {
        match (link, window) {
            (AppLink::Notice(link), window) => self.open_notice(link, window),
            (AppLink::Inbox, Some(WindowToken(token))) => self.show_window(token),
            (AppLink::Inbox, None) => {}
        }
    }

    /// Finds the notice that an address or a notification names: the one of this scope, or the
    /// newest of any.
    pub(crate) fn open_notice(&self, link: NoticeLink, window: Option<WindowToken>) {
        let (reporter, settings) = (self.reporter(), self.session.settings.clone());
        let find = move |inbox: &mut Inbox| {
            let NoticeLink { id, scope, button } = link;
            for seq in inbox.find(&id)? {
                let detail = inbox.show(seq)?.filter(|it| scope.as_ref().is_none_or(|scope| it.scope == *scope));
                let Some(detail) = detail else { continue };
                let asked = button.as_deref().and_then(|key| buttons::asked_about(detail.offer(), key, &settings));
                return Ok(Some(NoticeToShow { seq: seq.0, ask: asked.map(|action| action.id.clone()) }));
            }
            Ok(None)
        };
        self.inbox.run(find, move |found| report(&reporter, Outcome::NoticeFound { found, window }));
    }

    /// How the window names kinds now.
    pub(crate) fn kind_names(&self) -> Kinds {
        Kinds { names: self.session.settings.message.kinds.clone(), language: self.language() }
    }

    /// Changes the inbox, and lets the window know.
    pub(crate) fn change_inbox<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Inbox) -> Result<T, CommandError> + Send + 'static,
        reply: Reply<T>,
    ) {
        let reporter = self.reporter();
        self.inbox.run(work, move |result| {
            if result.is_ok() {
                report(&reporter, Outcome::InboxChanged);
            }
            answer(reply, result);
        });
    }
}

pub(super) fn to_seqs(seqs: &[i64]) -> Vec<Seq> {
    seqs.iter().copied().map(Seq).collect()
}
