//! What the window may ask of the program. Each command sends one request to the controller and
//! waits for its answer.

use belfry_app::ipc::{
    About, Chosen, Client, Detail, DoctorStep, ExportFormat, Exported, Filter, Kind, Older, Page, PageQuery, Pause,
    Removed, RemovedOnServer, Server, Setting, Setup, SignedIn, Start, Update,
};
use belfry_app::{App, CommandError, Request};
use serde_json::{Map, Value};
use tauri::State;
use tauri::ipc::Channel;

use super::Window;

type Answer<T> = Result<T, CommandError>;

/// Tells the window every update from now on.
#[tauri::command]
pub(crate) async fn listen(app: State<'_, App>, channel: Channel<Update>) -> Answer<()> {
    app.ask(|reply| Request::Listen { listener: Box::new(Window(channel)), reply }).await
}

/// What the window needs before its first frame.
#[tauri::command]
pub(crate) async fn start(app: State<'_, App>) -> Answer<Start> {
    app.ask(|reply| Request::Start { reply }).await
}

/// A page of the notices that match, newest first.
#[tauri::command]
pub(crate) async fn page(
    app: State<'_, App>,
    before: Option<i64>,
    after: Option<i64>,
    limit: usize,
    filter: Filter,
) -> Answer<Page> {
    app.ask(|reply| Request::Page { query: PageQuery { before, after, limit, filter }, reply }).await
}

/// The places of the newest notices that match, to select them all.
#[tauri::command]
pub(crate) async fn seqs(app: State<'_, App>, filter: Filter, limit: usize) -> Answer<Vec<i64>> {
    app.ask(|reply| Request::Seqs { filter, limit, reply }).await
}

/// All kinds there are, the most frequent first.
#[tauri::command]
pub(crate) async fn kinds(app: State<'_, App>) -> Answer<Vec<Kind>> {
    app.ask(|reply| Request::Kinds { reply }).await
}

/// One notice, whole, with the marks of a search for `text`.
#[tauri::command]
pub(crate) async fn notice(app: State<'_, App>, seq: i64, text: String) -> Answer<Option<Detail>> {
    app.ask(|reply| Request::Notice { seq, text, reply }).await
}

/// Marks notices as read or unread.
#[tauri::command]
pub(crate) async fn set_read(app: State<'_, App>, seqs: Vec<i64>, read: bool) -> Answer<()> {
    app.ask(|reply| Request::SetRead { seqs, read, reply }).await
}

/// Marks every matching notice up to `through` as read.
#[tauri::command]
pub(crate) async fn set_all_read(app: State<'_, App>, filter: Filter, through: i64) -> Answer<()> {
    app.ask(|reply| Request::SetAllRead { filter, through, reply }).await
}

/// Takes notices out of the inbox.
#[tauri::command]
pub(crate) async fn remove(app: State<'_, App>, seqs: Vec<i64>) -> Answer<Removed> {
    app.ask(|reply| Request::Remove { seqs, reply }).await
}

/// Undoes a [`remove`] that is not final yet.
#[tauri::command]
pub(crate) async fn restore(app: State<'_, App>, undo: i64) -> Answer<()> {
    app.ask(|reply| Request::Restore { undo, reply }).await
}

/// Opens the link of a notice in the browser.
#[tauri::command]
pub(crate) async fn open_link(app: State<'_, App>, seq: i64) -> Answer<()> {
    app.ask(|reply| Request::OpenLink { seq, reply }).await
}

/// Ends the wait for the next attempt.
#[tauri::command]
pub(crate) async fn try_now(app: State<'_, App>) -> Answer<()> {
    app.ask(|reply| Request::TryNow { reply }).await
}

/// Pauses notifications, or ends the pause.
#[tauri::command]
pub(crate) async fn pause(app: State<'_, App>, pause: Option<Pause>) -> Answer<()> {
    app.ask(|reply| Request::Pause { pause, reply }).await
}

/// Deletes the server's records of these notices, for every receiver, then the notices here.
#[tauri::command]
pub(crate) async fn remove_on_server(app: State<'_, App>, seqs: Vec<i64>) -> Answer<RemovedOnServer> {
    app.ask(|reply| Request::RemoveOnServer { seqs, reply }).await
}

/// Takes back deletions on the server that were not carried out yet.
#[tauri::command]
pub(crate) async fn keep_on_server(app: State<'_, App>, seqs: Vec<i64>) -> Answer<()> {
    app.ask(|reply| Request::KeepOnServer { seqs, reply }).await
}

/// Runs an action of a notice.
#[tauri::command]
pub(crate) async fn act(app: State<'_, App>, seq: i64, action: String, confirmed: Option<String>) -> Answer<()> {
    app.ask(|reply| Request::Act { seq, action, confirmed, reply }).await
}

/// Reads the next older part of the server's history into the inbox.
#[tauri::command]
pub(crate) async fn load_older(app: State<'_, App>) -> Answer<Older> {
    app.ask(|reply| Request::LoadOlder { reply }).await
}

/// Writes the notices that match, or just these, to a file.
#[tauri::command]
pub(crate) async fn export_notices(
    app: State<'_, App>,
    format: ExportFormat,
    filter: Filter,
    seqs: Option<Vec<i64>>,
) -> Answer<Exported> {
    app.ask(|reply| Request::Export { format, filter, seqs, reply }).await
}

/// Opens the folder of the newest export.
#[tauri::command]
pub(crate) async fn show_export(app: State<'_, App>) -> Answer<()> {
    app.ask(|reply| Request::ShowExport { reply }).await
}

/// Finds out which server stands at an address.
#[tauri::command]
pub(crate) async fn discover(app: State<'_, App>, address: String) -> Answer<Server> {
    app.ask(|reply| Request::Discover { address, reply }).await
}

/// Checks the token or password with the server; only then settings and secret are stored.
#[tauri::command]
pub(crate) async fn sign_in(app: State<'_, App>, server: Chosen, login: String, secret: String) -> Answer<SignedIn> {
    app.ask(|reply| Request::SignIn { server, login, secret: secret.into(), reply }).await
}

/// Opens the browser and waits until the person has signed in there; then as [`sign_in`].
#[tauri::command]
pub(crate) async fn sign_in_in_browser(app: State<'_, App>, server: Chosen) -> Answer<SignedIn> {
    app.ask(|reply| Request::SignInInBrowser { server, reply }).await
}

/// Ends a sign-in that is under way.
#[tauri::command]
pub(crate) async fn cancel_sign_in(app: State<'_, App>) -> Answer<()> {
    app.ask(|reply| Request::CancelSignIn { reply }).await
}

/// What the page shows where the account of the settings signs in again.
#[tauri::command]
pub(crate) async fn sign_in_again(app: State<'_, App>) -> Answer<Setup> {
    app.ask(|reply| Request::SignInAgain { reply }).await
}

/// Disconnects, and forgets the secret; then deletes the queues of this device on the server, if that
/// is asked for. A sign-in that is under way is ended.
#[tauri::command]
pub(crate) async fn sign_out(app: State<'_, App>, forget_device: bool) -> Answer<()> {
    app.ask(|reply| Request::SignOut { forget_device, reply }).await
}

/// Has the server send a notice to this account; updates tell how far it comes.
#[tauri::command]
pub(crate) async fn test_notice(app: State<'_, App>) -> Answer<()> {
    app.ask(|reply| Request::TestNotice { reply }).await
}

/// Every setting, with its value.
#[tauri::command]
pub(crate) async fn settings(app: State<'_, App>) -> Answer<Vec<Setting>> {
    app.ask(|reply| Request::Settings { reply }).await
}

/// Changes settings, all or none.
#[tauri::command]
pub(crate) async fn save_settings(app: State<'_, App>, values: Map<String, Value>) -> Answer<Vec<Setting>> {
    app.ask(|reply| Request::SaveSettings { values, reply }).await
}

/// Who is signed in on the server.
#[tauri::command]
pub(crate) async fn clients(app: State<'_, App>) -> Answer<Vec<Client>> {
    app.ask(|reply| Request::Clients { reply }).await
}

/// Examines everything from the settings to the tray; the channel is told each step as it ends.
#[tauri::command]
pub(crate) async fn diagnose(app: State<'_, App>, channel: Channel<DoctorStep>) -> Answer<()> {
    // A window that has closed takes no steps any more.
    let on_step = Box::new(move |step| drop(channel.send(step)));
    app.ask(|reply| Request::Diagnose { on_step, reply }).await
}

/// What this program is, and where it keeps its files.
#[tauri::command]
pub(crate) async fn about(app: State<'_, App>) -> Answer<About> {
    app.ask(|reply| Request::About { reply }).await
}
