//! When an action that a platform fails over again and again is given up, so that its lane goes on: where others were done
//! meanwhile, it is the action; where none were, it is the platform, which comes back.

use std::sync::atomic::{AtomicU64, Ordering};

/// Tries: with pauses of up to 15 s some ten minutes.
const TRIES: u32 = 60;
/// Others count that were done so long ago at most.
const MEANWHILE_MS: u64 = 5 * 60 * 1000;
/// So many times the tries are enough whatever others met: most of a day.
const ALL: u32 = 100;

/// See the module.
#[derive(Debug)]
pub(super) struct Hope {
    tries: u32,
    done_ms: AtomicU64,
}

impl Default for Hope {
    fn default() -> Self {
        Self::of(TRIES)
    }
}

impl Hope {
    pub(super) fn of(tries: u32) -> Self {
        Self { tries, done_ms: AtomicU64::new(0) }
    }

    /// An action was done.
    pub(super) fn done(&self, now_ms: u64) {
        self.done_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    /// Whether one that was tried so often is given up.
    pub(super) fn is_none(&self, tries: u32, now_ms: u64) -> bool {
        let were_others_done = now_ms.saturating_sub(self.done_ms.load(Ordering::Relaxed)) <= MEANWHILE_MS;
        tries >= self.tries.saturating_mul(ALL) || (tries >= self.tries && were_others_done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_alone_is_given_up_and_what_fails_with_all_waits_for_a_day() {
        let (hope, now) = (Hope::default(), 1_700_000_000_000);
        assert!(!hope.is_none(TRIES, now), "nothing was done");
        assert!(hope.is_none(TRIES * ALL, now));
        hope.done(now);
        assert!(hope.is_none(TRIES, now + 1) && !hope.is_none(TRIES - 1, now + 1));
        assert!(!hope.is_none(TRIES, now + MEANWHILE_MS + 1), "nothing for a while");
    }
}
