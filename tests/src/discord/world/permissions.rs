//! Who may do what where: discord.com/developers/docs/topics/permissions.

use super::{Channel, Guild, Snowflake, World};

/// Bits of discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(pub u64);

impl Permissions {
    /// All of them, in every channel.
    pub const ADMINISTRATOR: Self = Self(1 << 3);
    /// A new emoji under a message.
    pub const ADD_REACTIONS: Self = Self(1 << 6);
    /// Being there at all.
    pub const VIEW_CHANNEL: Self = Self(1 << 10);
    /// Writing.
    pub const SEND_MESSAGES: Self = Self(1 << 11);
    /// Deleting what others wrote.
    pub const MANAGE_MESSAGES: Self = Self(1 << 13);
    /// Files.
    pub const ATTACH_FILES: Self = Self(1 << 15);
    /// Reading what was written before.
    pub const READ_MESSAGE_HISTORY: Self = Self(1 << 16);
    /// Threads that everybody sees.
    pub const CREATE_PUBLIC_THREADS: Self = Self(1 << 35);
    /// Writing in threads.
    pub const SEND_MESSAGES_IN_THREADS: Self = Self(1 << 38);
    /// What `@everyone` may do in a new guild, as far as the simulator asks.
    pub const USUAL: Self = Self(
        Self::ADD_REACTIONS.0
            | Self::VIEW_CHANNEL.0
            | Self::SEND_MESSAGES.0
            | Self::ATTACH_FILES.0
            | Self::READ_MESSAGE_HISTORY.0
            | Self::CREATE_PUBLIC_THREADS.0
            | Self::SEND_MESSAGES_IN_THREADS.0,
    );

    /// Whether all of `wanted` are among them.
    #[must_use]
    pub fn has(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    /// With those as well.
    #[must_use]
    pub fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Without those.
    #[must_use]
    pub fn without(self, fewer: Self) -> Self {
        Self(self.0 & !fewer.0)
    }
}

/// What a channel says otherwise, for a role or a member.
#[derive(Debug, Clone)]
pub(crate) struct Overwrite {
    /// Of a role or of a user.
    pub(crate) id: Snowflake,
    pub(crate) is_member: bool,
    pub(crate) allow: Permissions,
    pub(crate) deny: Permissions,
}

/// What owners and administrators may do.
const EVERYTHING: Permissions = Permissions(u64::MAX);

impl World {
    /// What `user` may do in a guild before its channels are asked: #permission-hierarchy.
    pub(crate) fn guild_permissions(&self, user: Snowflake, guild: &Guild) -> Permissions {
        let Some(member) = guild.members.get(&user) else { return Permissions::default() };
        let roles = guild.roles.iter().filter(|role| role.id == guild.id || member.roles.contains(&role.id));
        let base = roles.fold(Permissions::default(), |base, role| base.with(role.permissions));
        if guild.owner == user || base.has(Permissions::ADMINISTRATOR) { EVERYTHING } else { base }
    }

    /// What `user` may do in `channel`; a thread is as its parent. In the order of
    /// discord.com/developers/docs/topics/permissions#permission-overwrites: everybody, roles, member.
    pub(crate) fn permissions(&self, user: Snowflake, channel: &Channel) -> Permissions {
        let Some(guild) = channel.guild.and_then(|id| self.guilds.get(&id)) else {
            let all = Permissions::USUAL.with(Permissions::MANAGE_MESSAGES);
            return if channel.recipients.contains(&user) { all } else { Permissions::default() };
        };
        let Some(member) = guild.members.get(&user) else { return Permissions::default() };
        let mine = |id: Snowflake| id == guild.id || member.roles.contains(&id);
        let base = self.guild_permissions(user, guild);
        if base == EVERYTHING {
            return base;
        }
        let home = channel.parent.and_then(|id| self.channels.get(&id)).unwrap_or(channel);
        let step = |base: Permissions, applies: &dyn Fn(&&Overwrite) -> bool| {
            let (allow, deny) =
                home.overwrites.iter().filter(applies).fold(Default::default(), |(allow, deny), one| {
                    (Permissions::with(allow, one.allow), Permissions::with(deny, one.deny))
                });
            base.without(deny).with(allow)
        };
        let base = step(base, &|one| !one.is_member && one.id == guild.id);
        let base = step(base, &|one| !one.is_member && one.id != guild.id && mine(one.id));
        step(base, &|one| one.is_member && one.id == user)
    }
}
