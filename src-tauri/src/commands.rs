//! What the window may ask of the program. Nothing is decided here: each command hands on to the [`Shell`].
//!
//! They run on the runtime's threads, not on the main one, since reading the inbox may wait for the disk.

use tauri::State;
use tauri::ipc::Channel;

use crate::shell::Shell;
use crate::view::{Detail, Page, Problem, Start, Update};

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

/// A page of the inbox, newest first.
#[tauri::command(async)]
pub(crate) fn page(shell: State<'_, Shell>, before: Option<i64>, limit: usize) -> Answer<Page> {
    shell.page(before, limit)
}

/// One notice, whole.
#[tauri::command(async)]
pub(crate) fn notice(shell: State<'_, Shell>, seq: i64) -> Answer<Option<Detail>> {
    shell.notice(seq)
}

/// Marks notices as read or unread.
#[tauri::command(async)]
pub(crate) fn set_read(shell: State<'_, Shell>, seqs: Vec<i64>, read: bool) -> Answer<()> {
    shell.set_read(&seqs, read)
}

/// Deletes notices.
#[tauri::command(async)]
pub(crate) fn remove(shell: State<'_, Shell>, seqs: Vec<i64>) -> Answer<()> {
    shell.remove(&seqs)
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
