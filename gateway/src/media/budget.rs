//! How much this gateway has in Redis: what it put there and what has not expired. One that starts anew counts from nothing.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Puts of so long are counted as one, and expire with the last of them.
const SLOT: Duration = Duration::from_secs(60);
/// The part that is left to records of why there is no file: they are small, and somebody waits for each.
const FAILURES_PART: u64 = 64;

/// See the module. It holds a slot for each minute of `ttl` and two, however much is put.
#[derive(Debug)]
pub(super) struct Budget {
    bytes_max: u64,
    ttl: Duration,
    /// Since when, and bytes.
    slots: VecDeque<(Instant, u64)>,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(bytes_max: u64, ttl: Duration) -> Self {
        Self { bytes_max, ttl, slots: VecDeque::new(), bytes: 0 }
    }

    /// Counts what is about to be put, if there is room for it.
    pub(super) fn take(&mut self, bytes: u64, is_failure: bool) -> bool {
        let now = Instant::now();
        while let Some((since, gone)) = self.slots.front()
            && now >= *since + SLOT + self.ttl
        {
            self.bytes -= gone;
            self.slots.pop_front();
        }
        let max = if is_failure { self.bytes_max } else { self.bytes_max - self.bytes_max / FAILURES_PART };
        if self.bytes.saturating_add(bytes) > max {
            return false;
        }
        match self.slots.back_mut() {
            Some((since, slot)) if now < *since + SLOT => *slot += bytes,
            _ => self.slots.push_back((now, bytes)),
        }
        self.bytes += bytes;
        true
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const TTL: Duration = Duration::from_secs(3600);

    proptest! {
        #[test]
        fn never_more_than_the_bound_is_there(puts in vec((0..2000_u64, 0..400_u64, any::<bool>()), 1..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let mut budget = Budget::new(1000, TTL);
                let mut taken: Vec<(Instant, u64)> = Vec::new();
                for (seconds, bytes, is_failure) in puts {
                    tokio::time::advance(Duration::from_secs(seconds)).await;
                    let now = Instant::now();
                    let there = |taken: &[(Instant, u64)], ttl| -> u64 {
                        taken.iter().filter(|(at, _)| now < *at + ttl).map(|(_, bytes)| bytes).sum()
                    };
                    let surely_room = there(&taken, TTL + SLOT) + bytes <= 1000 - 1000 / FAILURES_PART;
                    let was_taken = budget.take(bytes, is_failure);
                    assert!(was_taken || !surely_room, "there was room");
                    if was_taken {
                        taken.push((now, bytes));
                    }
                    assert!(there(&taken, TTL) <= 1000 && budget.slots.len() <= 62);
                }
            });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_have_room_when_files_have_none() {
        let mut budget = Budget::new(6400, TTL);
        assert!(budget.take(6300, false));
        assert!(!budget.take(1, false) && budget.take(100, true) && !budget.take(1, true));
        tokio::time::advance(TTL + SLOT).await;
        assert!(budget.take(6300, false));
        assert_eq!(budget.bytes(), 6300);
    }
}
