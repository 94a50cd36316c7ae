//! What became of the gaps of a connection: counted, and said in one line when the last one is read.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Ends with its last owner, and then says what it counted.
#[derive(Debug)]
pub(in super::super) struct Tally {
    platform: String,
    shard: u32,
    /// Channels that were asked for.
    asked: AtomicUsize,
    /// Channels that had messages, these, channels of which the latest alone were read, and those that were not read.
    channels: AtomicUsize,
    messages: AtomicUsize,
    cut: AtomicUsize,
    unread: AtomicUsize,
}

impl Tally {
    fn new(platform: &str, shard: u32) -> Self {
        Self {
            platform: platform.to_owned(),
            shard,
            asked: AtomicUsize::default(),
            channels: AtomicUsize::default(),
            messages: AtomicUsize::default(),
            cut: AtomicUsize::default(),
            unread: AtomicUsize::default(),
        }
    }

    /// Whether one channel more is asked.
    pub(super) fn may_read(&self, most: usize) -> bool {
        let may = self.asked.fetch_add(1, Relaxed) < most;
        if !may {
            self.unread(1);
        }
        may
    }

    pub(super) fn read(&self, messages: usize, is_whole: bool) {
        self.channels.fetch_add(usize::from(messages > 0), Relaxed);
        self.messages.fetch_add(messages, Relaxed);
        self.cut.fetch_add(usize::from(!is_whole), Relaxed);
    }

    pub(super) fn unread(&self, channels: usize) {
        self.unread.fetch_add(channels, Relaxed);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let count = |of: &AtomicUsize| of.load(Relaxed);
        let (messages, cut, unread) = (count(&self.messages), count(&self.cut), count(&self.unread));
        let counter = |name| metrics::counter!(name, "platform" => self.platform.clone());
        if messages > 0 {
            counter("stargazer_discord_gap_messages_total").increment(messages as u64);
            tracing::info!(
                platform = self.platform,
                shard = self.shard,
                channels = count(&self.channels),
                messages,
                "messages that were missed are taken: Discord's shard was not connected, or there was no room for them"
            );
        }
        if cut + unread > 0 {
            counter("stargazer_discord_gaps_cut_total").increment((cut + unread) as u64);
            tracing::warn!(
                platform = self.platform,
                shard = self.shard,
                cut,
                unread,
                "not all that was missed is taken: in some channels the latest alone, and some could not be read"
            );
        }
    }
}

/// The tally that a connection's gaps are counted in for now.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<Weak<Tally>>);

impl Tallies {
    /// The one that is not said yet, or a new one.
    pub(super) fn current(&self, platform: &str, shard: u32) -> Arc<Tally> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().unwrap_or_else(|| {
            let tally = Arc::new(Tally::new(platform, shard));
            *current = Arc::downgrade(&tally);
            tally
        })
    }
}
