//! What came of it: tables as the modes go on, the goals at the end, and both as JSON.

use std::path::Path;

use comfy_table::presets;
use serde::Serialize;

use crate::{Result, target::Target};

/// One line of the table of goals.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    /// What is measured.
    pub(crate) what: String,
    /// What was aimed at.
    pub(crate) goal: String,
    /// What it came to.
    pub(crate) measured: String,
    /// Whether that is enough.
    pub(crate) met: bool,
}

/// A table of figures.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    title: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// All of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    redis: String,
    cores: usize,
    load_average: String,
    tables: Vec<Table>,
    goals: Vec<Goal>,
}

impl Report {
    pub(crate) async fn new(target: &Target) -> Result<Self> {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let report = Self {
            redis: target.version().await?,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            load_average: load.split_whitespace().next().unwrap_or("unknown").to_owned(),
            tables: Vec::new(),
            goals: Vec::new(),
        };
        println!("Redis {}, {} cores, load average {} before\n", report.redis, report.cores, report.load_average);
        Ok(report)
    }

    /// Prints a table, and keeps it.
    pub(crate) fn table<const N: usize>(&mut self, title: &str, head: [&str; N], rows: Vec<[String; N]>) {
        let table = Table {
            title: title.into(),
            head: head.map(str::to_owned).into(),
            rows: rows.into_iter().map(Vec::from).collect(),
        };
        println!("{title}\n\n{}\n", drawn(&table.head, &table.rows));
        self.tables.push(table);
    }

    pub(crate) fn goal(&mut self, what: &str, goal: &str, measured: String, met: bool) {
        self.goals.push(Goal { what: what.into(), goal: goal.into(), measured, met });
    }

    pub(crate) fn print_goals(&self) {
        if self.goals.is_empty() {
            return;
        }
        let row = |goal: &Goal| {
            let met = if goal.met { "yes" } else { "NO" };
            vec![goal.what.clone(), goal.goal.clone(), goal.measured.clone(), met.to_owned()]
        };
        let head = ["what", "goal", "measured", "met"].map(str::to_owned);
        println!("{}", drawn(&head, &self.goals.iter().map(row).collect::<Vec<_>>()));
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self)?;
        std::fs::write(file, json).map_err(|error| format!("cannot write {}: {error}", file.display()).into())
    }
}

fn drawn(head: &[String], rows: &[Vec<String>]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(head);
    rows.iter().for_each(|row| _ = table.add_row(row));
    table
}

/// The middle of what the rounds gave.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// The median of one contender's figures by those of another, round by round: what a neighbour takes, it takes from both.
pub(crate) fn ratio(of: impl IntoIterator<Item = f64>, to: impl IntoIterator<Item = f64>) -> f64 {
    median(of.into_iter().zip(to).map(|(of, to)| of / to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_rounds() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).is_nan());
        assert!((ratio([2.0, 9.0, 4.0], [1.0, 3.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
