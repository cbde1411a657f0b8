//! What was measured: printed as a table, and written as JSON and Markdown.
//!
//! Invariant: a figure without a goal says nothing about good or bad, and one with a goal is `met`
//! or `missed`.

use std::path::Path;

use serde::Serialize;

/// What a figure should be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

/// One measured figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    section: &'static str,
    what: String,
    value: f64,
    unit: &'static str,
    /// The lowest and the highest value of the rounds, if there were several.
    spread: Option<[f64; 2]>,
    goal: Option<Goal>,
}

impl Figure {
    pub(crate) fn new(section: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { section, what: what.into(), value, unit, spread: None, goal: None }
    }

    pub(crate) fn spread(self, rounds: &Rounds) -> Self {
        Self { spread: Some([rounds.share(0.0), rounds.share(1.0)]), ..self }
    }

    pub(crate) fn at_most(self, limit: f64) -> Self {
        Self { goal: Some(Goal::AtMost(limit)), ..self }
    }

    pub(crate) fn at_least(self, limit: f64) -> Self {
        Self { goal: Some(Goal::AtLeast(limit)), ..self }
    }

    fn verdict(&self) -> &'static str {
        match self.goal {
            None => "",
            Some(Goal::AtMost(limit)) if self.value <= limit => "met",
            Some(Goal::AtLeast(limit)) if self.value >= limit => "met",
            Some(Goal::AtMost(_) | Goal::AtLeast(_)) => "missed",
        }
    }

    fn cells(&self) -> [String; 5] {
        let goal = match self.goal {
            None => String::new(),
            Some(Goal::AtMost(limit)) => format!("≤ {}", number(limit)),
            Some(Goal::AtLeast(limit)) => format!("≥ {}", number(limit)),
        };
        let spread = self.spread.map(|[low, high]| format!("{}–{}", number(low), number(high)));
        let value = format!("{} {}", number(self.value), self.unit);
        let what = format!("{}: {}", self.section, self.what);
        [what, value.trim_end().to_owned(), spread.unwrap_or_default(), goal, self.verdict().to_owned()]
    }
}

/// The values of several rounds, lowest first.
#[derive(Debug, Clone)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    /// At least one value.
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "a figure needs a round");
        values.sort_unstable_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn median(&self) -> f64 {
        self.share(0.5)
    }

    /// The value that this share of the rounds does not exceed.
    pub(crate) fn share(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share).round() as usize]
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Figure>);

impl Report {
    /// Adds a figure, and prints it: a run takes minutes.
    pub(crate) fn add(&mut self, figure: Figure) {
        println!("{}", figure.cells().join("  ").trim_end());
        self.0.push(figure);
    }

    /// Prints the table and writes `report.json` and `report.md`.
    pub(crate) fn finish(&self, folder: &Path, machine: &str) {
        let head = ["", "measured", "rounds", "goal", ""].map(str::to_owned);
        let rows: Vec<[String; 5]> = std::iter::once(head).chain(self.0.iter().map(Figure::cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..5).map(width).collect();
        println!("\n{machine}");
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("{}", cells.join("  ").trim_end());
        }
        let missed = self.0.iter().filter(|figure| figure.verdict() == "missed").count();
        println!("{} goals met, {missed} missed", self.0.iter().filter(|figure| figure.verdict() == "met").count());
        let line = |cells: &[String; 5]| format!("| {} |\n", cells.join(" | "));
        let mut table: Vec<String> = rows.iter().map(line).collect();
        table.insert(1, "|---|---|---|---|---|\n".to_owned());
        std::fs::write(folder.join("report.md"), format!("{machine}\n\n{}", table.concat()))
            .expect("the report is written");
        let json = serde_json::json!({ "machine": machine, "figures": self.0 });
        std::fs::write(folder.join("report.json"), format!("{json:#}\n")).expect("the report is written");
    }
}

/// A number in as many digits as a reader needs.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    let rest = rest.trim_end_matches('0');
    format!("{sign}{}{}{rest}", groups.join(","), if rest.is_empty() { "" } else { "." })
}

/// The processor, its number and the load.
pub(crate) fn machine() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{count} × {}, load {load}", model.trim_start_matches([':', ' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_met_or_missed_only_if_it_has_a_goal() {
        let figure = Figure::new("memory", "tray only", 20.5, "MB");
        assert_eq!(figure.clone().cells(), ["memory: tray only", "20.5 MB", "", "", ""].map(str::to_owned));
        assert_eq!(figure.clone().at_most(20.0).cells()[3..], ["≤ 20", "missed"].map(str::to_owned));
        assert_eq!(figure.clone().at_most(20.5).verdict(), "met");
        assert_eq!(figure.clone().at_least(20.5).verdict(), "met");
        assert_eq!(figure.at_least(21.0).verdict(), "missed");
    }

    #[test]
    fn numbers_have_the_digits_that_a_reader_needs() {
        let texts = [1_234_567.8, 1_000.0, 99.95, 10.04, 1.256, 0.1, 0.0, -12.5].map(number);
        assert_eq!(texts, ["1,234,568", "1,000", "100", "10", "1.26", "0.1", "0", "-12.5"]);
    }

    #[test]
    fn a_share_of_the_rounds_is_one_of_their_values() {
        let rounds = Rounds::new(vec![3.0, 1.0, 2.0, 5.0, 4.0]);
        assert_eq!((rounds.share(0.0), rounds.median(), rounds.share(1.0)), (1.0, 3.0, 5.0));
    }
}
