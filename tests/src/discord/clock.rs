//! The simulator's time. Tests of windows and deadlines stop it and move it on by hand.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::watch;

/// The first second of 2026: where a stopped clock begins, so that a run has the same ids each time.
const STOPPED_AT: Duration = Duration::from_secs(1_767_225_600);

/// Time since the Unix epoch. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// When it began, for a clock that flows by itself.
    flowing: Option<Instant>,
    base: Duration,
    /// What was added by hand.
    advanced: watch::Sender<Duration>,
}

impl Clock {
    /// The machine's time: clients compare ids and resets with theirs.
    #[must_use]
    pub fn flowing() -> Self {
        let base = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
        Self::new(Some(Instant::now()), base)
    }

    /// One that moves by [`Clock::advance`] alone.
    #[must_use]
    pub fn stopped() -> Self {
        Self::new(None, STOPPED_AT)
    }

    fn new(flowing: Option<Instant>, base: Duration) -> Self {
        Self(Arc::new(Inner { flowing, base, advanced: watch::Sender::new(Duration::ZERO) }))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Duration {
        let flown = self.0.flowing.map_or(Duration::ZERO, |begun| begun.elapsed());
        self.0.base + flown + *self.0.advanced.borrow()
    }

    /// Moves on. Everything that was due meanwhile happens.
    pub fn advance(&self, by: Duration) {
        self.0.advanced.send_modify(|advanced| *advanced += by);
    }

    /// Returns once it is `at`.
    pub async fn reach(&self, at: Duration) {
        let mut advanced = self.0.advanced.subscribe();
        while let Some(left) = at.checked_sub(self.now()).filter(|left| !left.is_zero()) {
            // Whichever comes first: the loop looks again either way.
            tokio::select! {
                biased;
                changed = advanced.changed() => changed.expect("the clock lives as long as this borrow of it"),
                () = tokio::time::sleep(left), if self.0.flowing.is_some() => {}
            }
        }
    }
}

/// A moment as Discord writes it: `2026-01-01T00:00:00.000000+00:00`, ISO 8601 as
/// discord.com/developers/docs/reference#iso8601-datetime has it.
pub(crate) struct Iso8601(pub(crate) Duration);

impl fmt::Display for Iso8601 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0.as_secs(), self.0.subsec_micros());
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Days since 1 March of year 0, so that a leap day is the last of its year.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let shifted = (5 * day + 2) / 153;
        let (month, day) = (if shifted < 10 { shifted + 3 } else { shifted - 9 }, day - (153 * shifted + 2) / 5 + 1);
        let year = era * 400 + year + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_discord_does() {
        let written = |seconds: u64, micros: u32| Iso8601(Duration::new(seconds, micros * 1_000_u32)).to_string();
        assert_eq!(written(1_767_225_600, 0), "2026-01-01T00:00:00.000000+00:00");
        assert_eq!(written(951_782_399, 1), "2000-02-28T23:59:59.000001+00:00");
        assert_eq!(written(951_868_799, 999_999), "2000-02-29T23:59:59.999999+00:00");
        assert_eq!(written(1_709_251_200, 0), "2024-03-01T00:00:00.000000+00:00");
    }
}
