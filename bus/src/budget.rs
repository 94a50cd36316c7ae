//! A budget that several processes share: so many places, which come back with time, and what the one that grants them has told.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use crate::{Bus, Error, Names, clock::millis};

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("budget/take.lua")));
static SHUT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("budget/shut.lua")));
static CLOSE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("budget/close.lua")));
static REFUSED: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("budget/refused.lua")));
static CLOSED: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("budget/closed.lua")));

const NAMES_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// See the module. By the server's clock, so all processes agree. A fail-over that forgot what was taken and told gives the budget
/// anew.
#[derive(Debug, Clone)]
pub struct Budget {
    bus: Bus,
    key: String,
    closed: String,
    refused: String,
    routes: String,
    most: u32,
    per_second: f64,
}

impl Budget {
    /// The budget of a bot (`sg:budget:<name>`): at most `most` places at once (one at least), and `per_second` again each second.
    #[must_use]
    pub fn new(bus: Bus, name: &str, most: u32, per_second: f64) -> Self {
        let (key, closed, routes) = (Names::budget(name), Names::closed_buckets(name), Names::buckets(name));
        let refused = Names::refused(name);
        Self { bus, key, closed, refused, routes, most: most.max(1), per_second: per_second.max(0.001) }
    }

    /// Takes up to `wanted` places: how many there were, and where that is none, when there will be one.
    ///
    /// # Errors
    /// When Redis did not answer: some may have been taken.
    pub async fn take(&self, wanted: u32) -> Result<(u32, Duration), Error> {
        let mut script = TAKE.key(&self.key);
        script.arg(wanted).arg(self.most).arg(self.per_second);
        let (given, pause): (u32, u64) = script.invoke_async(&mut self.bus.shared()).await?;
        Ok((given, Duration::from_millis(pause)))
    }

    /// Gives no places for so long.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn shut(&self, pause: Duration) -> Result<(), Error> {
        SHUT.key(&self.key).arg(millis(pause)).invoke_async::<i64>(&mut self.bus.shared()).await?;
        Ok(())
    }

    /// Which bucket a route has, where one of us was told.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn bucket_of(&self, route: &str) -> Result<Option<String>, Error> {
        Ok(redis::cmd("HGET").arg(&self.routes).arg(route).query_async(&mut self.bus.shared()).await?)
    }

    /// Says which bucket a route has, unless that is known. There are some dozens of them; all are forgotten after a day, since the
    /// one who grants the budget may part it otherwise.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn name(&self, route: &str, bucket: &str) -> Result<(), Error> {
        let mut both = redis::pipe();
        both.cmd("HSETNX").arg(&self.routes).arg(route).arg(bucket).ignore();
        both.cmd("PEXPIRE").arg(&self.routes).arg(millis(NAMES_KEPT)).arg("NX").ignore();
        Ok(both.query_async(&mut self.bus.shared()).await?)
    }

    /// For how long nothing may be asked for of a part of the budget: of a bucket and what it counts apart.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn closed(&self, part: &str) -> Result<Duration, Error> {
        let ms: u64 = CLOSED.key(&self.closed).arg(part).invoke_async(&mut self.bus.shared()).await?;
        Ok(Duration::from_millis(ms))
    }

    /// Counts one more refused request, of all that share the budget, in windows of this length that begin with their first: how many
    /// there are in this one, and how long it goes on.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn refused(&self, window: Duration) -> Result<(u32, Duration), Error> {
        let mut script = REFUSED.key(&self.refused);
        let (count, left): (u32, u64) = script.arg(millis(window)).invoke_async(&mut self.bus.shared()).await?;
        Ok((count, Duration::from_millis(left)))
    }

    /// Says that nothing may be asked for of this part for so long. What is over is forgotten meanwhile.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn close(&self, part: &str, pause: Duration) -> Result<(), Error> {
        let mut script = CLOSE.key(&self.closed);
        script.arg(part).arg(millis(pause)).invoke_async::<i64>(&mut self.bus.shared()).await?;
        Ok(())
    }
}
