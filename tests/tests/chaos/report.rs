//! What a run came to, as a table.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{checker::Verdict, witness::Seen};

/// Violations that are told; the columns count them all.
const DETAILS_MAX: usize = 50;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
    pub(crate) seen: Seen,
    /// By fault: how long after it every conversation had an answer to something that was said after it.
    pub(crate) recoveries: BTreeMap<String, Vec<Duration>>,
    /// The same without a fault.
    pub(crate) calm: Vec<Duration>,
    pub(crate) forgotten_bytes: u64,
    /// Anything that must not be; empty after a good run.
    pub(crate) violations: Vec<String>,
}

impl Report {
    pub(crate) fn faults(&self) -> usize {
        self.recoveries.values().map(Vec::len).sum()
    }

    pub(crate) fn is_flawless(&self) -> bool {
        self.violations.is_empty() && self.verdict.is_flawless()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| fault | times | recovered, median | slowest |\n|---|---|---|---|")?;
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let calm = [("none, for comparison".to_owned(), self.calm.clone())];
        for (fault, mut times) in calm.into_iter().chain(self.recoveries.clone()).filter(|(_, times)| !times.is_empty())
        {
            times.sort_unstable();
            let (middle, slowest) = (times[(times.len() - 1) / 2], times[times.len() - 1]);
            writeln!(f, "| {fault} | {} | {} | {} |", times.len(), seconds(middle), seconds(slowest))?;
        }
        let Verdict { sent, answered, lost, doubled, reordered, wrong, forgotten, details } = &self.verdict;
        let Seen { steps, refused, refused_commits, violations } = &self.seen;
        let slowest = self.recoveries.values().flatten().max().copied().unwrap_or_default();
        writeln!(
            f,
            "\n| faults | sent | answered | lost | doubled | reordered | wrong | forgotten | stale commits refused | stale steps refused, done | slowest recovery |\n|---|---|---|---|---|---|---|---|---|---|---|"
        )?;
        writeln!(
            f,
            "| {} | {sent} | {answered} | {lost} | {doubled} | {reordered} | {wrong} | {forgotten} | {refused_commits} | {refused}, {} of {steps} | {} |",
            self.faults(),
            violations.len(),
            seconds(slowest)
        )?;
        writeln!(f, "\nseed {}, {}", self.seed, seconds(self.took))?;
        if self.forgotten_bytes > 0 {
            writeln!(f, "redis forgot {} bytes of its file", self.forgotten_bytes)?;
        }
        for violation in self.violations.iter().chain(details).take(DETAILS_MAX) {
            writeln!(f, "VIOLATION {violation}")?;
        }
        Ok(())
    }
}
