//! The goals of the codec, held against what was measured.

use super::contenders::names::{ENCODE, MEMCPY, NAMED, NAMED_INLINED, NAMED_REUSED, OURS, PEEK, READ, ROUTE, VIEW};
use super::peers::Peers;

/// What one contender took for one operation on one sample.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The sample.
    pub case: &'static str,
    /// Its length as we write it, in bytes.
    pub bytes: usize,
    /// The operation.
    pub operation: &'static str,
    /// Who did it.
    pub contender: &'static str,
    /// For one run, in nanoseconds.
    pub time: f64,
    /// Allocations in one run.
    pub allocations: u64,
}

/// One line of the table: what was aimed at, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// What is measured.
    pub what: String,
    /// What was aimed at.
    pub target: String,
    /// What it came to.
    pub figure: String,
    /// Whether that is enough; `None` where it was not measured in this run.
    pub is_met: Option<bool>,
}

/// All that was measured in one run.
pub struct Run<'a>(pub &'a [Measured]);

impl Run<'_> {
    fn find(&self, case: &str, operation: &str, contender: &str) -> Option<&Measured> {
        let is_it = |one: &&Measured| one.case == case && one.operation == operation && one.contender == contender;
        self.0.iter().find(is_it)
    }

    fn time(&self, case: &str, operation: &str, contender: &str) -> f64 {
        self.find(case, operation, contender).map_or(f64::NAN, |one| one.time)
    }

    /// How often ours is done while another does it once.
    fn ratio(&self, case: &str, operation: &str, other: &str) -> f64 {
        self.time(case, operation, other) / self.time(case, operation, OURS)
    }

    fn cases(&self) -> Vec<&'static str> {
        let mut cases: Vec<_> = self.0.iter().map(|one| one.case).collect();
        cases.dedup();
        cases
    }

    /// The table of goals, as far as this run and the `peers` in other languages can say.
    #[must_use]
    pub fn goals(&self, peers: &[Peers], fuzzing: Option<&str>) -> Vec<Goal> {
        let cases = self.cases();
        let [short, lists, ..] = cases[..] else { return Vec::new() };
        let mut goals = vec![self.allocations()];
        for (case, target) in [(lists, 3.0), (short, 4.5)] {
            for rival in [NAMED_REUSED, NAMED_INLINED] {
                goals.push(at_least(
                    format!("encode, {case}, against {rival}"),
                    target,
                    self.ratio(case, ENCODE, rival),
                ));
            }
        }
        goals.push(self.near_memcpy(lists));
        goals.push(self.peek(&cases));
        for case in &cases {
            goals.push(at_least(format!("{READ}, {case}, against {NAMED}"), 2.0, self.ratio(case, READ, NAMED)));
        }
        for (library, target) in [("msgpack", 20.0), ("msgspec_typed", 5.0)] {
            for (case, operation) in [(short, ENCODE), (short, READ), (lists, ENCODE), (lists, READ)] {
                let what = format!("{operation}, {case}, against Python's {}", library.replace("_typed", ""));
                // Theirs is taken before and after ours, and the better counts.
                let theirs = peers.iter().filter_map(|peers| peers.time(case, operation, library)).reduce(f64::min);
                goals.push(match theirs {
                    Some(theirs) => at_least(what, target, theirs / self.time(case, operation, OURS)),
                    None => unmeasured(what, format!("at least {target} x as fast")),
                });
            }
        }
        goals.push(fuzzed(fuzzing));
        goals
    }

    fn allocations(&self) -> Goal {
        let is_ours = |one: &&Measured| {
            [OURS, ROUTE].contains(&one.contender) && [ENCODE, PEEK, VIEW, READ].contains(&one.operation)
        };
        let ours: Vec<u64> = self.0.iter().filter(is_ours).map(|one| one.allocations).collect();
        let count: u64 = ours.iter().sum();
        Goal {
            what: "allocations in encode, peek and view, all samples".into(),
            target: "0".into(),
            figure: count.to_string(),
            is_met: (!ours.is_empty()).then_some(count == 0),
        }
    }

    fn near_memcpy(&self, case: &str) -> Goal {
        let (ours, memcpy) = (self.time(case, ENCODE, OURS), self.time(case, ENCODE, MEMCPY));
        let most = 3.0 * memcpy + 130.0;
        Goal {
            what: format!("encode, {case}"),
            target: format!("at most 3 memcpy + 130 ns = {most:.0} ns"),
            figure: format!("{ours:.0} ns"),
            is_met: verdict(ours, ours <= most),
        }
    }

    fn peek(&self, cases: &[&str]) -> Goal {
        let times: Vec<f64> = cases.iter().map(|case| self.time(case, PEEK, OURS)).collect();
        let most =
            if times.iter().any(|time| time.is_nan()) { f64::NAN } else { times.into_iter().fold(0.0, f64::max) };
        Goal {
            what: "peek of the routing fields, slowest sample".into(),
            target: "at most 60 ns".into(),
            figure: format!("{most:.0} ns"),
            is_met: verdict(most, most <= 60.0),
        }
    }
}

/// None about what was not measured.
fn verdict(figure: f64, is_met: bool) -> Option<bool> {
    (!figure.is_nan()).then_some(is_met)
}

fn at_least(what: String, target: f64, ratio: f64) -> Goal {
    Goal {
        what,
        target: format!("at least {target} x as fast"),
        figure: format!("{ratio:.1} x"),
        is_met: verdict(ratio, ratio >= target),
    }
}

fn unmeasured(what: String, target: String) -> Goal {
    Goal { what, target, figure: "not in this run".into(), is_met: None }
}

/// `last` is what `./dev fuzz all` left: how many seconds it gave each target, the worst time for a byte against the
/// median (`-` where it found a fault), and the commit that it tried.
fn fuzzed(last: Option<&str>) -> Goal {
    let what = "fuzzing: no crash, no over-read, slowest input by its size".to_owned();
    let target = "10 min a target, at most 10 x the median".to_owned();
    let parts: Option<Vec<&str>> = last.map(|line| line.split_whitespace().collect());
    let Some([seconds, worst, commit]) = parts.as_deref() else {
        return Goal { figure: "not known; ./dev fuzz all 600".into(), ..unmeasured(what, target) };
    };
    let is_met = seconds.parse::<u32>().is_ok_and(|seconds| seconds >= 600)
        && worst.parse::<f64>().is_ok_and(|worst| worst <= 10.0);
    Goal { what, target, figure: format!("{seconds} s a target, {worst} x, at {commit}"), is_met: Some(is_met) }
}

#[cfg(test)]
mod tests {
    use super::super::contenders::names::OWN;
    use super::*;

    fn measured(contender: &'static str, operation: &'static str, time: f64) -> [Measured; 2] {
        ["a", "b"].map(|case| Measured { case, bytes: 1, operation, contender, time, allocations: 0 })
    }

    #[test]
    fn a_goal_is_missed_where_its_figure_says_so() {
        let mut all = [
            measured(OURS, ENCODE, 30.0),
            measured(NAMED_REUSED, ENCODE, 140.0),
            measured(NAMED_INLINED, ENCODE, 100.0),
            measured(MEMCPY, ENCODE, 10.0),
            measured(OURS, PEEK, 60.0),
            measured(OURS, READ, 60.0),
            measured(NAMED, READ, 119.0),
        ]
        .concat();
        all.sort_by_key(|one| one.case);
        let verdict = |goals: &[Goal], what: &str| {
            let mut found = goals.iter().filter(|goal| goal.what.contains(what)).map(|goal| goal.is_met);
            found.next().unwrap_or_else(|| panic!("no goal about {what}"))
        };
        let goals = Run(&all).goals(&[], Some("600 10.1 abc"));
        for (what, is_met) in [
            ("allocations", Some(true)),
            ("encode, a, against rmp-serde named, reused", Some(true)),
            ("encode, a, against rmp-serde named, inlined", Some(false)),
            ("encode, b, against rmp-serde named, inlined", Some(true)),
            ("peek", Some(true)),
            ("view, read all, a", Some(false)),
            ("msgspec", None),
            ("fuzzing", Some(false)),
        ] {
            assert_eq!(verdict(&goals, what), is_met, "{what}");
        }
        all[0].allocations = 1;
        assert_eq!(verdict(&Run(&all).goals(&[], None), "allocations"), Some(false));
        // What was not measured is neither met nor missed.
        let unmeasured = measured(OURS, OWN, 1.0);
        for what in ["allocations", "encode, a, against", "encode, b", "peek", "view, read all, a"] {
            assert_eq!(verdict(&Run(&unmeasured).goals(&[], None), what), None, "{what}");
        }
        assert_eq!(fuzzed(Some("600 6 abc")).is_met, Some(true));
        for missed in ["60 6 abc", "600 - abc"] {
            assert_eq!(fuzzed(Some(missed)).is_met, Some(false));
        }
        assert_eq!(fuzzed(None).is_met, None);
    }
}
