//! One socket of a shard of Discord's, from its first frame to its end.
//! <https://discord.com/developers/docs/events/gateway#connection-lifecycle>

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use serenity::model::gateway::GatewayIntents;
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Shards,
    gate::jitter,
    refusal::End,
    wire::{Came, Frame, Wire},
};
use crate::platform::discord::gap::Gaps;

/// How long Discord may take to greet, and then to begin or to resume a session.
const HELLO_WITHIN: Duration = Duration::from_secs(15);
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Where nothing was heard since the last heartbeat, what is there is read for so long before the socket counts as dead.
const LATE: Duration = Duration::from_secs(1);
/// Heartbeats are no closer than this, whatever is asked for.
const HEARTBEAT_MIN: Duration = Duration::from_millis(100);
/// Presences of a socket are this far apart; of several that come the last is shown. Discord takes five in 20 s.
const SHOW_EVERY: Duration = Duration::from_secs(5);

/// Operations: <https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes>.
const DISPATCH: u64 = 0;
const HEARTBEAT: u64 = 1;
const IDENTIFY: u64 = 2;
const PRESENCE: u64 = 3;
const RESUME: u64 = 6;
const RECONNECT: u64 = 7;
const INVALID_SESSION: u64 = 9;
const HELLO: u64 = 10;
const ACK: u64 = 11;

/// What a session can be gone on with by.
#[derive(Debug, Clone)]
pub(super) struct Session {
    id: String,
    /// Where it is gone on with.
    pub(super) url: String,
    /// The last event that was taken.
    seq: u64,
}

/// A socket that was greeted.
pub(super) struct Socket {
    wire: Wire,
    heartbeat: Duration,
}

impl Socket {
    pub(super) async fn open(url: &str) -> Result<Self, String> {
        let mut wire = Wire::open(url).await?;
        match timeout(HELLO_WITHIN, wire.next()).await {
            Ok(Came::Frame(Frame { op: HELLO, d, .. })) => {
                let heartbeat = d["heartbeat_interval"].as_u64().map_or(HEARTBEAT_MIN, Duration::from_millis);
                Ok(Self { wire, heartbeat: heartbeat.max(HEARTBEAT_MIN) })
            }
            Ok(came) => Err(format!("{url} did not greet: {came:?}")),
            Err(_) => Err(format!("{url} did not greet within {HELLO_WITHIN:?}")),
        }
    }

    pub(super) async fn identify(&mut self, shards: &Shards, shard: u32) -> Result<(), String> {
        let intents = intents(shards.shared.settings.message_content).bits();
        let name = "stargazer";
        let properties = json!({ "os": "linux", "browser": name, "device": name });
        let data = json!({
            "token": shards.shared.token(), "intents": intents, "shard": [shard, shards.of], "compress": true,
            "properties": properties,
        });
        self.wire.send(IDENTIFY, &data).await
    }

    pub(super) async fn resume(&mut self, shards: &Shards, session: &Session) -> Result<(), String> {
        let data = json!({ "token": shards.shared.token(), "session_id": session.id, "seq": session.seq });
        self.wire.send(RESUME, &data).await
    }
}

fn intents(message_content: bool) -> GatewayIntents {
    let needed = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::GUILD_MESSAGE_REACTIONS
        | GatewayIntents::DIRECT_MESSAGES
        | GatewayIntents::DIRECT_MESSAGE_REACTIONS;
    if message_content { needed | GatewayIntents::MESSAGE_CONTENT } else { needed }
}

/// A socket at work. Nothing but reading, stamping and handing over is done for an event here.
pub(super) struct Listening<'a> {
    pub(super) shards: &'a Shards,
    pub(super) shard: u32,
    pub(super) socket: Socket,
    pub(super) session: &'a mut Option<Session>,
    pub(super) gaps: &'a Arc<Gaps>,
    /// When its session was begun or resumed.
    pub(super) since: Option<Instant>,
}

impl Listening<'_> {
    /// Until it is of no use any more.
    pub(super) async fn run(&mut self) -> End {
        let mut shown = self.shards.shared.presence.follow();
        let (mut has_to_show, mut show_at) = (shown.borrow_and_update().is_some(), Instant::now());
        let ready_by = Instant::now() + READY_WITHIN;
        let (mut is_heard, mut is_late) = (true, false);
        let mut beat_at = Instant::now() + jitter(self.socket.heartbeat);
        loop {
            let is_ready = self.since.is_some();
            tokio::select! {
                biased;
                () = sleep_until(beat_at) => {
                    if !is_heard && !is_late {
                        // This process may have slept, and what came meanwhile is not read yet.
                        (is_late, beat_at) = (true, Instant::now() + LATE);
                        continue;
                    }
                    // A socket on which nothing comes is dead, whatever the machine thinks of it.
                    if !is_heard || self.beat().await.is_err() {
                        return self.broken();
                    }
                    (is_heard, is_late) = (false, false);
                    beat_at = Instant::now() + self.socket.heartbeat;
                }
                () = sleep_until(ready_by), if !is_ready => return self.broken(),
                // Ends with the adapter alone.
                _ = shown.changed() => has_to_show = true,
                () = sleep_until(show_at), if has_to_show && is_ready => {
                    (has_to_show, show_at) = (false, Instant::now() + SHOW_EVERY);
                    let presence = shown.borrow_and_update().clone();
                    if let Some(presence) = presence && self.socket.wire.send(PRESENCE, &presence).await.is_err() {
                        return self.broken();
                    }
                }
                came = self.socket.wire.next() => {
                    let frame = match came {
                        Came::Frame(frame) => frame,
                        Came::Closed(code) => {
                            tracing::debug!(shard = self.shard, code, "discord's gateway closed");
                            let end = End::of(code);
                            return if end == End::Resume { self.broken() } else { end };
                        }
                    };
                    // Whatever it is, somebody is there.
                    is_heard = true;
                    match frame.op {
                        DISPATCH => self.dispatch(frame),
                        HEARTBEAT => match self.beat().await {
                            Ok(()) => {}
                            Err(_) => return self.broken(),
                        },
                        ACK => {}
                        RECONNECT => return self.broken(),
                        INVALID_SESSION if frame.d == true => return self.broken(),
                        INVALID_SESSION => return End::Anew,
                        _ => {}
                    }
                }
            }
        }
    }

    /// How it goes on after a socket that is no good.
    fn broken(&self) -> End {
        if self.session.is_some() { End::Resume } else { End::Anew }
    }

    async fn beat(&mut self) -> Result<(), String> {
        let seq = self.session.as_ref().map_or(Value::Null, |session| session.seq.into());
        self.socket.wire.send(HEARTBEAT, &seq).await
    }

    fn dispatch(&mut self, frame: Frame) {
        let (Some(kind), data) = (frame.t, frame.d) else { return };
        match kind.as_str() {
            "READY" => {
                let url = data["resume_gateway_url"].as_str();
                let session = Session {
                    id: data["session_id"].as_str().unwrap_or_default().to_owned(),
                    url: self.shards.resume_url(url),
                    seq: 0,
                };
                *self.session = Some(session);
                self.connected();
                self.gaps.begin(&self.shards.shared);
            }
            "RESUMED" => {
                let platform = self.shards.shared.name.to_string();
                metrics::counter!("stargazer_discord_resumes_total", "platform" => platform).increment(1);
                self.connected();
            }
            _ => self.shards.take(self.gaps, kind, data),
        }
        if let (Some(session), Some(seq)) = (self.session.as_mut(), frame.s) {
            session.seq = seq;
        }
    }

    fn connected(&mut self) {
        self.since = Some(Instant::now());
        self.shards.set_connected(self.shard, true);
    }
}
