//! `inbox`: the notices on this computer, offline and while Belfry is running.
//!
//! Deliberately absent: the server; a notice deleted here stays there. Invariants: ids are texts;
//! if one of several ids is unknown, nothing is changed; an inbox that does not exist yet is empty.

use std::{
    collections::BTreeSet,
    io::{self, BufWriter},
};

use belfry_core::{
    alerts::buttons::{outcome_of, reason_of},
    notice::{Priority, State},
    storage::{Seq, ServerDeletion},
    texts::Language,
};
use engine::inbox::{Detail, Filter, Format, Inbox, InboxRow, Stats};
use host::exit_reason::ExitReason;
use serde_json::{Value, json};

use crate::{
    args::{self, ExportFormat, ListOptions},
    error::Error,
    output::{self, Shape, clean, local, local_or_never, name, short, table},
    setup::Setup,
};

/// Runs one of the commands.
///
/// # Errors
/// [`ExitReason::Store`]; [`ExitReason::Failed`] for an unknown id.
pub(crate) fn inbox(setup: &Setup, command: args::Inbox, json: bool) -> Result<(), Error> {
    let inbox = setup.inbox()?;
    match command {
        args::Inbox::List(options) => list(inbox, None, &options, json),
        args::Inbox::Search { text, options } => list(inbox, Some(&text.join(" ")), &options, json),
        args::Inbox::Show { id } => show(inbox, &id, json),
        args::Inbox::Read { ids } => {
            let count = change(inbox, &ids, |inbox, seqs| inbox.mark(seqs, true))?;
            print_count("marked", "marked as read", count, json)
        }
        args::Inbox::Delete { ids } => {
            let count = change(inbox, &ids, Inbox::delete)?;
            print_count("deleted", "deleted", count, json)
        }
        args::Inbox::Export { format } => export(inbox, format),
        args::Inbox::Stats => stats(&inbox.stats()?, json),
    }
}

/// Reads one notice at a time, since each may be megabytes long and the caller sets the limit.
fn list(mut inbox: Inbox, text: Option<&str>, options: &ListOptions, json: bool) -> Result<(), Error> {
    let filter = Filter { text, unread: options.unread, ..Filter::default() };
    let seqs = inbox.seqs(&filter, options.limit)?;
    // One that was deleted since is left out.
    let rows = seqs.into_iter().filter_map(|seq| inbox.show(seq).transpose());
    let mut rows = rows.map(|detail| Ok(detail?.row));
    if json {
        return output::json_array(&mut rows);
    }
    let cells = rows.map(|row| Ok(cells(&row?))).collect::<Result<Vec<_>, Error>>()?;
    if cells.is_empty() {
        output::message("no notices");
    }
    Ok(output::lines(table(&cells))?)
}

fn cells(row: &InboxRow) -> [String; 5] {
    let mut title = short(&row.title);
    if row.state != State::Open {
        title.push_str(&format!(" [{}]", name(&row.state)));
    }
    if row.priority >= Priority::High {
        title.push_str(" !");
    }
    let mark = if row.read { " " } else { "●" };
    [mark.to_owned(), local(row.received_at), short(&row.sender), title, short(&row.id)]
}

/// One object for every notice with this id. There are several only if notices of different scopes
/// have the same id.
fn show(inbox: Inbox, id: &str, json: bool) -> Result<(), Error> {
    let mut details = Vec::new();
    for seq in inbox.find(id)? {
        details.extend(inbox.show(seq)?);
    }
    if details.is_empty() {
        return Err(unknown_ids(&[id]));
    }
    for detail in &details {
        if json {
            output::json(detail)?;
        } else {
            output::lines(detail_lines(detail))?;
        }
    }
    Ok(())
}

fn detail_lines(detail: &Detail) -> Vec<String> {
    let row = &detail.row;
    let mut fields = vec![
        ["id", &row.id],
        ["scope", &detail.scope],
        ["from", &row.sender],
        ["type", row.kind_name.as_ref().unwrap_or(&row.kind)],
        ["link", &row.link],
        ["destination", &detail.destination],
    ]
    .into_iter()
    .map(|[name, value]| [name.to_owned(), short(value)])
    .collect::<Vec<_>>();
    let mut add = |field: &str, value: String| fields.push([field.to_owned(), value]);
    add("sent", row.sent_at.map(local).unwrap_or_default());
    add("received", format!("{} ({})", local(row.received_at), name(&row.source)));
    add("state", name(&row.state));
    add("priority", name(&row.priority));
    add("read", if row.read { "yes" } else { "no" }.to_owned());
    add("alert", alert(detail));
    add("version", detail.version.map(|version| version.to_string()).unwrap_or_default());
    if let Some(deletion) = &detail.server_deletion {
        add("deletion", server_deletion(deletion));
    }
    for action in &detail.actions {
        add("action", short(&format!("{} ({})", action.label, action.url)));
    }
    if let Some(result) = &detail.action_result {
        let (outcome, why) =
            (outcome_of(Language::English, result, &local(result.at)), reason_of(Language::English, result));
        add("result", clean(&format!("{outcome} {why}"), Shape::OneLine));
    }
    for (field, value) in &detail.extra {
        add(&short(field), short(&name(value)));
    }
    fields.retain(|[_, value]| !value.is_empty());
    let body = clean(&row.body, Shape::Lines);
    let mut lines = vec![short(&row.title)];
    lines.extend(table(&fields));
    lines.push(String::new());
    lines.extend(body.lines().map(str::to_owned));
    lines
}

fn server_deletion(deletion: &ServerDeletion) -> String {
    match &deletion.refused {
        None => "will be deleted on the server when connected".to_owned(),
        Some(why) => {
            let said = [why.kind.reason(), &why.detail].join(": ");
            short(&format!("not deleted on the server ({said}); asked again after the next connect"))
        }
    }
}

fn alert(detail: &Detail) -> String {
    match serde_json::to_value(&detail.alert) {
        Ok(Value::Object(mark)) => {
            let texts = ["mark", "why"].into_iter().filter_map(|key| mark.get(key)?.as_str());
            short(&texts.collect::<Vec<_>>().join(": "))
        }
        _ => String::new(),
    }
}

fn change(
    mut inbox: Inbox,
    ids: &[String],
    apply: impl FnOnce(&mut Inbox, &[Seq]) -> Result<usize, engine::store::StoreError>,
) -> Result<usize, Error> {
    let (mut seqs, mut missing) = (BTreeSet::new(), Vec::new());
    for id in ids {
        let found = inbox.find(id)?;
        if found.is_empty() {
            missing.push(id.as_str());
        }
        seqs.extend(found);
    }
    if !missing.is_empty() {
        return Err(unknown_ids(&missing));
    }
    Ok(apply(&mut inbox, &seqs.into_iter().collect::<Vec<_>>())?)
}

fn unknown_ids(ids: &[&str]) -> Error {
    let ids: Vec<_> = ids.iter().map(|id| short(id)).collect();
    let message =
        format!("unknown notice id {}: run belfryctl inbox list to see the ids; nothing was changed", ids.join(", "));
    Error::new(ExitReason::Failed, message)
}

fn print_count(key: &str, done: &str, count: usize, json: bool) -> Result<(), Error> {
    Ok(if json { output::json(&json!({ key: count })) } else { output::lines([format!("{count} {done}")]) }?)
}

fn export(inbox: Inbox, format: ExportFormat) -> Result<(), Error> {
    let format = match format {
        ExportFormat::Json => Format::Json,
        ExportFormat::Csv => Format::Csv,
    };
    inbox.export(format, BufWriter::new(io::stdout().lock()))?;
    Ok(())
}

fn stats(stats: &Stats, json: bool) -> Result<(), Error> {
    if json {
        return Ok(output::json(stats)?);
    }
    let row = |name: &str, value: String| [name.to_owned(), value];
    let count = |name: &str, count: u64| row(name, count.to_string());
    Ok(output::lines(table(&[
        count("notices", stats.total),
        count("unread", stats.unread),
        count("unread and open", stats.badge),
        count("open", stats.open),
        count("decided", stats.decided),
        count("withdrawn", stats.withdrawn),
        count("expired", stats.expired),
        count("notification uncertain", stats.uncertain),
        count("rejected", stats.rejected),
        row("last live", local_or_never(stats.last_live)),
        row("complete through", local_or_never(stats.complete_through)),
    ]))?)
}
