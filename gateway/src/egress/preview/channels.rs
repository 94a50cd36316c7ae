//! The channels on which previews come: those of the shards that are owned, and no others.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bus::{Names, Shard, Subscription};
use tokio::task::JoinSet;

/// Pause after a channel could not be subscribed to.
const AGAIN: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(super) struct Channels {
    subscription: Subscription,
    names: Arc<Names>,
    platform: String,
    wanted: BTreeSet<Shard>,
    have: BTreeSet<Shard>,
    /// The one task that adds and drops, since each of that waits for its confirmation. Gives what is subscribed to then.
    changing: JoinSet<BTreeSet<Shard>>,
}

impl Channels {
    pub(super) fn new(subscription: Subscription, names: Arc<Names>, platform: String) -> Self {
        let changing = JoinSet::new();
        Self { subscription, names, platform, wanted: BTreeSet::new(), have: BTreeSet::new(), changing }
    }

    /// From now on those of these shards.
    pub(super) fn want(&mut self, shards: BTreeSet<Shard>) {
        self.wanted = shards;
        self.change();
    }

    /// Waits until something has changed; never ends while nothing is to be.
    pub(super) async fn changed(&mut self) {
        match self.changing.join_next().await {
            Some(Ok(have)) => self.have = have,
            Some(Err(error)) => tracing::error!(%error, "a subscription to previews broke"),
            None => std::future::pending().await,
        }
        self.change();
    }

    fn change(&mut self) {
        if self.wanted == self.have || !self.changing.is_empty() {
            return;
        }
        let (subscription, mut have, wanted) = (self.subscription.clone(), self.have.clone(), self.wanted.clone());
        let (names, platform) = (Arc::clone(&self.names), self.platform.clone());
        self.changing.spawn(async move {
            for shard in have.clone().difference(&wanted) {
                subscription.drop(&names.previews(&platform, *shard)).await;
                have.remove(shard);
            }
            for shard in wanted {
                if have.contains(&shard) {
                    continue;
                }
                if let Err(error) = subscription.add(&names.previews(&platform, shard)).await {
                    tracing::debug!(%shard, %error, "previews do not come yet");
                    tokio::time::sleep(AGAIN).await;
                    break;
                }
                have.insert(shard);
            }
            have
        });
    }
}
