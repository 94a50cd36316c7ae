//! When an action that a platform fails over again and again is given up, so that its lane goes on.
//!
//! A failure counts where the platform did something else since the one before: then it is the action. Where it did nothing, it is
//! the platform, which comes back.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Failures that count: with pauses of up to 15 s some ten minutes.
const TRIES: u32 = 40;
/// What never counts is given up after this.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;
/// Actions that are known to fail. One for each lane at most; beyond it the oldest is begun anew.
const KNOWN_MAX: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(super) struct Hope {
    tries: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the platform has done so far.
    done: u64,
    failing: HashMap<String, Failing>,
}

#[derive(Debug)]
struct Failing {
    since_ms: u64,
    /// What the platform had done when it failed last.
    done: u64,
    counted: u32,
}

impl Default for Hope {
    fn default() -> Self {
        Self::of(TRIES)
    }
}

impl Hope {
    pub(super) fn of(tries: u32) -> Self {
        Self { tries, state: Mutex::default() }
    }

    /// The platform did something.
    pub(super) fn done(&self) {
        self.lock().done += 1;
    }

    /// It failed over this action. Whether that is given up.
    pub(super) fn fails(&self, cause: &str, now_ms: u64) -> bool {
        let mut state = self.lock();
        let done = state.done;
        if state.failing.len() >= KNOWN_MAX && !state.failing.contains_key(cause) {
            let oldest =
                state.failing.iter().min_by_key(|(_, failing)| failing.since_ms).map(|(cause, _)| cause.clone());
            oldest.and_then(|oldest| state.failing.remove(&oldest));
        }
        let failing = state.failing.entry(cause.to_owned()).or_insert(Failing { since_ms: now_ms, done, counted: 0 });
        failing.counted += u32::from(done > failing.done);
        failing.done = done;
        failing.counted >= self.tries || now_ms.saturating_sub(failing.since_ms) >= LONGEST_MS
    }

    /// An action is done, or given up.
    pub(super) fn forget(&self, cause: &str) {
        let mut state = self.lock();
        if !state.failing.is_empty() {
            state.failing.remove(cause);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Held for a few lines, never across an await.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_alone_is_given_up_and_what_fails_with_all_waits_for_a_day() {
        let (hope, now) = (Hope::default(), 1_700_000_000_000);
        assert!((0..1000).all(|_| !hope.fails("a", now)), "nothing was done");
        for _ in 1..TRIES {
            hope.done();
            assert!(!hope.fails("a", now));
        }
        assert!(!hope.fails("a", now), "nothing since the last one");
        hope.done();
        assert!(!hope.fails("b", now) && hope.fails("a", now));
        hope.forget("a");
        hope.done();
        assert!(!hope.fails("a", now), "it was done in between");
        assert!(!hope.fails("b", now + LONGEST_MS - 1) && hope.fails("b", now + LONGEST_MS));
    }

    #[test]
    fn what_is_known_is_bounded() {
        let hope = Hope::default();
        (0..2 * KNOWN_MAX as u64).for_each(|number| _ = hope.fails(&number.to_string(), number));
        assert_eq!(hope.lock().failing.len(), KNOWN_MAX);
    }
}
