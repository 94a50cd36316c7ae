//! All sessions and sockets, and what each is to be told.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use serde_json::json;
use tokio::sync::Notify;

use super::{CloseCode, session::Session};
use crate::discord::{id::Snowflake, world::World};

/// How the gateway keeps time and how much it keeps. What the documents do not number is only said to be so here.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// discord.com/developers/docs/topics/gateway#heartbeat-interval.
    pub(crate) heartbeat: Duration,
    /// How long a session waits for RESUME: "timeout after a few minutes", #initiating-a-disconnect.
    pub(crate) resume_within: Duration,
    /// Dispatches that a session can replay; not documented.
    pub(crate) replay_max: usize,
    /// discord.com/developers/docs/topics/gateway#rate-limiting: identifies of one key per 5 s.
    pub(crate) identify_every: Duration,
    /// Guilds a shard may have before sharding is required: #sharding.
    pub(crate) shard_guilds_max: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(41_250),
            resume_within: Duration::from_secs(120),
            replay_max: 1_000,
            identify_every: Duration::from_secs(5),
            shard_guilds_max: 2_500,
        }
    }
}

/// What a socket's task is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Any frame that is no dispatch.
    Send(String),
    Close(u16, String),
    /// Without a close frame.
    Cut,
}

/// A socket as the hub knows it.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) session: Option<String>,
    /// The number of the last dispatch that went out here.
    pub(crate) sent: u64,
    /// Bounded by what a test orders, and by one ACK for each of 120 payloads.
    pub(crate) orders: VecDeque<Order>,
    /// Neither hears nor speaks, and is not closed either.
    pub(crate) is_stalled: bool,
    pub(crate) wake: Arc<Notify>,
}

#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) rules: Rules,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) wires: BTreeMap<u64, Wire>,
    next_wire: u64,
    /// By bot and `shard % max_concurrency`: when it last identified.
    pub(crate) identified: BTreeMap<(Snowflake, u64), Duration>,
    /// Identifies and resumes that were accepted: for tests to count.
    pub(crate) identifies: u64,
    pub(crate) resumes: u64,
    /// Closes that the gateway did, with their codes.
    pub(crate) closes: Vec<u16>,
}

impl Hub {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            sessions: BTreeMap::new(),
            wires: BTreeMap::new(),
            next_wire: 0,
            identified: BTreeMap::new(),
            identifies: 0,
            resumes: 0,
            closes: Vec::new(),
        }
    }

    /// Hands out what has happened in the world.
    pub(crate) fn deliver(&mut self, world: &mut World) {
        if world.events.is_empty() {
            return;
        }
        for event in std::mem::take(&mut world.events) {
            let now = world.clock.now();
            self.sessions.retain(|_, session| session.waits_until.is_none_or(|until| now < until));
            for session in self.sessions.values_mut() {
                if event.reaches(world, session.bot, session.intents, session.shard) {
                    session.event(event.name, &event.payload_for(session.bot, session.intents));
                }
            }
        }
        self.wires.values().for_each(|wire| wire.wake.notify_one());
    }

    /// A socket has come: its number, and what wakes its task.
    pub(crate) fn open(&mut self) -> (u64, Arc<Notify>) {
        self.next_wire += 1;
        let wire = Wire::default();
        let wake = Arc::clone(&wire.wake);
        self.wires.insert(self.next_wire, wire);
        (self.next_wire, wake)
    }

    /// A socket is gone. `ends_session` where that was meant to be for good.
    pub(crate) fn gone(&mut self, number: u64, ends_session: bool, now: Duration) {
        let Some(id) = self.wires.remove(&number).and_then(|wire| wire.session) else { return };
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.socket == Some(number)) else { return };
        session.socket = None;
        session.waits_until = Some(now + self.rules.resume_within);
        if ends_session {
            self.sessions.remove(&id);
        }
    }

    /// What the socket `number` has to do next: orders first, then dispatches.
    pub(crate) fn next(&mut self, number: u64) -> (Vec<Order>, Vec<Arc<str>>) {
        let Some(wire) = self.wires.get_mut(&number) else { return (vec![Order::Cut], Vec::new()) };
        if wire.is_stalled {
            // A cut goes through, or nothing would ever end it.
            let is_cut = wire.orders.contains(&Order::Cut);
            return (if is_cut { vec![Order::Cut] } else { Vec::new() }, Vec::new());
        }
        let orders = wire.orders.drain(..).collect();
        let Some(session) = wire.session.as_ref().and_then(|id| self.sessions.get(id)) else {
            return (orders, Vec::new());
        };
        match session.after(wire.sent) {
            Some(frames) => {
                wire.sent = session.sequence;
                (orders, frames)
            }
            // The client reads more slowly than it happens, and what it missed is not kept any more.
            None => (vec![close(CloseCode::SessionTimedOut)], Vec::new()),
        }
    }

    /// Orders something of one socket.
    pub(crate) fn order(&mut self, number: u64, order: Order) {
        if let Some(wire) = self.wires.get_mut(&number) {
            wire.orders.push_back(order);
            wire.wake.notify_one();
        }
    }

    /// The sockets of a bot that have a session.
    pub(crate) fn sockets(&self, bot: Snowflake) -> Vec<u64> {
        self.sessions.values().filter(|session| session.bot == bot).filter_map(|session| session.socket).collect()
    }

    /// Ends all sessions of a bot, and closes their sockets.
    pub(crate) fn expel(&mut self, bot: Snowflake, code: CloseCode) {
        for socket in self.sockets(bot) {
            self.order(socket, close(code));
        }
        self.sessions.retain(|_, session| session.bot != bot);
    }
}

pub(crate) fn close(code: CloseCode) -> Order {
    Order::Close(code.code(), code.reason().into())
}

/// discord.com/developers/docs/topics/gateway-events#invalid-session.
pub(crate) fn invalid_session(is_resumable: bool) -> Order {
    Order::Send(json!({ "op": 9, "d": is_resumable }).to_string())
}
