//! A turnstile for all processes: who wants to do something that others count passes it first. Each lane lets one pass at a time,
//! and who comes again and again waits longer each time.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use crate::{Bus, Error, Names, clock::millis};

static ASK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("turnstile.lua")));

/// What a turnstile goes by.
#[derive(Debug, Clone, Copy)]
pub struct TurnstileRules {
    /// Between two passes of one lane.
    pub every: Duration,
    /// How often one may pass before it is made to wait.
    pub free: u32,
    /// Its first pause. Each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// Who did not pass for so long is as one who never did. Longer than the longest pause.
    pub calm: Duration,
}

/// See the module. By the server's clock, so all processes agree.
#[derive(Debug, Clone)]
pub struct Turnstile {
    bus: Bus,
    key: String,
    rules: TurnstileRules,
}

/// What somebody has to wait before it may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// Since others passed its lane.
    pub lane: Duration,
    /// Since it came too often, or all together did.
    pub own: Duration,
    /// How often it has passed in a row.
    pub count: u32,
}

impl Waits {
    /// Whether it may pass, or has passed.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.lane.is_zero() && self.own.is_zero()
    }
}

impl Turnstile {
    /// The turnstile `sg:lock:identify:<name>`.
    #[must_use]
    pub fn new(bus: Bus, name: &str, rules: TurnstileRules) -> Self {
        Self { bus, key: Names::identifies(name), rules }
    }

    /// How long `who` has to wait at its lane. `apart` is the time between any two passes, whoever they are of: zero where that does
    /// not matter.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn look(&self, lane: u32, who: u32, apart: Duration) -> Result<Waits, Error> {
        self.ask(lane, who, apart, false).await
    }

    /// Passes, where there is nothing to wait for.
    ///
    /// # Errors
    /// When Redis did not answer: it may have passed.
    pub async fn pass(&self, lane: u32, who: u32, apart: Duration) -> Result<Waits, Error> {
        self.ask(lane, who, apart, true).await
    }

    async fn ask(&self, lane: u32, who: u32, apart: Duration, passes: bool) -> Result<Waits, Error> {
        let TurnstileRules { every, free, first_pause, longest_pause, calm } = self.rules;
        let mut script = ASK.key(&self.key);
        script.arg(lane).arg(who).arg(u8::from(passes)).arg(millis(every)).arg(millis(apart)).arg(free);
        script.arg(millis(first_pause)).arg(millis(longest_pause)).arg(millis(calm));
        let (lane, own, count): (u64, u64, u32) = script.invoke_async(&mut self.bus.shared()).await?;
        Ok(Waits { lane: Duration::from_millis(lane), own: Duration::from_millis(own), count })
    }
}
