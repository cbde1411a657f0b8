//! What the window may ask of the program. Nothing is decided here: each command hands on to the [`Shell`].
//!
//! They run on the runtime's threads, not on the main one, since reading the inbox may wait for the disk.

use engine::inbox::Format;
use tauri::State;
use tauri::ipc::Channel;

use crate::shell::Shell;
use crate::view::{
    About, Ask, Chosen, Client, Detail, DoctorStep, Exported, Filter, Kind, Older, Page, Problem, Removed, Server,
    Setting, SignedIn, Start, Update,
};

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

/// Deletes the server's records of these notices, for every receiver, then the notices here.
#[tauri::command]
pub(crate) async fn remove_on_server(shell: State<'_, Shell>, seqs: Vec<i64>) -> Answer<usize> {
    shell.remove_on_server(&seqs).await
}

/// Does what a notice offers.
#[tauri::command]
pub(crate) async fn act(shell: State<'_, Shell>, seq: i64, action: String) -> Answer<()> {
    shell.act(seq, &action).await
}

/// Reads the next older part of the server's history into the inbox.
#[tauri::command]
pub(crate) async fn load_older(shell: State<'_, Shell>) -> Answer<Older> {
    shell.load_older().await
}

/// Writes the notices that match, or just these, to a file.
#[tauri::command(async)]
pub(crate) fn export_notices(
    shell: State<'_, Shell>,
    format: String,
    filter: Filter,
    seqs: Option<Vec<i64>>,
) -> Answer<Exported> {
    let format = if format == "csv" { Format::Csv } else { Format::Json };
    shell.export(format, &filter, seqs.as_deref())
}

/// Opens the folder of the newest export.
#[tauri::command(async)]
pub(crate) fn show_export(shell: State<'_, Shell>) -> Answer<()> {
    shell.show_export()
}

/// What stands at an address.
#[tauri::command]
pub(crate) async fn discover(shell: State<'_, Shell>, address: String) -> Answer<Server> {
    shell.discover(address).await
}

/// Checks the token or password with the server; only then settings and secret are kept.
#[tauri::command]
pub(crate) async fn sign_in(
    shell: State<'_, Shell>,
    server: Chosen,
    login: String,
    secret: String,
) -> Answer<SignedIn> {
    shell.sign_in(server, &login, secret.into()).await
}

/// Disconnects, and forgets the secret.
#[tauri::command]
pub(crate) async fn sign_out(shell: State<'_, Shell>) -> Answer<()> {
    shell.sign_out().await
}

/// Has the server send a notice to this account; updates tell how far it comes.
#[tauri::command]
pub(crate) async fn test_notice(shell: State<'_, Shell>) -> Answer<()> {
    shell.test_notice().await
}

/// Every setting, with its value.
#[tauri::command(async)]
pub(crate) fn settings(shell: State<'_, Shell>) -> Answer<Vec<Setting>> {
    shell.settings()
}

/// Changes settings, all or none.
#[tauri::command]
pub(crate) async fn save_settings(
    shell: State<'_, Shell>,
    values: serde_json::Map<String, serde_json::Value>,
) -> Answer<Vec<Setting>> {
    shell.save_settings(values).await
}

/// Who is signed in on the server.
#[tauri::command]
pub(crate) async fn clients(shell: State<'_, Shell>) -> Answer<Vec<Client>> {
    shell.clients().await
}

/// Examines the way from settings to tray; the channel is told each step as it ends.
#[tauri::command]
pub(crate) async fn diagnose(shell: State<'_, Shell>, channel: Channel<DoctorStep>) -> Answer<()> {
    // A window that has closed does not listen any more.
    shell.diagnose(&mut |step| drop(channel.send(step))).await
}

/// What this program is and keeps.
#[tauri::command(async)]
pub(crate) fn about(shell: State<'_, Shell>) -> Answer<About> {
    shell.about()
}
