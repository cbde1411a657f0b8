//! `policy`: every setting that holds, where it stands, and what administrators have set in vain.
//!
//! Needs no server and no account: it is how an administrator sees whether a policy has arrived.

use belfry_core::settings::policy::{Effect, Status};
use host::paths;

use crate::{
    args::Global,
    error::Error,
    output::{self, name, short, table},
};

/// Says what holds: with `--json` every key, otherwise what is managed.
///
/// # Errors
/// [`host::exit_reason::ExitReason::Usage`] with every error of the settings file.
pub(crate) fn policy(global: &Global) -> Result<(), Error> {
    let file = global.config.clone().map_or_else(paths::settings_file, Ok)?;
    let effective = host::settings::unfinished(&file)?;
    let rows: Vec<&Effect> = effective.keys.iter().chain(&effective.others).collect();
    if global.json {
        return Ok(output::json(&rows)?);
    }
    let told: Vec<&Effect> =
        rows.into_iter().filter(|row| row.is_managed() || row.status != Status::InEffect).collect();
    if told.is_empty() {
        return Ok(output::lines(["no setting is managed on this computer"])?);
    }
    Ok(output::lines(policy_lines(&told))?)
}

fn policy_lines(rows: &[&Effect]) -> Vec<String> {
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|row| {
            let what = row.name.clone().unwrap_or_else(|| "(the whole place)".to_owned());
            let value = if row.value.is_null() { String::new() } else { row.value.to_string() };
            [short(&what), short(&value), format!("{}, {}", name(&row.level), name(&row.status)), short(&row.source)]
        })
        .collect();
    let reasons = rows.iter().map(|row| row.reason.as_deref().map(|reason| format!("    {}", short(reason))));
    table(&cells).into_iter().zip(reasons).flat_map(|(line, reason)| std::iter::once(line).chain(reason)).collect()
}

#[cfg(test)]
mod tests {
    use belfry_core::settings::policy::{Level, Scope};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_row_names_value_level_and_place_and_what_is_wrong_stands_below_it() {
        let row = Effect {
            name: Some("app.theme".to_owned()),
            value: json!("dark"),
            level: Level::Mandatory,
            scope: Some(Scope::Machine),
            source: "/etc/belfry/policies/managed/a.json".to_owned(),
            status: Status::InEffect,
            reason: None,
        };
        let place = Effect {
            name: None,
            value: Value::Null,
            status: Status::Ignored,
            reason: Some("others may write to it".to_owned()),
            ..row.clone()
        };
        let lines = policy_lines(&[&row, &place]);
        assert!(lines[0].contains("app.theme") && lines[0].contains("mandatory, in-effect"), "{lines:?}");
        assert_eq!(lines[2], "    others may write to it");
    }
}
