// Made from src-tauri/src/view.rs by its test; to make it anew: BELFRY_BLESS=1 cargo test -p belfry bindings

export type State = "open" | "decided" | "withdrawn" | "expired";
export type Priority = "low" | "normal" | "high" | "urgent";
export type Source = "live" | "collected" | "history";
export type Connectivity = "offline" | "connecting" | "catching-up" | "live" | "polling" | "action-needed";
export type Language = "en" | "zh-CN";
export type Theme = "system" | "light" | "dark";
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
 * The server's type.
 */
kind: string, 
/**
 * May be empty.
 */
sender: string, 
/**
 * When it was sent, else when it came; RFC 3339.
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
priority: Priority, };
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
 * Notices of the whole inbox that are not read.
 */
unread: number, };
export type Field = { 
/**
 * Its name there.
 */
name: string, 
/**
 * Text as it is, everything else as JSON.
 */
value: string, };
export type Detail = { 
/**
 * Its place.
 */
seq: number, 
/**
 * First line.
 */
title: string, 
/**
 * Plain text, several lines.
 */
body: string, 
/**
 * The server's type.
 */
kind: string, 
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
 * By which way it came.
 */
source: Source, 
/**
 * To be shown, never to be followed: opening it is [`crate::links`]' matter.
 */
link: string, 
/**
 * What no setting maps.
 */
fields: Array<Field>, };
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
 * What happened, or what is off; may be empty.
 */
reason: string, 
/**
 * What to do about it; may be empty.
 */
remedy: string, 
/**
 * Milliseconds until the next attempt, from now; null when none is planned.
 */
retryInMs: number | null, };
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
open: number | null, };
export type Update = { "type": "status", 
/**
 * As it is now.
 */
status: Status, } | { "type": "inbox" } | { "type": "open", 
/**
 * Its place.
 */
seq: number, };
export type Code = "store" | "gone" | "link-refused" | "no-browser";
export type Problem = { 
/**
 * For the window.
 */
code: Code, 
/**
 * For the person: what happened, and what to do.
 */
message: string, };
