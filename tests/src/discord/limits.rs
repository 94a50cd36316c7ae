//! Rate limits of HTTP: discord.com/developers/docs/topics/rate-limits.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::id::Snowflake;

/// What shares a bucket. The documents give no numbers ("should not be hard coded"); these are what people observe, and the
/// builder sets others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Sending and editing messages.
    Messages,
    /// Deleting one message.
    Delete,
    /// Adding and removing reactions.
    Reactions,
    /// The typing indicator.
    Typing,
    /// Reading messages.
    History,
    /// Writing commands.
    Commands,
    /// What an interaction's token allows.
    Webhook,
    /// Answers to interactions.
    Callback,
    /// Everything else.
    Other,
}

impl Group {
    fn usual(self) -> (u32, Duration) {
        let (requests, ms) = match self {
            Self::Messages | Self::Typing | Self::History => (5, 5_000),
            Self::Delete => (5, 1_000),
            Self::Reactions => (1, 250),
            Self::Webhook | Self::Callback => (5, 2_000),
            Self::Commands => (5, 20_000),
            Self::Other => (10, 10_000),
        };
        (requests, Duration::from_millis(ms))
    }

    /// The name in X-RateLimit-Bucket, without the top-level resource, as #header-format has it.
    fn bucket(self) -> String {
        sha1_smol::Sha1::from(format!("{self:?}")).digest().to_string()[..32].to_owned()
    }

    /// "Interaction endpoints are not bound to the bot's Global Rate Limit": #global-rate-limit.
    fn is_global(self) -> bool {
        !matches!(self, Self::Webhook | Self::Callback)
    }
}

/// `X-RateLimit-Scope`: #header-format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The bot's own bucket.
    User,
    /// The bot's 50 a second.
    Global,
    /// Of a resource, whoever uses it. Not the bot's fault, and not counted as invalid.
    Shared,
}

impl Scope {
    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Global => "global",
            Self::Shared => "shared",
        }
    }
}

/// A window that begins with its first request and ends at once, as a whole.
#[derive(Debug, Clone, Copy)]
struct Window {
    ends: Duration,
    used: u32,
    scope: Scope,
    /// When an answer said that nothing is left. By the machine's time: it is about bytes in flight.
    told_empty: Option<Instant>,
}

impl Window {
    /// Counts a request, where one is left.
    fn take(&mut self, max: u32) -> bool {
        let has_room = self.used < max;
        self.used += u32::from(has_room);
        has_room
    }
}

/// Whose bucket: a bot (or nobody), a group, and the channel, guild or webhook that is the top-level resource.
pub(crate) type Key = (Option<Snowflake>, Group, String);

/// What a request is told about its bucket.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) key: Key,
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// As time since the Unix epoch.
    pub(crate) reset: Duration,
    pub(crate) bucket: String,
    pub(crate) refused: Option<Refused>,
}

/// Too many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused {
    pub(crate) scope: Scope,
    /// As time since the Unix epoch.
    pub(crate) until: Duration,
    /// An earlier answer had said that nothing was left.
    pub(crate) was_told: bool,
}

#[derive(Debug)]
pub(crate) struct Limits {
    rules: BTreeMap<Group, (u32, Duration)>,
    pub(crate) is_off: bool,
    /// #global-rate-limit.
    pub(crate) global_max: u32,
    /// How long an answer may be on its way: a request that comes so soon after it may have been sent before.
    pub(crate) flight: Duration,
    /// Windows that are over are forgotten.
    windows: BTreeMap<Key, Window>,
    global: BTreeMap<Option<Snowflake>, Window>,
}

impl Limits {
    pub(crate) fn new() -> Self {
        let (rules, windows, global) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { rules, is_off: false, global_max: 50, flight: Duration::from_millis(50), windows, global }
    }

    pub(crate) fn set(&mut self, group: Group, requests: u32, window: Duration) {
        self.rules.insert(group, (requests, window));
    }

    /// Counts a request.
    pub(crate) fn take(&mut self, now: Duration, arrived: Instant, key: Key) -> Told {
        self.windows.retain(|_, window| now < window.ends);
        self.global.retain(|_, window| now < window.ends);
        let (limit, length) = self.rules.get(&key.1).copied().unwrap_or_else(|| key.1.usual());
        let limit = if self.is_off { u32::MAX } else { limit };
        let (flight, bucket) = (self.flight, key.1.bucket());
        let told = |window: &Window| window.told_empty.is_some_and(|told| arrived >= told + flight);
        let refuse = |window: &Window| Refused { scope: window.scope, until: window.ends, was_told: told(window) };
        let mut refused = None;
        if key.1.is_global() {
            let ends = now + Duration::from_secs(1);
            let fresh = Window { ends, used: 0, scope: Scope::Global, told_empty: None };
            let all = self.global.entry(key.0).or_insert(fresh);
            let max = if self.is_off { u32::MAX } else { self.global_max };
            if !all.take(max) {
                refused = Some(refuse(all));
            }
        }
        let fresh = Window { ends: now + length, used: 0, scope: Scope::User, told_empty: None };
        let window = self.windows.entry(key.clone()).or_insert(fresh);
        if refused.is_none() && !window.take(limit) {
            refused = Some(refuse(window));
        }
        Told { key, limit, remaining: limit.saturating_sub(window.used), reset: window.ends, bucket, refused }
    }

    /// Refuses everything of this bucket, or of the bot, until `ends`: a fault that goes on for as long as it says.
    pub(crate) fn pause(&mut self, key: &Key, scope: Scope, ends: Duration) {
        let window = Window { ends, used: u32::MAX, scope, told_empty: None };
        if scope == Scope::Global {
            self.global.insert(key.0, window);
        } else {
            self.windows.insert(key.clone(), window);
        }
    }

    /// An answer with `told` goes out.
    pub(crate) fn went_out(&mut self, told: &Told) {
        let (window, ends) = match told.refused {
            Some(Refused { scope: Scope::Global, until, .. }) => (self.global.get_mut(&told.key.0), until),
            Some(refused) => (self.windows.get_mut(&told.key), refused.until),
            None if told.remaining == 0 => (self.windows.get_mut(&told.key), told.reset),
            None => return,
        };
        // A slow answer may be about a window that is over.
        if let Some(window) = window.filter(|window| window.ends == ends) {
            window.told_empty.get_or_insert_with(Instant::now);
        }
    }
}
