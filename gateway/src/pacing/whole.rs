//! The places of the bot as a whole.
//!
//! A platform counts them in windows of its own that nobody is told of, so they are given evenly: a fifth of a window's at once
//! at the most, and 65 hundredths of them in each window. Then no window has more than its limit, wherever it begins, even where
//! requests take some 200 ms more or less to get there.

use std::time::Duration;

use tokio::time::Instant;

use super::Rank;

const AT_ONCE: f64 = 0.2;
const EVENLY: f64 = 0.65;
/// Passing requests leave so much of what there may be at once to others.
const RESERVED: f64 = 0.4;
/// Places that were reserved are for those who wait, and not kept for longer: others have use for them, and what another one was
/// told meanwhile is not known here.
const KEPT: Duration = Duration::from_millis(20);
/// A share that cannot be asked is not asked again before this.
const AGAIN: Duration = Duration::from_secs(2);

/// How places are given, so that no window has too many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// At once.
    pub(super) most: f64,
    pub(super) per_second: f64,
}

impl Rate {
    /// Of a budget of `limit` for each `window`, of which `part` is ours.
    pub(super) fn of(limit: u32, window: Duration, part: f64) -> Self {
        let limit = f64::from(limit) * part;
        Self { most: (limit * AT_ONCE).max(1.0), per_second: limit * EVENLY / window.as_secs_f64() }
    }
}

/// Places that come back with time.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    rate: Rate,
    left: f64,
    at: Instant,
}

impl Tokens {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, left: rate.most, at: now }
    }

    /// Takes one where `reserved` of all are left beyond it; else when to look again.
    pub(super) fn look(&mut self, reserved: f64, now: Instant) -> Result<(), Instant> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let Rate { most, per_second } = self.rate;
        (self.left, self.at) = ((self.left + passed * per_second).min(most), now);
        // With one place at once there is none to leave.
        let needed = 1.0 + (most - 1.0).min(most * reserved);
        if self.left >= needed - f64::EPSILON * 16.0 {
            return Ok(());
        }
        // Rounded up: before it nothing has changed.
        let wait = Duration::from_secs_f64((needed - self.left) / per_second) + Duration::from_millis(1);
        Err(now + wait)
    }

    pub(super) fn take(&mut self) {
        self.left -= 1.0;
    }
}

/// What may be done about a request now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    Go,
    /// Places have to be reserved first.
    Reserve,
    Wait(Instant),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Places {
    /// Ours alone; of those that are shared a part that is surely ours, for when the others cannot be asked.
    own: Tokens,
    /// Until when the platform takes nothing.
    shut: Option<Instant>,
    shared: Option<Reserved>,
}

/// Of the places that are shared.
#[derive(Debug, Default)]
struct Reserved {
    left: u32,
    good_until: Option<Instant>,
    /// None are left there until then.
    none_until: Option<Instant>,
    /// The others cannot be asked until then.
    alone_until: Option<Instant>,
    /// Since they could be asked last, they could not.
    is_alone: bool,
    is_reserving: bool,
}

impl Places {
    pub(super) fn new(limit: u32, window: Duration, is_shared: bool) -> Self {
        let part = if is_shared { 0.2 } else { 1.0 };
        let own = Tokens::new(Rate::of(limit, window, part), Instant::now());
        Self { own, shut: None, shared: is_shared.then(Reserved::default) }
    }

    /// Whether a request may go. Passing ones leave some places to others.
    pub(super) fn look(&mut self, rank: Rank, now: Instant) -> Whole {
        if let Some(shut) = self.shut.filter(|shut| *shut > now) {
            return Whole::Wait(shut);
        }
        if let Some(shared) = &mut self.shared
            && shared.alone_until.is_none_or(|until| until <= now)
        {
            return shared.look(now);
        }
        let reserved = if rank.is_passing() { RESERVED } else { 0.0 };
        self.own.look(reserved, now).map_or_else(Whole::Wait, |()| Whole::Go)
    }

    /// A request goes that counts here.
    pub(super) fn take(&mut self, now: Instant) {
        match &mut self.shared {
            Some(shared) if shared.alone_until.is_none_or(|until| until <= now) => {
                shared.left = shared.left.saturating_sub(1);
            }
            _ => self.own.take(),
        }
    }

    /// Whether the others can be asked, as far as anybody knows.
    pub(super) fn is_alone(&self, now: Instant) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.alone_until.is_some_and(|until| until > now))
    }

    /// The others cannot be asked. Whether that is news.
    pub(super) fn alone(&mut self, now: Instant) -> bool {
        let Some(shared) = &mut self.shared else { return false };
        shared.alone_until = Some(now + AGAIN);
        !std::mem::replace(&mut shared.is_alone, true)
    }

    /// False where somebody is at it.
    pub(super) fn begin_reserving(&mut self) -> bool {
        self.shared.as_mut().is_some_and(|shared| !std::mem::replace(&mut shared.is_reserving, true))
    }

    pub(super) fn end_reserving(&mut self) {
        if let Some(shared) = &mut self.shared {
            shared.is_reserving = false;
        }
    }

    /// What came of reserving: how many, and how long none follow where there are none.
    pub(super) fn reserved(&mut self, given: u32, pause: Duration, now: Instant) {
        let Some(shared) = &mut self.shared else { return };
        shared.is_alone = false;
        if given == 0 {
            shared.none_until = Some(now + pause);
        } else {
            (shared.left, shared.good_until) = (given, Some(now + KEPT));
        }
    }

    pub(super) fn shut(&mut self, pause: Duration, now: Instant) {
        self.shut = Some(self.shut.map_or(now + pause, |shut| shut.max(now + pause)));
    }
}

impl Reserved {
    fn look(&mut self, now: Instant) -> Whole {
        if self.good_until.is_some_and(|until| until <= now) {
            (self.left, self.good_until) = (0, None);
        }
        match self.none_until.filter(|until| *until > now) {
            _ if self.left > 0 => Whole::Go,
            Some(until) => Whole::Wait(until),
            None => Whole::Reserve,
        }
    }
}
