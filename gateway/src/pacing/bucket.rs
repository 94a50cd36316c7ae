//! The budget of one bucket: so many requests in each window, as the platform tells it.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::Rank;

/// What an answer of the platform told about budgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The request was taken; its bucket is as it says, where it says so.
    Budget {
        /// The platform's name of the bucket, the same for all routes that share it.
        bucket: Option<String>,
        /// Requests of one window.
        limit: u32,
        /// Those that are left of this one.
        remaining: u32,
        /// When the next window begins.
        reset_after: Duration,
    },
    /// The request was taken, and nothing was said.
    Nothing,
    /// The request was not taken; its bucket takes none before this time is over.
    Limited(Duration),
    /// The request was not taken; the bot as a whole is to ask for nothing before this time is over.
    LimitedAll(Duration),
    /// No answer came: it may have counted.
    Unknown,
}

/// Places that passing requests leave to others, where a window has more than one.
const RESERVED: u32 = 1;
/// The longest that a platform is believed: after it, it is asked again.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);
/// A window whose end was never told, because no answer came.
const SILENT_WINDOW: Duration = Duration::from_secs(5);

/// See the module. Before the first answer one request at a time is let through, since nothing is known.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    limit: Option<u32>,
    /// Of the window that runs; those under way are taken off.
    left: u32,
    under_way: u32,
    /// When the window ends; none while no answer of it has come.
    ends: Option<Instant>,
    window: Option<Duration>,
}

impl Bucket {
    /// Whether a request may go now; else when to look again. None: as soon as one that is under way was answered.
    pub(super) fn look(&mut self, rank: Rank, now: Instant) -> Result<(), Option<Instant>> {
        // A window that ended; or none that runs, as far as anybody knows.
        if self.ends.is_some_and(|ends| ends <= now) || (self.ends.is_none() && self.under_way == 0) {
            self.ends = None;
            self.left = self.limit.unwrap_or_default().saturating_sub(self.under_way);
        }
        let Some(limit) = self.limit else {
            return match (self.ends, self.under_way) {
                (Some(ends), _) => Err(Some(ends)),
                (None, 0) => Ok(()),
                (None, _) => Err(None),
            };
        };
        let reserved = if rank.is_passing() && limit > RESERVED { RESERVED } else { 0 };
        if self.left > reserved { Ok(()) } else { Err(self.ends) }
    }

    /// A request goes.
    pub(super) fn take(&mut self) {
        self.under_way += 1;
        self.left = self.left.saturating_sub(1);
    }

    /// A request did not go after all.
    pub(super) fn give_back(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(limit) = self.limit {
            self.left = (self.left + 1).min(limit);
        }
    }

    /// A request was answered.
    pub(super) fn told(&mut self, told: &Told, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        match told {
            Told::Budget { limit, remaining, reset_after, .. } => {
                let ends = now + (*reset_after).min(PAUSE_MAX);
                // Answers overtake each other: of one window the least that was told counts.
                let is_same = self.limit.is_some() && self.ends.is_some_and(|known| ends <= known + SLACK);
                let left = remaining.saturating_sub(self.under_way);
                self.left = if is_same { self.left.min(left) } else { left };
                self.limit = Some((*limit).max(1));
                self.ends = Some(self.ends.filter(|_| is_same).map_or(ends, |known| known.max(ends)));
                self.window = Some(self.window.map_or(*reset_after, |window| window.max(*reset_after)));
            }
            Told::Limited(pause) => self.close(*pause, now),
            // It was not counted here.
            Told::LimitedAll(_) => self.left = self.limit.map_or(0, |limit| (self.left + 1).min(limit)),
            // It may have begun a window, whose end nobody told.
            Told::Nothing | Told::Unknown => {
                if self.limit.is_some() && self.ends.is_none() {
                    self.ends = Some(now + self.window.unwrap_or(SILENT_WINDOW));
                }
            }
        }
    }

    /// It has no place for so long.
    pub(super) fn close(&mut self, pause: Duration, now: Instant) {
        let ends = now + pause.min(PAUSE_MAX);
        (self.left, self.ends) = (0, Some(self.ends.map_or(ends, |known| known.max(ends))));
    }

    /// How often something that passes may go, for as long as nothing else does. None while nothing is known.
    pub(super) fn cadence(&self) -> Option<Duration> {
        let passing = self.limit?.saturating_sub(RESERVED).max(1);
        Some(self.window? / passing)
    }

    /// Takes over what another one has under way, which was counted before it was known that both are one.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.under_way += other.under_way;
        self.left = self.left.saturating_sub(other.under_way);
    }

    /// Whether forgetting it forgets nothing.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.under_way == 0 && self.ends.is_none_or(|ends| ends <= now)
    }
}

/// Two answers of one window tell its end by a clock that runs between them.
const SLACK: Duration = Duration::from_millis(250);
