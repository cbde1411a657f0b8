// Generated from src-tauri/crates/app/src/ipc.rs by its test. To update: BELFRY_BLESS=1 cargo test -p belfry-app bindings

export type State = "open" | "decided" | "withdrawn" | "expired";
export type Priority = "low" | "normal" | "high" | "urgent";
export type Source = "live" | "collected" | "history";
export type Connectivity = "offline" | "connecting" | "catching-up" | "live" | "polling" | "action-needed";
export type Language = "en" | "zh-CN";
export type Theme = "system" | "light" | "dark";
export type FaultKind = "unreachable" | "timed-out" | "tls" | "certificate-expired" | "certificate-name" | "client-certificate" | "tls-version" | "proxy-auth" | "unusable-proxy" | "busy" | "status" | "page" | "refused" | "forbidden" | "password" | "wrong-account" | "denied" | "died" | "protocol" | "closed" | "broken" | "silent" | "insecure" | "settings" | "no-credential" | "not-agreed" | "expired" | "locked" | "keychain" | "bad-answer" | "declined" | "not-permitted" | "store" | "api-missing" | "no-api" | "no-history";
export type Fault = { 
/**
 * Which kind of thing.
 */
kind: FaultKind, 
/**
 * What was seen: host, number, setting, or what others said, in whatever language; may be
 * empty.
 */
detail: string, 
/**
 * It is catch-up that fails; the session goes on.
 */
isCatchUp: boolean, };
export type TestFailure = { "what": "not-sent", 
/**
 * Why.
 */
error: CommandError, } | { "what": "nothing-came", 
/**
 * Within so many seconds.
 */
seconds: number, } | { "what": "nothing-shown", 
/**
 * Within so many seconds.
 */
seconds: number, } | { "what": "held-back", 
/**
 * Which.
 */
why: Suppressed, } | { "what": "not-taken", 
/**
 * Its words.
 */
why: string, };
export type Status = { 
/**
 * One of six.
 */
state: Connectivity, 
/**
 * Since when; RFC 3339.
 */
since: string, 
/**
 * Host, port and path of the endpoint.
 */
endpoint: string, 
/**
 * What happened, or what is off.
 */
fault?: Fault | null, 
/**
 * Milliseconds until the next attempt, from now; null when none is planned.
 */
retryInMs: number | null, 
/**
 * Nothing sent before this is missing; RFC 3339, null when nothing was collected yet.
 */
completeThrough?: string | null, 
/**
 * Until when notifications are paused; RFC 3339, null when they are not.
 */
pausedUntil?: string | null, 
/**
 * For `action-needed`: which button resolves it.
 */
fix?: Fix | null, 
/**
 * What can be asked of the server now; absent before there is one.
 */
offers?: Offers, };
export type Pause = "half-hour" | "hour" | "until-tomorrow";
export type Start = { 
/**
 * To speak.
 */
language: Language, 
/**
 * To look like.
 */
theme: Theme, 
/**
 * Whose inbox.
 */
account: string, 
/**
 * The connection now.
 */
status: Status, 
/**
 * The notice to show, when a click on a notification opened the window.
 */
open: number | null, 
/**
 * Which of its buttons to confirm, when one was pressed in a notification.
 */
ask?: string | null, 
/**
 * The window was opened for its settings.
 */
settings: boolean, 
/**
 * What is missing before anything can be received; null when nothing is.
 */
setup?: Setup | null, };
export type Update = { "type": "status", 
/**
 * As it is now.
 */
status: Status, } | { "type": "inbox" } | { "type": "open", 
/**
 * Its place.
 */
seq: number, 
/**
 * Which of its buttons to confirm, when one was pressed in the notification.
 */
ask: string | null, } | { "type": "settings" } | { "type": "look", 
/**
 * To speak.
 */
language: Language, 
/**
 * To look like.
 */
theme: Theme, } | { "type": "setup", 
/**
 * What.
 */
setup: Setup | null, } | { "type": "test", 
/**
 * Which step.
 */
step: TestStep, 
/**
 * Why it failed.
 */
failure: TestFailure | null, };
export type CommandErrorCode = "store" | "gone" | "changed" | "busy" | "link-refused" | "no-browser" | "no-folder" | "unreachable" | "not-discovered" | "not-agreed" | "insecure" | "bad-address" | "refused" | "tls" | "server" | "offline" | "setting" | "file";
export type CommandError = { 
/**
 * For the window.
 */
code: CommandErrorCode, 
/**
 * What was seen: names, numbers, what others said; a sentence only where the code says too
 * little.
 */
message: string, 
/**
 * Of the server: which fault it was, where the code alone says too little.
 */
fault?: Fault, 
/**
 * Of a setting.
 */
key?: string, };
export type Fix = "sign-in" | "unlock" | "settings" | "diagnose";
export type Filter = { 
/**
 * As a person types it; empty to search for nothing.
 */
text: string, 
/**
 * Only what is not read.
 */
unread: boolean, 
/**
 * Only what is open and has an action.
 */
needsAction: boolean, 
/**
 * Exactly this kind; null for any.
 */
kind: string | null, };
export type PageQuery = { 
/**
 * Below this place, which may be empty.
 */
before: number | null, 
/**
 * Above this place, which may be empty.
 */
after: number | null, 
/**
 * At most so many notices.
 */
limit: number, 
/**
 * Which.
 */
filter: Filter, };
export type RowMarks = { title: Array<[number, number]>, sender: Array<[number, number]>, preview: Array<[number, number]>, };
export type Row = { 
/**
 * Its place, newest highest.
 */
seq: number, 
/**
 * First line.
 */
title: string, 
/**
 * How the body begins.
 */
preview: string, 
/**
 * The name of the server's type, or the type itself.
 */
kind: string, 
/**
 * May be empty.
 */
sender: string, 
/**
 * When it was sent, else when it came, and not later than that (its sender's clock may be
 * wrong); RFC 3339.
 */
at: string, 
/**
 * Whether a person has read it.
 */
read: boolean, 
/**
 * Where the matter stands.
 */
state: State, 
/**
 * How loud.
 */
priority: Priority, 
/**
 * Open, and with at least one action.
 */
needsAction: boolean, 
/**
 * Of a search.
 */
marks?: RowMarks, };
export type Page = { 
/**
 * Newest first.
 */
rows: Array<Row>, 
/**
 * What to ask the next page with; null at the end.
 */
next: number | null, 
/**
 * Whether something newer matches too.
 */
hasNewer: boolean, 
/**
 * How many notices match.
 */
matching: number, 
/**
 * False: `matching` is an estimate.
 */
isExact: boolean, 
/**
 * Notices of the whole inbox that are not read.
 */
unread: number, };
export type Kind = { 
/**
 * To filter with.
 */
kind: string, 
/**
 * To show.
 */
name: string, 
/**
 * So many notices.
 */
count: number, };
export type Removed = { 
/**
 * So many notices.
 */
count: number, 
/**
 * Brings them back; null when there is nothing to undo.
 */
undo: number | null, 
/**
 * For how long, in milliseconds.
 */
undoMs: number, };
export type RemovedOnServer = { 
/**
 * So many records the server has deleted.
 */
deleted: number, 
/**
 * So many it will be asked to delete when it can be reached.
 */
waiting: number, };
export type ServerDeletion = { 
/**
 * When it was asked for; RFC 3339.
 */
askedAt: string, 
/**
 * Why the server has refused it; it is asked again after the next connect.
 */
refused: Fault | null, };
export type Field = { 
/**
 * Its name there.
 */
name: string, 
/**
 * Text as it is, everything else as JSON.
 */
value: string, };
export type ActionCall = { 
/**
 * `POST`.
 */
method: string, 
/**
 * Scheme, host and port.
 */
host: string, 
/**
 * Path and query.
 */
path: string, };
export type Action = { 
/**
 * To ask for it.
 */
id: string, 
/**
 * What the button says.
 */
label: string, 
/**
 * Ask before doing it; a request is confirmed in any case.
 */
confirm: boolean, 
/**
 * The message's own question; empty without one.
 */
question: string, 
/**
 * The request it sends with the sign-in; null when it sends none.
 */
call: ActionCall | null, 
/**
 * It opens a page in the browser.
 */
opens: boolean, 
/**
 * What to confirm it with: names the request, and what the notice says.
 */
key: string, };
export type ActionOutcome = "done" | "refused" | "unknown";
export type ActionResult = { 
/**
 * What the button said.
 */
label: string, 
/**
 * When it was pressed; RFC 3339.
 */
at: string, 
/**
 * What came of it.
 */
outcome: ActionOutcome, 
/**
 * What failed, where no answer says it.
 */
fault: FaultKind | null, 
/**
 * The server's status and words, or where it failed; may be empty.
 */
detail: string, };
export type Suppressed = "disabled" | "muted" | "quiet-hours" | "paused" | "no-service" | "not-open" | "old-news" | "read";
export type Alert = { "mark": "due" } | { "mark": "claimed" } | { "mark": "shown" } | { "mark": "silenced" } | { "mark": "uncertain" } | { "mark": "suppressed", 
/**
 * Why.
 */
why: Suppressed, } | { "mark": "refused", 
/**
 * Its words.
 */
why: string, };
export type DetailMarks = { title: Array<[number, number]>, sender: Array<[number, number]>, body: Array<[number, number]>, fields: Array<Array<[number, number]>>, };
export type Detail = { 
/**
 * Its place.
 */
seq: number, 
/**
 * The server's id.
 */
id: string, 
/**
 * Which of several systems with clashing ids; usually empty.
 */
scope: string, 
/**
 * The server's version of it.
 */
version: number | null, 
/**
 * Where the server sent it, as STOMP names it.
 */
destination: string, 
/**
 * First line.
 */
title: string, 
/**
 * Plain text, several lines.
 */
body: string, 
/**
 * How many characters the whole body has, when this is only its beginning.
 */
bodyLength?: number, 
/**
 * The server's type.
 */
kind: string, 
/**
 * The name of that type, or the type itself.
 */
kindName: string, 
/**
 * May be empty.
 */
sender: string, 
/**
 * As the server says; RFC 3339.
 */
sentAt: string | null, 
/**
 * When it came; RFC 3339.
 */
receivedAt: string, 
/**
 * Whether a person has read it.
 */
read: boolean, 
/**
 * Where the matter stands.
 */
state: State, 
/**
 * How loud.
 */
priority: Priority, 
/**
 * How it came.
 */
source: Source, 
/**
 * To be shown, never to be followed: opening it is [`crate::links`]' matter.
 */
link: string, 
/**
 * What no setting maps; the first 200.
 */
fields: Array<Field>, 
/**
 * How many fields there are besides these.
 */
moreFields?: number, 
/**
 * Why a popup was shown, or was not.
 */
alert: Alert, 
/**
 * What a person may do.
 */
actions: Array<Action>, 
/**
 * What came of the last button that was pressed; null before one was.
 */
actionResult: ActionResult | null, 
/**
 * A deletion on the server that waits; null if none does.
 */
serverDeletion: ServerDeletion | null, 
/**
 * Of a search.
 */
marks?: DetailMarks, };
export type SignInMode = "token" | "password" | "oidc";
export type Purpose = "messages" | "api" | "login" | "issuer" | "actions";
export type ForeignHost = { 
/**
 * Its name.
 */
host: string, 
/**
 * What for.
 */
purposes: Array<Purpose>, };
export type Server = { 
/**
 * As typed, or the origin of the settings.
 */
address: string, 
/**
 * Host, port and path of the first endpoint.
 */
endpoint: string, 
/**
 * Name the server gives itself; may be empty.
 */
name: string, 
/**
 * How to sign in.
 */
mode: SignInMode, 
/**
 * It said so itself; false for an endpoint typed by hand.
 */
isDiscovered: boolean, 
/**
 * The hosts that the person has to agree to before a sign-in.
 */
foreign: Array<ForeignHost>, };
export type SetupStep = "address" | "sign-in";
export type Setup = { 
/**
 * Which step comes first.
 */
step: SetupStep, 
/**
 * The server's address is set by the organisation.
 */
isManaged: boolean, 
/**
 * The server, if it is known.
 */
server: Server | null, 
/**
 * `auth.login`, if it is known.
 */
login: string, };
export type SignedIn = { 
/**
 * The account.
 */
account: string, 
/**
 * False: the token is held for this run only.
 */
isKept: boolean, };
export type TestStep = "sent" | "delivered" | "stored" | "shown";
export type Level = "mandatory" | "user" | "recommended" | "default";
export type Setting = { 
/**
 * Dotted name.
 */
key: string, 
/**
 * As in the settings file: durations and sizes are texts.
 */
value: unknown, 
/**
 * What holds when the person sets nothing.
 */
fallback: unknown, 
/**
 * Where the value stands.
 */
level: Level, 
/**
 * The place of a managed value; empty otherwise.
 */
source: string, };
export type Client = { 
/**
 * Who.
 */
login: string, 
/**
 * On which device.
 */
device: string, 
/**
 * Since when; empty when the server does not say.
 */
since: string, 
/**
 * It is this account on this device.
 */
isThis: boolean, };
export type DoctorStepName = "settings" | "dns" | "tcp" | "proxy" | "tls" | "websocket" | "stomp" | "subscribe" | "collect" | "clock" | "keychain" | "notifications" | "tray" | "web-view";
export type Verdict = "ok" | "warn" | "fail" | "skipped";
export type DoctorStep = { 
/**
 * Which.
 */
step: DoctorStepName, 
/**
 * How it went.
 */
verdict: Verdict, 
/**
 * How long it took.
 */
ms: number, 
/**
 * What was seen, without a secret; in English, as IT reads it.
 */
detail: string, 
/**
 * What to do; may be empty. In English, as IT reads it.
 */
remedy: string, 
/**
 * The same in the window's words, where it has some.
 */
fault?: Fault, };
export type About = { 
/**
 * Its version.
 */
version: string, 
/**
 * The account's own folder.
 */
dataDir: string, 
/**
 * The person's settings.
 */
settingsFile: string, 
/**
 * Names the policy in force; empty without one.
 */
policyDigest: string, 
/**
 * Notices.
 */
total: number, 
/**
 * Of these, not read.
 */
unread: number, 
/**
 * Messages that could not be used.
 */
rejected: number, };
export type Older = { 
/**
 * Notices that were not there.
 */
added: number, 
/**
 * Whether it goes on.
 */
hasMore: boolean, };
export type ExportFormat = "json" | "csv";
export type Exported = { 
/**
 * Notices.
 */
count: number, 
/**
 * Where.
 */
path: string, };
export type Offers = { 
/**
 * Older history.
 */
history: boolean, 
/**
 * To delete there, at once or at the next connect.
 */
delete: boolean, 
/**
 * Who is signed in.
 */
clients: boolean, };
