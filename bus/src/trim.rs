//! Trimming of finished entries by the owner of a shard. Never drops unfinished work: the low water is read in the script.

use std::sync::{LazyLock, Mutex, PoisonError};

use redis::Script;

use crate::{Bus, Error, Role, lease::Tenure};

static TRIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("trim.lua")));

/// Settled entries after which a shard is trimmed.
pub(crate) const TRIM_EVERY: u32 = 1000;

/// Settled entries behind one lowest pending id after which entries are deleted one by one: trimming stops at that id, and a
/// lane that waits would keep everything behind it.
const STUCK_AFTER: u32 = 10_000;

/// Where a stream's low water stands, and since when.
#[derive(Debug, Default)]
pub(crate) struct LowWater(Mutex<(String, u32)>);

impl LowWater {
    /// `settled` more entries are settled, and this is the lowest pending id now; true while it stands still.
    pub(crate) fn is_stuck(&self, pending: String, settled: u32) -> bool {
        // Held for these lines, never across an await.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match last.1.saturating_add(settled) {
            still if !pending.is_empty() && pending == last.0 => (pending, still),
            _ => (pending, 0),
        };
        last.1 >= STUCK_AFTER
    }
}

/// Trims the shard's stream of `role`. Gives the lowest pending id, empty when nothing is pending.
pub(crate) async fn trim(bus: &Bus, role: &Role, tenure: &Tenure) -> Result<String, Error> {
    let names = bus.names();
    let mut script = TRIM.key(names.fence(role, tenure.shard()));
    script.key(names.stream(role, tenure.shard())).arg(tenure.token()).arg(names.group(role));
    match script.invoke_async::<String>(&mut bus.shared()).await? {
        word if word == "FENCED" => Err(tenure.fenced()),
        pending => Ok(pending),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_water_that_stands_still_is_stuck() {
        let low = LowWater::default();
        assert!(!low.is_stuck("1-0".into(), 9_000), "it was met there just now");
        assert!(!low.is_stuck("1-0".into(), 9_999));
        assert!(low.is_stuck("1-0".into(), 1));
        assert!(!low.is_stuck("2-0".into(), 1));
        assert!(!low.is_stuck(String::new(), 10_000) && !low.is_stuck(String::new(), 10_000), "nothing is pending");
    }
}
