//! Why the gateway closes a socket.

/// The table of discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// Something went wrong; reconnect.
    UnknownError = 4000,
    /// No such opcode, or not with this payload.
    UnknownOpcode = 4001,
    /// Not readable.
    DecodeError = 4002,
    /// Something came before IDENTIFY.
    NotAuthenticated = 4003,
    /// No such token.
    AuthenticationFailed = 4004,
    /// IDENTIFY a second time.
    AlreadyAuthenticated = 4005,
    /// RESUME from a number that was never sent.
    InvalidSequence = 4007,
    /// Too many payloads.
    RateLimited = 4008,
    /// Silent for too long; a new session is needed.
    SessionTimedOut = 4009,
    /// No such shard.
    InvalidShard = 4010,
    /// Too many guilds for so few shards.
    ShardingRequired = 4011,
    /// No such version.
    InvalidVersion = 4012,
    /// Bits that are no intents.
    InvalidIntents = 4013,
    /// Intents that are not turned on for this application.
    DisallowedIntents = 4014,
}

impl CloseCode {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::UnknownError,
        Self::UnknownOpcode,
        Self::DecodeError,
        Self::NotAuthenticated,
        Self::AuthenticationFailed,
        Self::AlreadyAuthenticated,
        Self::InvalidSequence,
        Self::RateLimited,
        Self::SessionTimedOut,
        Self::InvalidShard,
        Self::ShardingRequired,
        Self::InvalidVersion,
        Self::InvalidIntents,
        Self::DisallowedIntents,
    ];

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        self as u16
    }

    /// Whether the table says that a client may come back at all.
    #[must_use]
    pub fn may_reconnect(self) -> bool {
        !matches!(
            self,
            Self::AuthenticationFailed
                | Self::InvalidShard
                | Self::ShardingRequired
                | Self::InvalidVersion
                | Self::InvalidIntents
                | Self::DisallowedIntents
        )
    }

    /// Whether the session is over, so that coming back needs a new one.
    #[must_use]
    pub fn ends_session(self) -> bool {
        !self.may_reconnect() || matches!(self, Self::InvalidSequence | Self::SessionTimedOut)
    }

    /// What the close frame says.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::UnknownError => "Unknown error.",
            Self::UnknownOpcode => "Unknown opcode.",
            Self::DecodeError => "Error while decoding payload.",
            Self::NotAuthenticated => "Not authenticated.",
            Self::AuthenticationFailed => "Authentication failed.",
            Self::AlreadyAuthenticated => "Already authenticated.",
            Self::InvalidSequence => "Invalid seq.",
            Self::RateLimited => "Rate limited.",
            Self::SessionTimedOut => "Session timed out.",
            Self::InvalidShard => "Invalid shard.",
            Self::ShardingRequired => "Sharding required.",
            Self::InvalidVersion => "Invalid API version.",
            Self::InvalidIntents => "Invalid intent(s).",
            Self::DisallowedIntents => "Disallowed intent(s).",
        }
    }
}
