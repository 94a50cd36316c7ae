//! One socket: its handshake, its heart, and how it ends.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};

use super::{
    CloseCode, Intents, handshake,
    hub::{Order, close},
    packing::Packing,
};
use crate::discord::state::{Shared, State};

/// discord.com/developers/docs/topics/gateway#rate-limiting.
const SENDS_MAX: usize = 120;
const SENDS_WINDOW: Duration = Duration::from_secs(60);
/// discord.com/developers/docs/topics/gateway-events#send-events: "the payload must not exceed 4096 bytes".
const PAYLOAD_MAX: usize = 4096;

/// What a client asked for in the address.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) version: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) compress: Option<String>,
}

impl Wanted {
    /// discord.com/developers/docs/topics/gateway#connecting-gateway-url-query-string-params.
    pub(crate) fn of(query: &str) -> Self {
        let part = |name: &str| {
            let value = query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        Self { version: part("v"), encoding: part("encoding"), compress: part("compress") }
    }
}

/// How a socket ended, as far as its session cares.
struct Ended {
    session_too: bool,
}

/// Serves a socket to its end.
pub(crate) async fn serve(mut socket: WebSocket, wanted: Wanted, shared: Arc<Shared>) {
    let packing = Packing::of(wanted.compress.as_deref());
    let is_json = wanted.encoding.is_none_or(|encoding| encoding == "json");
    if wanted.version.is_none_or(|version| version != "10") {
        return shut(&mut socket, &shared, close(CloseCode::InvalidVersion)).await;
    }
    let Some(packing) = packing.filter(|_| is_json) else {
        let reason = "The simulator speaks JSON, plain or with zlib-stream.".to_owned();
        return shut(&mut socket, &shared, Order::Close(CloseCode::DecodeError.code(), reason)).await;
    };
    let (number, wake) = shared.with(|state| state.hub.open());
    let mut connection = Connection { number, socket, packing, received: VecDeque::new(), heard: shared.clock.now() };
    let ended = connection.run(&shared, &wake).await;
    shared.with(|state| {
        let now = state.world.clock.now();
        state.hub.gone(number, ended.session_too, now);
    });
}

/// Closes with a code; nothing where the order is to cut.
async fn shut(socket: &mut WebSocket, shared: &Shared, order: Order) {
    if let Order::Close(code, reason) = order {
        shared.with(|state| state.hub.closes.push(code));
        // A client that is gone needs no close frame.
        let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    }
}

struct Connection {
    number: u64,
    socket: WebSocket,
    packing: Packing,
    /// When the last payloads came; at most [`SENDS_MAX`].
    received: VecDeque<Duration>,
    /// The last heartbeat.
    heard: Duration,
}

impl Connection {
    async fn run(&mut self, shared: &Arc<Shared>, wake: &tokio::sync::Notify) -> Ended {
        let heartbeat = shared.with(|state| state.hub.rules.heartbeat);
        let hello = json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": heartbeat.as_millis() as u64, "_trace": [] } });
        shared.with(|state| state.hub.order(self.number, Order::Send(hello.to_string())));
        loop {
            if let Some(ended) = self.send_all(shared).await {
                return ended;
            }
            let deadline = self.deadline(shared);
            let message = tokio::select! {
                // Orders first, so that a stop is not held up by a client that talks.
                biased;
                () = wake.notified() => continue,
                message = self.socket.recv() => message,
                () = shared.clock.reach(deadline) => {
                    if shared.look(|state| state.hub.wires.get(&self.number).is_some_and(|wire| wire.is_stalled)) {
                        self.heard = shared.clock.now();
                        continue;
                    }
                    shut(&mut self.socket, shared, close(CloseCode::SessionTimedOut)).await;
                    // It can be resumed for a while: #sending-heartbeats.
                    return Ended { session_too: false };
                }
            };
            match message {
                Some(Ok(Message::Text(text))) => self.received(shared, text.as_bytes()),
                Some(Ok(Message::Binary(bytes))) => self.received(shared, &bytes),
                // discord.com/developers/docs/topics/gateway#initiating-a-disconnect.
                Some(Ok(Message::Close(frame))) => {
                    return Ended { session_too: frame.is_some_and(|frame| matches!(frame.code, 1000 | 1001)) };
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ended { session_too: false },
            }
        }
    }

    /// Sends all that is due. How it ended, if it did.
    async fn send_all(&mut self, shared: &Arc<Shared>) -> Option<Ended> {
        let (orders, frames) = shared.with(|state| state.hub.next(self.number));
        for order in orders {
            match order {
                Order::Send(frame) => {
                    if !self.send(shared, &frame).await {
                        return Some(Ended { session_too: false });
                    }
                }
                Order::Cut => return Some(Ended { session_too: false }),
                Order::Close(code, _) => {
                    let ends = CloseCode::ALL.iter().any(|known| known.code() == code && known.ends_session());
                    shut(&mut self.socket, shared, order).await;
                    return Some(Ended { session_too: ends });
                }
            }
        }
        for frame in frames {
            if !self.send(shared, &frame).await {
                return Some(Ended { session_too: false });
            }
        }
        None
    }

    /// Whether it went out. Who does not read until the next heartbeat is due is given up.
    async fn send(&mut self, shared: &Shared, frame: &str) -> bool {
        let (message, deadline) = (self.packing.pack(frame), self.deadline(shared));
        tokio::select! {
            biased;
            sent = self.socket.send(message) => sent.is_ok(),
            () = shared.clock.reach(deadline) => false,
        }
    }

    /// "There is already tolerance": half an interval. After it, the connection is closed:
    /// discord.com/developers/docs/topics/gateway#heartbeat-interval.
    fn deadline(&self, shared: &Shared) -> Duration {
        self.heard + shared.look(|state| state.hub.rules.heartbeat) * 3 / 2
    }

    /// Takes one payload in.
    fn received(&mut self, shared: &Arc<Shared>, bytes: &[u8]) {
        let now = shared.clock.now();
        while self.received.front().is_some_and(|at| *at + SENDS_WINDOW <= now) {
            self.received.pop_front();
        }
        self.received.push_back(now);
        let order = if self.received.len() > SENDS_MAX {
            Some(close(CloseCode::RateLimited))
        } else if bytes.len() > PAYLOAD_MAX {
            Some(close(CloseCode::DecodeError))
        } else {
            match serde_json::from_slice::<Value>(bytes) {
                Ok(payload) => shared.with(|state| self.take(state, &payload)),
                Err(_) => Some(close(CloseCode::DecodeError)),
            }
        };
        if let Some(order) = order {
            shared.with(|state| state.hub.order(self.number, order));
        }
    }

    /// By discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes.
    fn take(&mut self, state: &mut State, payload: &Value) -> Option<Order> {
        let wire = state.hub.wires.get(&self.number)?;
        if wire.is_stalled {
            return None;
        }
        let session = wire.session.clone();
        let Some(op) = payload["op"].as_u64() else { return Some(close(CloseCode::DecodeError)) };
        match (op, &session) {
            (1, _) => {
                self.heard = state.world.clock.now();
                Some(Order::Send(json!({ "op": 11, "s": null, "t": null, "d": null }).to_string()))
            }
            (2 | 6, Some(_)) => Some(close(CloseCode::AlreadyAuthenticated)),
            (2, None) => {
                if payload["d"]["compress"] == true {
                    self.packing.compress_payloads();
                }
                handshake::identify(state, self.number, &payload["d"])
            }
            (6, None) => handshake::resume(state, self.number, &payload["d"]),
            (3 | 4 | 8 | 31, None) => Some(close(CloseCode::NotAuthenticated)),
            (3 | 4 | 31, Some(_)) => None,
            (8, Some(session)) => request_members(state, session, &payload["d"]),
            _ => Some(close(CloseCode::UnknownOpcode)),
        }
    }
}

/// discord.com/developers/docs/topics/gateway-events#request-guild-members, answered in one chunk.
fn request_members(state: &mut State, session: &str, asked: &Value) -> Option<Order> {
    let State { world, hub, .. } = state;
    let session = hub.sessions.get_mut(session)?;
    let guild = crate::discord::Snowflake::of(&asked["guild_id"]).and_then(|id| world.guilds.get(&id))?;
    let wants_all = asked["query"] == "" && asked["limit"] == 0;
    if wants_all && !session.intents.has(Intents::GUILD_MEMBERS.0) {
        return None;
    }
    let query = asked["query"].as_str().unwrap_or_default();
    let named =
        |user: &&crate::discord::Snowflake| world.users.get(user).is_some_and(|user| user.name.starts_with(query));
    let members: Vec<_> =
        guild.members.keys().filter(named).filter_map(|&user| world.member_json(guild.id, user, true)).collect();
    let chunk = json!({
        "guild_id": guild.id, "members": members, "chunk_index": 0, "chunk_count": 1, "not_found": [], "nonce": asked["nonce"],
    });
    session.dispatch("GUILD_MEMBERS_CHUNK", &chunk);
    if let Some(wire) = session.socket.and_then(|socket| hub.wires.get(&socket)) {
        wire.wake.notify_one();
    }
    None
}
