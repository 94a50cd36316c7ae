//! What a bot asked to hear of.

/// Bits of discord.com/developers/docs/topics/gateway#list-of-intents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Intents(pub u64);

impl Intents {
    /// Guilds, channels, threads.
    pub const GUILDS: (Self, Self) = (Self(1 << 0), Self(0));
    /// Who comes and goes; privileged.
    pub const GUILD_MEMBERS: (Self, Self) = (Self(1 << 1), Self(0));
    /// Messages: in guilds, and in private.
    pub const MESSAGES: (Self, Self) = (Self(1 << 9), Self(1 << 12));
    /// Reactions: in guilds, and in private.
    pub const REACTIONS: (Self, Self) = (Self(1 << 10), Self(1 << 13));
    /// Who is writing: in guilds, and in private.
    pub const TYPING: (Self, Self) = (Self(1 << 11), Self(1 << 14));
    /// Sent whatever was asked for.
    pub const ALWAYS: (Self, Self) = (Self(0), Self(0));
    /// What others wrote; privileged.
    pub const MESSAGE_CONTENT: Self = Self(1 << 15);
    /// Those that have to be turned on for an application: `GUILD_MEMBERS`, `GUILD_PRESENCES`, `MESSAGE_CONTENT`.
    pub const PRIVILEGED: Self = Self(1 << 1 | 1 << 8 | 1 << 15);
    /// Every bit that means something: 17 to 19, 22 and 23 do not.
    pub const ALL: Self = Self(0x1_FFFF | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25);

    /// Whether all of `wanted` are among them.
    #[must_use]
    pub fn has(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    /// Those that are not among `allowed`.
    #[must_use]
    pub fn beyond(self, allowed: Self) -> Self {
        Self(self.0 & !allowed.0)
    }
}
