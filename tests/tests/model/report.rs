//! Runs the checker over a model, and says what came of it.

use std::{collections::BTreeMap, fmt::Debug, hash::Hash, time::Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// What all plans came to.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<String>,
    /// In how many plans each property held, or was seen.
    properties: BTreeMap<&'static str, (bool, usize)>,
}

impl Table {
    /// Visits every state. Fails with the shortest way to the first that may not be, and where one that should be is not.
    pub(crate) fn check<M>(&mut self, name: &str, model: M)
    where
        M: Model + Send + Sync + 'static,
        M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
        M::Action: Clone + Debug + PartialEq + Send + Sync,
    {
        let began = Instant::now();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let checker = model.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        for property in checker.model().properties() {
            let found = checker.discovery(property.name);
            let is_seen = matches!(property.expectation, Expectation::Sometimes);
            match (is_seen, found) {
                (true, None) => {
                    panic!("{name}: never seen in {} states: {}", checker.unique_state_count(), property.name)
                }
                (false, Some(path)) => panic!("{name}: does not hold: {}\n{}", property.name, way(path)),
                _ => self.properties.entry(property.name).or_insert((is_seen, 0)).1 += 1,
            }
        }
        let (states, steps, depth) = (checker.unique_state_count(), checker.state_count(), checker.max_depth());
        let seconds = began.elapsed().as_secs_f32();
        self.rows.push(format!("{name:<40} {states:>9} {steps:>9} {depth:>5} {seconds:>7.1}"));
    }

    pub(crate) fn print(&self) {
        println!("{:<40} {:>9} {:>9} {:>5} {:>7}", "plan", "states", "steps", "depth", "seconds");
        self.rows.iter().for_each(|row| println!("{row}"));
        println!();
        for (name, (is_seen, count)) in &self.properties {
            println!("{} {count:>2} plans: {name}", if *is_seen { "seen in " } else { "holds in" });
        }
    }
}

/// A safeguard was taken out: each of these has to be found not to hold.
pub(crate) fn is_missed<M>(model: M, expected: &[&'static str])
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let all = HasDiscoveries::AllOf(expected.iter().copied().collect());
    let checker = model.checker().finish_when(all).spawn_bfs().join();
    for name in expected {
        let path = checker.discovery(name);
        let path = path.unwrap_or_else(|| panic!("{} states did well: {name}", checker.unique_state_count()));
        println!("does not hold any more: {name}\n{}", way(path));
    }
}

fn way<S, A: Debug>(path: stateright::Path<S, A>) -> String {
    path.into_vec().iter().filter_map(|(_, step)| Some(format!("{:?}", step.as_ref()?))).collect::<Vec<_>>().join(", ")
}
