//! What a test does to sockets and sessions.

use serde_json::json;

use super::{
    faults::SocketFault,
    gateway::{CloseCode, Hub, Order, invalid_session},
    id::Snowflake,
    server::DiscordServer,
};

impl DiscordServer {
    /// Does to the bot's sockets what the seed draws next, and says what it was: a client has to come through all of it.
    pub fn disturb(&self, bot: Snowflake) -> SocketFault {
        let fault = self.shared.with(|state| state.faults.draw_socket());
        self.befall(bot, fault);
        fault
    }

    /// Does this to the bot's sockets.
    pub fn befall(&self, bot: Snowflake, fault: SocketFault) {
        match fault {
            SocketFault::Close(code) => {
                let known = CloseCode::ALL.into_iter().find(|known| known.code() == code);
                self.close(bot, code, known.map_or("", CloseCode::reason));
            }
            SocketFault::Cut => self.cut(bot),
            SocketFault::Stall => self.stall(bot),
            SocketFault::Reconnect => self.reconnect(bot),
            SocketFault::Invalidate(is_resumable) => self.invalidate(bot, is_resumable),
            SocketFault::Lose(events) => self.lose(bot, events),
            SocketFault::Double(events) => self.double(bot, events),
        }
    }

    /// Closes all sockets of a bot with a code. By discord.com/developers/docs/topics/opcodes-and-status-codes the code says whether
    /// its sessions can be resumed.
    pub fn close(&self, bot: Snowflake, code: u16, reason: &str) {
        self.order(bot, &Order::Close(code, reason.to_owned()));
    }

    /// Ends all sockets of a bot without a close frame.
    pub fn cut(&self, bot: Snowflake) {
        self.order(bot, &Order::Cut);
    }

    /// RECONNECT: discord.com/developers/docs/topics/gateway-events#reconnect.
    pub fn reconnect(&self, bot: Snowflake) {
        self.order(bot, &Order::Send(json!({ "op": 7, "d": null }).to_string()));
    }

    /// RECONNECT to every socket of every bot, as when the platform rolls out a new version.
    pub fn reconnect_wave(&self) {
        let bots: Vec<_> = self.shared.look(|state| state.world.bots.keys().copied().collect());
        bots.into_iter().for_each(|bot| self.reconnect(bot));
    }

    /// Asks for a heartbeat at once: discord.com/developers/docs/topics/gateway#heartbeat-requests.
    pub fn ask_heartbeat(&self, bot: Snowflake) {
        self.order(bot, &Order::Send(json!({ "op": 1, "d": null }).to_string()));
    }

    /// `INVALID_SESSION`: discord.com/developers/docs/topics/gateway-events#invalid-session.
    pub fn invalidate(&self, bot: Snowflake, is_resumable: bool) {
        self.order(bot, &invalid_session(is_resumable));
        if !is_resumable {
            self.forget(bot);
        }
    }

    /// Sends who begins a session to another address for resuming it, as READY may by
    /// discord.com/developers/docs/topics/gateway#resuming.
    pub fn resume_at(&self, url: &str) {
        self.shared.with(|state| state.resume_url = Some(url.to_owned()));
    }

    /// Forgets the sessions of a bot, so that RESUME is refused; its sockets stay and hear nothing.
    pub fn forget(&self, bot: Snowflake) {
        self.shared.with(|state| {
            for socket in state.hub.sockets(bot) {
                if let Some(wire) = state.hub.wires.get_mut(&socket) {
                    wire.session = None;
                }
            }
            state.hub.sessions.retain(|_, session| session.bot != bot);
        });
    }

    /// The bot's sockets neither hear nor speak from now on, and stay open: no ACK comes.
    pub fn stall(&self, bot: Snowflake) {
        self.shared.with(|state| {
            for socket in state.hub.sockets(bot) {
                if let Some(wire) = state.hub.wires.get_mut(&socket) {
                    wire.is_stalled = true;
                }
            }
        });
    }

    /// The next `events` of each session of the bot are lost, as it happens on the platform's side (discord-api-docs#8162): no
    /// gap in the numbers tells of it, and RESUME does not bring them.
    pub fn lose(&self, bot: Snowflake, events: u64) {
        self.sessions(bot, |session| session.losing = events);
    }

    /// Loses everything until the bot identifies again.
    pub fn gap(&self, bot: Snowflake) {
        self.lose(bot, u64::MAX);
    }

    /// The next `events` of each session of the bot come twice, each with a number of its own.
    pub fn double(&self, bot: Snowflake, events: u64) {
        self.sessions(bot, |session| session.doubling = events);
    }

    /// The bot has grown: so many shards are recommended, and its sessions with fewer are closed as overcrowded:
    /// discord.com/developers/docs/topics/gateway#sharding.
    pub fn outgrows(&self, bot: Snowflake, shards: u64) {
        self.shared.with(|state| {
            if let Some(bot) = state.world.bots.get_mut(&bot) {
                (bot.shards, bot.shards_min) = (shards, shards);
            }
        });
        self.close(bot, CloseCode::ShardingRequired.code(), CloseCode::ShardingRequired.reason());
    }

    /// How many sockets the bot has that identified or resumed.
    #[must_use]
    pub fn sockets(&self, bot: Snowflake) -> usize {
        self.shared.look(|state| state.hub.sockets(bot).len())
    }

    /// Identifies that were accepted, of all bots.
    #[must_use]
    pub fn identifies(&self) -> u64 {
        self.shared.look(|state| state.hub.identifies)
    }

    /// Resumes that were accepted, of all bots.
    #[must_use]
    pub fn resumes(&self) -> u64 {
        self.shared.look(|state| state.hub.resumes)
    }

    /// The codes with which the gateway closed sockets so far.
    #[must_use]
    pub fn closes(&self) -> Vec<u16> {
        self.shared.look(|state| state.hub.closes.clone())
    }

    fn order(&self, bot: Snowflake, order: &Order) {
        self.shared.with(|state| {
            for socket in state.hub.sockets(bot) {
                state.hub.order(socket, order.clone());
            }
        });
    }

    fn sessions(&self, bot: Snowflake, mut change: impl FnMut(&mut super::gateway::Session)) {
        self.shared.with(|state| {
            let Hub { sessions, .. } = &mut state.hub;
            sessions.values_mut().filter(|session| session.bot == bot).for_each(&mut change);
        });
    }
}
