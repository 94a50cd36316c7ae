//! What servers and channels a bot is in, as JSON in Redis for whoever wants to show or choose one: made anew every 12 hours at most,
//! or when somebody asks for it by pub/sub, by one gateway for all.

mod list;

use std::{sync::Arc, time::Duration};

use bus::{Bus, DistributedLock, LeaseConfig, LockError, Names, Push, Records, unix_ms};
use serde::Deserialize;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::platform::Platform;
pub use list::{Channel, Inventory};

/// How old one may become.
const OLD: Duration = Duration::from_secs(12 * 60 * 60);
/// How old one is at least before it is made again because somebody asks.
const YOUNG: Duration = Duration::from_secs(60);
/// Pauses after it could not be made, doubled up to the longest: at first the platform is not connected yet.
const AGAIN_MIN: Duration = Duration::from_secs(2);
const AGAIN_MAX: Duration = Duration::from_secs(5 * 60);

/// Keeps those of these platforms, until `stop`.
pub(crate) async fn run(platforms: Vec<Arc<dyn Platform>>, bus: Bus, lease: LeaseConfig, stop: CancellationToken) {
    let (mut pushes, listening) = bus.listen(Names::INVENTORY_NOTICES, stop.clone());
    // Each on its own: one that takes long holds up no other. Dropping the set ends them.
    let mut keepers = JoinSet::new();
    let mut heard = Vec::new();
    for platform in platforms {
        let (ask, asked) = watch::channel(None);
        heard.push((platform.name().to_string(), ask));
        keepers.spawn(Keeper::new(platform, &bus, lease).run(asked));
    }
    let keeping = async {
        while let Some(push) = pushes.recv().await {
            // Who asks and sees nothing come of it asks again.
            let Push::Message { payload, .. } = push else { continue };
            let are_asked = heard.iter().filter(|(name, _)| payload.is_empty() || *payload == *name.as_bytes());
            are_asked.for_each(|(_, ask)| _ = ask.send_replace(Some(unix_ms())));
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = keeping => {}
        () = listening => {}
    }
}

/// The record as far as it says when it is due.
#[derive(Debug, Deserialize)]
struct Made {
    at: u64,
}

/// What keeps the inventory of one platform.
struct Keeper {
    platform: Arc<dyn Platform>,
    records: Records,
    lock: DistributedLock,
    /// When to look again.
    due: Instant,
    /// When somebody asked for it who is not answered yet, ms since the epoch.
    asked_ms: Option<u64>,
    pause: Duration,
}

impl Keeper {
    fn new(platform: Arc<dyn Platform>, bus: &Bus, lease: LeaseConfig) -> Self {
        let lock = DistributedLock::new(bus.clone(), &format!("inventory:{}", platform.name()), lease);
        let records = Records::new(bus.clone());
        Self { platform, records, lock, due: Instant::now(), asked_ms: None, pause: AGAIN_MIN }
    }

    /// Keeps it for good. `asked` has when somebody asked for it, in ms since the epoch.
    async fn run(mut self, mut asked: watch::Receiver<Option<u64>>) {
        loop {
            tokio::select! {
                biased;
                Ok(()) = asked.changed() => self.asked_ms = *asked.borrow_and_update(),
                () = sleep_until(self.due) => {}
            }
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let pause = match self.keep().await {
            Ok(pause) => {
                self.pause = AGAIN_MIN;
                pause
            }
            Err(error) => {
                tracing::debug!(platform = %self.platform.name(), error, "no inventory yet");
                let pause = self.pause;
                self.pause = (pause * 2).min(AGAIN_MAX);
                pause
            }
        };
        self.due = Instant::now() + pause;
    }

    /// Makes it where it is due. Gives how long to wait then.
    async fn keep(&mut self) -> Result<Duration, String> {
        let left = self.left().await?;
        if !left.is_zero() {
            return Ok(left);
        }
        let made = self.lock.run(Duration::ZERO, async || {
            // Another gateway may have had the lock in between.
            if self.left().await?.is_zero() { self.make().await } else { Ok(()) }
        });
        match made.await {
            Ok(made) => made?,
            // It is being made.
            Err(LockError::Taken { .. }) => return Ok(AGAIN_MIN),
            Err(error) => return Err(error.to_string()),
        }
        let left = self.left().await?;
        self.asked_ms = None;
        Ok(left)
    }

    /// How long the one that is there is good for.
    async fn left(&self) -> Result<Duration, String> {
        let key = Names::inventory(self.platform.name().as_str());
        let made = self.records.get(&key).await.map_err(|error| error.to_string())?;
        // One that cannot be read is none.
        let made_ms = made.and_then(|json| serde_json::from_slice::<Made>(&json).ok()).map_or(0, |made| made.at);
        Ok(left(made_ms, self.asked_ms, unix_ms()))
    }

    async fn make(&self) -> Result<(), String> {
        let name = self.platform.name();
        // Whoever asks from here on may miss something in it.
        let mut inventory = Inventory::new(name.as_str(), unix_ms());
        self.platform.list(&mut inventory).await.map_err(|error| error.to_string())?;
        let json = inventory.to_json();
        tracing::info!(platform = %name, bytes = json.len(), "the inventory of servers and channels is made");
        let key = Names::inventory(name.as_str());
        self.records.put(&key, json.as_bytes()).await.map_err(|error| error.to_string())
    }
}

/// How long an inventory is good for that was made then, where somebody asked, or nobody did.
fn left(made_ms: u64, asked_ms: Option<u64>, now_ms: u64) -> Duration {
    let life = if asked_ms.is_some_and(|asked| made_ms < asked) { YOUNG } else { OLD };
    // One of the future is as old as any: somebody's clock was wrong.
    if made_ms > now_ms + YOUNG.as_millis() as u64 {
        return Duration::ZERO;
    }
    Duration::from_millis((made_ms + life.as_millis() as u64).saturating_sub(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_when_it_is_old_or_asked_for_and_not_just_made() {
        const NOW: u64 = 1_700_000_000_000;
        let hours = |hours: u64| NOW - hours * 3_600_000;
        assert_eq!(left(0, None, NOW), Duration::ZERO, "there is none");
        assert_eq!(left(hours(11), None, NOW), Duration::from_secs(3600));
        assert_eq!(left(hours(12), None, NOW), Duration::ZERO);
        assert_eq!(left(hours(1), Some(NOW), NOW), Duration::ZERO);
        assert_eq!(left(NOW - 20_000, Some(NOW), NOW), Duration::from_secs(40));
        assert_eq!(left(NOW, Some(NOW - 5), NOW), OLD, "it was made after that");
        assert_eq!(left(NOW + 3_600_000, None, NOW), Duration::ZERO);
    }
}
