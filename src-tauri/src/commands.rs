//! What the window may ask of the program. Nothing is decided here: each command hands on to the [`Shell`].
//!
//! They run on the runtime's threads, not on the main one, since reading the inbox may wait for the disk.

use tauri::State;
use tauri::ipc::Channel;

use crate::shell::Shell;
use crate::view::{Ask, Detail, Filter, Kind, Page, Problem, Removed, Start, Update};

type Answer<T> = Result<T, Problem>;

/// Tells the window every update from now on.
#[tauri::command(async)]
pub(crate) fn listen(shell: State<'_, Shell>, channel: Channel<Update>) {
    shell.listen(channel);
}

/// What the window needs before its first frame.
#[tauri::command(async)]
pub(crate) fn start(shell: State<'_, Shell>) -> Start {
    shell.start()
}

/// A page of the notices that match, newest first.
#[tauri::command(async)]
pub(crate) fn page(
    shell: State<'_, Shell>,
    before: Option<i64>,
    after: Option<i64>,
    limit: usize,
    filter: Filter,
) -> Answer<Page> {
    shell.page(&Ask { before, after, limit, filter })
}

/// The places of the newest notices that match, to select them all.
#[tauri::command(async)]
pub(crate) fn seqs(shell: State<'_, Shell>, filter: Filter, limit: usize) -> Answer<Vec<i64>> {
    shell.seqs(&filter, limit)
}

/// All kinds there are, the most frequent first.
#[tauri::command(async)]
pub(crate) fn kinds(shell: State<'_, Shell>) -> Answer<Vec<Kind>> {
    shell.kinds()
}

/// One notice, whole, with the marks of a search for `text`.
#[tauri::command(async)]
pub(crate) fn notice(shell: State<'_, Shell>, seq: i64, text: String) -> Answer<Option<Detail>> {
    shell.notice(seq, &text)
}

/// Marks notices as read or unread.
#[tauri::command(async)]
pub(crate) fn set_read(shell: State<'_, Shell>, seqs: Vec<i64>, read: bool) -> Answer<()> {
    shell.set_read(&seqs, read)
}

/// Marks every matching notice up to `through` as read.
#[tauri::command(async)]
pub(crate) fn set_all_read(shell: State<'_, Shell>, filter: Filter, through: i64) -> Answer<()> {
    shell.set_all_read(&filter, through)
}

/// Takes notices out of the inbox.
#[tauri::command(async)]
pub(crate) fn remove(shell: State<'_, Shell>, seqs: Vec<i64>) -> Answer<Removed> {
    shell.remove(&seqs)
}

/// Takes back a [`remove`] that is not final yet.
#[tauri::command(async)]
pub(crate) fn restore(shell: State<'_, Shell>, undo: i64) -> Answer<()> {
    shell.restore(undo)
}

/// Opens the link of a notice in the browser.
#[tauri::command(async)]
pub(crate) fn open_link(shell: State<'_, Shell>, seq: i64) -> Answer<()> {
    shell.open_link(seq)
}

/// Ends the wait for the next attempt.
#[tauri::command(async)]
pub(crate) fn try_now(shell: State<'_, Shell>) {
    shell.try_now();
}
