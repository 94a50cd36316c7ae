//! A session: what a bot has heard, and what it can hear again.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::Intents;
use crate::discord::id::Snowflake;

/// Begins with IDENTIFY, goes on over sockets by RESUME.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) bot: Snowflake,
    /// Which of how many.
    pub(crate) shard: (u64, u64),
    pub(crate) intents: Intents,
    /// The number of the last dispatch.
    pub(crate) sequence: u64,
    /// The last dispatches as they went out, each with its number; bounded, and what does not fit cannot be resumed.
    sent: VecDeque<(u64, Arc<str>)>,
    sent_max: usize,
    /// The socket that it has.
    pub(crate) socket: Option<u64>,
    /// Until when it waits for a RESUME, once its socket is gone.
    pub(crate) waits_until: Option<Duration>,
    /// Dispatches that will be lost, as after a fault on the platform's side.
    pub(crate) losing: u64,
    /// Dispatches that will come twice.
    pub(crate) doubling: u64,
}

impl Session {
    pub(crate) fn new(id: String, bot: Snowflake, shard: (u64, u64), intents: Intents, sent_max: usize) -> Self {
        let (sequence, sent, socket, waits_until) = (0, VecDeque::new(), None, None);
        Self { id, bot, shard, intents, sequence, sent, sent_max, socket, waits_until, losing: 0, doubling: 0 }
    }

    /// Numbers a dispatch and keeps it: discord.com/developers/docs/topics/gateway-events#payload-structure.
    pub(crate) fn dispatch(&mut self, name: &str, payload: &Value) {
        self.sequence += 1;
        let frame = json!({ "op": 0, "s": self.sequence, "t": name, "d": payload }).to_string();
        if self.sent.len() == self.sent_max {
            self.sent.pop_front();
        }
        self.sent.push_back((self.sequence, frame.into()));
    }

    /// An event, with the faults that were ordered.
    pub(crate) fn event(&mut self, name: &str, payload: &Value) {
        if self.losing > 0 {
            self.losing -= 1;
            return;
        }
        self.dispatch(name, payload);
        if self.doubling > 0 {
            self.doubling -= 1;
            self.dispatch(name, payload);
        }
    }

    /// What came after `sequence`; `None` where some of it is not kept any more.
    pub(crate) fn after(&self, sequence: u64) -> Option<Vec<Arc<str>>> {
        let first = self.sent.front().map_or(self.sequence + 1, |(number, _)| *number);
        let is_whole = sequence + 1 >= first && sequence <= self.sequence;
        let later = self.sent.iter().filter(|(number, _)| *number > sequence);
        is_whole.then(|| later.map(|(_, frame)| Arc::clone(frame)).collect())
    }
}
