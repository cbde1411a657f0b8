//! The table of what works with which server, and the list of further habits.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt as _;

use crate::row::{Cell, Row, STEPS};
use crate::server::Server;

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Table {
    filter: String,
    rows: Vec<Row>,
    habits: Vec<(&'static str, bool)>,
}

impl Table {
    /// Rows whose names contain `filter`, all without one.
    pub(crate) fn new(filter: Option<String>) -> Self {
        Self { filter: filter.unwrap_or_default().to_lowercase(), rows: Vec::new(), habits: Vec::new() }
    }

    /// A row, if it was asked for.
    pub(crate) async fn play<S: Server, F: Future<Output = S>>(&mut self, name: &str, start: impl FnOnce() -> F) {
        if !self.is_wanted(name) {
            return;
        }
        let began = Instant::now();
        println!("{name} ...");
        let row = Row::play(name, start()).await;
        println!("{} ({:.0?})", line(&row), began.elapsed());
        self.rows.push(row);
    }

    /// A habit of some servers, if it was asked for: passes unless it panics.
    pub(crate) async fn check(&mut self, name: &'static str, check: impl Future<Output = ()>) {
        if !self.is_wanted(name) {
            return;
        }
        let began = Instant::now();
        let passed = AssertUnwindSafe(check).catch_unwind().await.is_ok();
        println!("{}: {name} ({:.0?})", verdict(passed), began.elapsed());
        self.habits.push((name, passed));
    }

    /// The whole, as a table in Markdown.
    pub(crate) fn print(&self) {
        println!("\n| server | {} |", STEPS.join(" | "));
        println!("|---|{}", "---|".repeat(STEPS.len()));
        self.rows.iter().for_each(|row| println!("{}", line(row)));
        println!();
        self.habits.iter().for_each(|(name, passed)| println!("{}: {name}", verdict(*passed)));
        for row in &self.rows {
            for (step, cell) in STEPS.iter().zip(&row.cells) {
                if let Cell::Failed(why) = cell {
                    println!("\n{}, {step}:\n{why}", row.name);
                }
            }
        }
        if self.rows.is_empty() && self.habits.is_empty() {
            println!("no server's name contains `{}`", self.filter);
        }
    }

    /// Whether something was checked and nothing differs from what is expected.
    pub(crate) fn is_as_expected(&self) -> bool {
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        let ran = !self.rows.is_empty() || !self.habits.is_empty();
        ran && cells.all(|cell| matches!(cell, Cell::Expected(_))) && self.habits.iter().all(|(_, passed)| *passed)
    }

    fn is_wanted(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.filter)
    }
}

fn line(row: &Row) -> String {
    let cells: Vec<&str> = row.cells.iter().map(text).collect();
    format!("| {} | {} |", row.name, cells.join(" | "))
}

fn text(cell: &Cell) -> &str {
    match cell {
        Cell::Expected(text) => text,
        Cell::Failed(_) => "FAILED",
        Cell::NotReached => "not reached",
    }
}

fn verdict(passed: bool) -> &'static str {
    if passed { "ok" } else { "FAILED" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cell: Cell, habit: bool) -> Table {
        let mut cells = vec![Cell::Expected("ok"); STEPS.len()];
        cells[3] = cell;
        let rows = vec![Row { name: "server".to_owned(), cells }];
        Table { filter: String::new(), rows, habits: vec![("habit", habit)] }
    }

    #[test]
    fn one_cell_or_habit_that_is_not_as_expected_fails_the_whole_table() {
        assert!(table(Cell::Expected("none by design"), true).is_as_expected());
        assert!(!table(Cell::Failed("lost".to_owned()), true).is_as_expected());
        assert!(!table(Cell::NotReached, true).is_as_expected());
        assert!(!table(Cell::Expected("ok"), false).is_as_expected());
        assert!(!Table::new(Some("no such server".to_owned())).is_as_expected(), "nothing was checked");
    }

    #[test]
    fn a_row_is_a_line_of_the_table() {
        let table = table(Cell::Failed("lost".to_owned()), true);
        assert_eq!(line(&table.rows[0]), "| server | ok | ok | ok | FAILED | ok | ok |");
    }
}
