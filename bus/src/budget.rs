//! A budget that several processes share: so many places, which come back with time.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use crate::{Bus, Error};

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("budget.lua")));

/// See the module. By the server's clock, so all processes agree.
#[derive(Debug, Clone)]
pub struct Budget {
    bus: Bus,
    key: String,
    most: u32,
    per_second: f64,
}

impl Budget {
    /// The budget of a bot (`sg:budget:<name>`): at most `most` places at once (one at least), and `per_second` again each second.
    #[must_use]
    pub fn new(bus: Bus, name: &str, most: u32, per_second: f64) -> Self {
        Self { bus, key: format!("sg:budget:{name}"), most: most.max(1), per_second: per_second.max(0.001) }
    }

    /// Takes up to `wanted` places: how many there were, and where that is none, when there will be one. A fail-over that forgot
    /// what was taken gives the budget anew.
    ///
    /// # Errors
    /// When Redis did not answer: some may have been taken.
    pub async fn take(&self, wanted: u32) -> Result<(u32, Duration), Error> {
        let mut script = TAKE.key(&self.key);
        script.arg(wanted).arg(self.most).arg(self.per_second);
        let (given, pause): (u32, u64) = script.invoke_async(&mut self.bus.shared()).await?;
        Ok((given, Duration::from_millis(pause)))
    }
}
