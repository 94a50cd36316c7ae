//! One shard's stream as the reader sees it.

use std::{collections::BTreeMap, sync::Arc, sync::LazyLock};

use futures_util::future::try_join_all;
use redis::{FromRedisValue, Script, Value};

use crate::{Bus, EntryId, Error, Role, Shard, lease::Tenure, window::Window};

static TOUCH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("touch.lua")));
static DROP_IDLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("drop_idle_consumers.lua")));

/// Idle time after which a consumer that holds nothing is taken for one of a process that is gone. It is made again by its
/// next read, so a wrong guess costs nothing.
const CONSUMER_IDLE_MS: u64 = 60 * 60 * 1000;

/// How far a shard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its fence is not watched yet; it is read only after a flush that did, and showed our token.
    Unwatched,
    /// Everything pending is claimed in id order, from here on.
    Claiming(EntryId),
    /// New entries are read.
    Reading,
}

#[derive(Debug)]
pub(super) struct Feed {
    pub(super) tenure: Arc<Tenure>,
    pub(super) stream: String,
    pub(super) fence: String,
    pub(super) phase: Phase,
    /// Stream and group are known to be there.
    has_group: bool,
    /// They once were.
    had_group: bool,
    /// Its last read brought all that was asked for, so there is more.
    pub(super) is_deep: bool,
    /// The highest id read as new, where the doorbell listens. Never an id that the doorbell returned.
    pub(super) last: EntryId,
}

impl Feed {
    pub(super) fn new(bus: &Bus, role: &Role, tenure: Arc<Tenure>) -> Self {
        let (names, shard) = (bus.names(), tenure.shard());
        Self {
            stream: names.stream(role, shard),
            fence: names.fence(role, shard),
            tenure,
            phase: Phase::Unwatched,
            has_group: false,
            had_group: false,
            is_deep: false,
            last: EntryId::default(),
        }
    }

    /// Makes stream and group where they are missing, from the stream's beginning so that nothing is skipped. True when they
    /// were.
    async fn ensure_group(&self, bus: &Bus, group: &str) -> Result<bool, Error> {
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(&self.stream).arg(group).arg("0").arg("MKSTREAM");
        match create.query_async::<()>(&mut bus.shared()).await {
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }

    /// The group's last delivered id.
    pub(super) async fn last_delivered(&self, bus: &Bus, group: &str) -> Result<EntryId, Error> {
        const STEP: &str = "the group's state";
        let mut command = redis::cmd("XINFO");
        command.arg("GROUPS").arg(&self.stream);
        let groups: Vec<BTreeMap<String, Value>> = command.query_async(&mut bus.shared()).await?;
        let is_ours = |state: &BTreeMap<String, Value>| {
            state.get("name").is_some_and(|name| String::from_redis_value_ref(name).is_ok_and(|name| name == group))
        };
        let state = groups.into_iter().find(is_ours).ok_or(Error::Reply { step: STEP })?;
        crate::reply::id(state.get("last-delivered-id").cloned().ok_or(Error::Reply { step: STEP })?)
    }

    /// Deletes consumers that hold nothing and have been silent for long, in the step that saw it.
    pub(super) async fn drop_idle_consumers(&self, bus: &Bus, group: &str, instance: &str) -> Result<(), Error> {
        let mut script = DROP_IDLE.key(&self.stream);
        script.arg(group).arg(instance).arg(CONSUMER_IDLE_MS);
        Ok(script.invoke_async(&mut bus.shared()).await?)
    }
}

/// The shards that the reader reads.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    feeds: BTreeMap<Shard, Feed>,
}

impl Feeds {
    pub(super) fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Feed> {
        self.feeds.values()
    }

    pub(super) fn get(&self, shard: Shard) -> Option<&Feed> {
        self.feeds.get(&shard)
    }

    pub(super) fn get_mut(&mut self, shard: Shard) -> Option<&mut Feed> {
        self.feeds.get_mut(&shard)
    }

    pub(super) fn add(&mut self, feed: Feed) {
        self.feeds.insert(feed.tenure.shard(), feed);
    }

    pub(super) fn remove(&mut self, tenure: &Arc<Tenure>) {
        if self.feeds.get(&tenure.shard()).is_some_and(|feed| Arc::ptr_eq(&feed.tenure, tenure)) {
            self.feeds.remove(&tenure.shard());
        }
    }

    pub(super) fn drop_lost(&mut self) {
        self.feeds.retain(|_, feed| !feed.tenure.is_lost());
    }

    pub(super) fn all_watched(&self) -> bool {
        self.feeds.values().all(|feed| feed.phase != Phase::Unwatched)
    }

    pub(super) fn all_reading(&self) -> bool {
        self.feeds.values().all(|feed| feed.phase == Phase::Reading)
    }

    pub(super) fn reading(&self) -> impl Iterator<Item = &Feed> {
        self.feeds.values().filter(|feed| feed.phase == Phase::Reading)
    }

    /// Makes the groups that are missing.
    pub(super) async fn ensure_groups(&mut self, bus: &Bus, role: &Role) -> Result<(), Error> {
        let group = bus.names().group(role);
        let missing = self.feeds.values_mut().filter(|feed| !feed.has_group);
        let made = missing.map(async |feed| {
            if feed.ensure_group(bus, &group).await? && feed.had_group {
                tracing::warn!(%role, shard = %feed.tenure.shard(), "the consumer group was gone, and is made again");
                // What its lanes hold is pending in no group, and comes again from the beginning: behind what they hold it would
                // be out of order.
                feed.tenure.lose();
                metrics::counter!("stargazer_groups_remade_total", "role" => role.to_string()).increment(1);
            }
            (feed.has_group, feed.had_group) = (true, true);
            Ok::<_, Error>(())
        });
        try_join_all(made).await.map(drop)
    }

    /// Makes what a broken connection may still have on its way fail, before the new one watches.
    pub(super) async fn outrun_the_broken(&self, bus: &Bus) -> Result<(), Error> {
        let touched = self.feeds.values().map(async |feed| {
            let mut script = TOUCH.key(&feed.fence);
            if !script.arg(feed.tenure.token()).invoke_async::<bool>(&mut bus.shared()).await? {
                feed.tenure.lose();
            }
            Ok::<_, Error>(())
        });
        try_join_all(touched).await.map(drop)
    }

    /// Notes what one read of this shard brought.
    pub(super) fn note_read(&mut self, shard: Shard, asked: usize, found: usize, last: Option<EntryId>) {
        let Some(feed) = self.feeds.get_mut(&shard) else { return };
        feed.is_deep = found >= asked;
        feed.last = last.unwrap_or(feed.last);
    }

    /// Whether there is nothing to do but to go on with claims that have had their first page.
    pub(super) fn is_catching_up(&self) -> bool {
        self.feeds.values().all(|feed| matches!(feed.phase, Phase::Claiming(cursor) if cursor != EntryId::default()))
    }

    /// Whether a shard has more to read at once, as far as is known.
    pub(super) fn any_deep(&self) -> bool {
        self.reading().any(|feed| feed.is_deep)
    }

    /// A group may be missing, as after Redis was emptied.
    pub(super) fn groups_are_gone(&mut self) {
        self.feeds.values_mut().for_each(|feed| feed.has_group = false);
    }

    /// Begins every shard anew, as after an error that may have hidden a read.
    pub(super) fn claim_again(&mut self, window: &Window) {
        self.drop_lost();
        for feed in self.feeds.values_mut() {
            feed.phase = Phase::Unwatched;
            window.claim_begins(feed.tenure.id());
        }
    }

    /// Notes a claimed page; true when it was the last.
    pub(super) fn claimed_up_to(&mut self, shard: Shard, cursor: EntryId) -> bool {
        let Some(feed) = self.feeds.get_mut(&shard) else { return false };
        // A page may have been on its way when the shard began anew.
        if !matches!(feed.phase, Phase::Claiming(_)) {
            return false;
        }
        let is_last = cursor == EntryId::default();
        feed.phase = if is_last { Phase::Reading } else { Phase::Claiming(cursor) };
        is_last
    }

    /// Takes note of what the watched fences hold (in the order of [`Feeds::iter`]); gives the tenures that are over.
    pub(super) fn watched(&mut self, tokens: &[Option<String>]) -> Vec<Arc<Tenure>> {
        let mut over = Vec::new();
        for (feed, token) in self.feeds.values_mut().zip(tokens) {
            if token.as_deref() != Some(feed.tenure.token()) {
                over.push(Arc::clone(&feed.tenure));
            } else if feed.phase == Phase::Unwatched {
                feed.phase = Phase::Claiming(EntryId::default());
            }
        }
        over
    }
}
