//! The HELP line of every metric, from the page that documents them: one text for readers and for Prometheus.

use metrics::{describe_counter, describe_gauge, describe_histogram};

const PAGE: &str = include_str!("../../../docs/metrics.md");

/// Describes every metric of the page to the recorder.
pub(super) fn describe_all() {
    for line in PAGE.lines() {
        let Some((name, kind, meaning)) = row(line) else { continue };
        match kind {
            "counter" => describe_counter!(name, meaning),
            "gauge" => describe_gauge!(name, meaning),
            "histogram" => describe_histogram!(name, meaning),
            _ => {}
        }
    }
}

/// A row of a table of metrics: name, kind, and what it means.
fn row(line: &'static str) -> Option<(&'static str, &'static str, String)> {
    let mut cells = line.split('|').map(str::trim).skip(1);
    let (name, kind, _labels, meaning) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let name = name.strip_prefix('`')?.strip_suffix('`')?;
    name.starts_with("stargazer").then(|| (name, kind, meaning.replace('`', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_understood() {
        let rows: Vec<_> = PAGE.lines().filter_map(row).collect();
        assert!(rows.len() > 20, "{}", rows.len());
        for (name, kind, meaning) in rows {
            assert!(["counter", "gauge", "histogram"].contains(&kind) && !meaning.is_empty(), "{name}");
        }
    }
}
