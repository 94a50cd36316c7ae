//! Requests that the platform refuses are counted as well: who has too many of them is shut out for a long time.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Pacer, others::WITHIN};

/// So many in windows of so long, each of which begins with its first: any other window of that length meets two of them, so
/// `most` is half of what the platform bears.
#[derive(Debug)]
pub(super) struct Refusals {
    most: u32,
    window: Duration,
    count: u32,
    ends: Option<Instant>,
}

impl Refusals {
    pub(super) fn new(most: u32, window: Duration) -> Self {
        Self { most, window, count: 0, ends: None }
    }

    /// One more. How many that makes in this window, and how long it goes on.
    fn count(&mut self, now: Instant) -> (u32, Duration) {
        let ends = self.ends.filter(|ends| *ends > now).unwrap_or_else(|| {
            self.count = 0;
            now + self.window
        });
        (self.ends, self.count) = (Some(ends), self.count.saturating_add(1));
        (self.count, ends - now)
    }
}

impl Pacer {
    /// The same, which asks for nothing any more once so many requests of a window were refused, until that is over.
    #[must_use]
    pub fn with_refusals(self, most: u32, window: Duration) -> Self {
        self.lock().refusals = Some(Refusals::new(most, window));
        self
    }

    /// A request was refused in a way that counts against the bot.
    pub async fn refused(&self) {
        let now = Instant::now();
        let (most, window, (mut count, mut left)) = {
            let mut state = self.lock();
            let Some(refusals) = &mut state.refusals else { return };
            (refusals.most, refusals.window, refusals.count(now))
        };
        if let Some(share) = self.share()
            && let Ok(Ok((all, all_left))) = timeout(WITHIN, share.refused(window)).await
            && all > count
        {
            (count, left) = (all, all_left);
        }
        if count < most {
            return;
        }
        if count == most {
            tracing::error!(
                refused = count,
                pause = ?left,
                "the platform refused so many requests that it would soon shut out this address, so nothing is asked for until \
                 then; `stargazer dlq list` shows what it refused and why"
            );
        }
        self.lock().places.shut(left, now);
        if let Some(share) = self.share() {
            // Whoever hears nothing of it counts for itself.
            let _ = timeout(WITHIN, share.shut(left)).await;
        }
    }
}
