//! Every name on the wire, made in one place from what the settings give.
//!
//! With more than one shard, each key that a shard's scripts touch carries the tag `{n}`, a Redis Cluster hash tag with the
//! shard's number, so that all of a shard lies in one slot. With one shard the tag and its colon are left out. What belongs to
//! a plain stream beside sharded ones has that stream's own name as its tag.

use std::{fmt, str::FromStr};

use crate::{
    Error,
    shard::{Shard, Shards},
};

/// The names that a deployment may choose. The defaults are the wire contract's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Stem of the inbound streams.
    pub inbound_stream: String,
    /// Consumer group of the workers.
    pub worker_group: String,
    /// Stem of the outbound streams; the platform's name follows.
    pub outbound_stream_prefix: String,
    /// Stem of the gateways' groups; the platform's name follows.
    pub gateway_group_prefix: String,
    /// The deployment's number of shards.
    pub shards: Shards,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            inbound_stream: "sg:stream:inbound".into(),
            worker_group: "sg:workers".into(),
            outbound_stream_prefix: "sg:stream:outbound".into(),
            gateway_group_prefix: "sg:gateway".into(),
            shards: Shards::DEFAULT,
        }
    }
}

/// What a process does with a shard: the name under which it leases it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Consumes the inbound stream: a worker.
    Inbound,
    /// Consumes the outbound stream of this platform: a gateway.
    Outbound(String),
    /// Consumes the plain inbound stream beside sharded ones: a worker, which puts each entry into its lane's shard.
    PlainInbound,
    /// Consumes this platform's plain outbound stream beside sharded ones: a gateway.
    PlainOutbound(String),
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inbound => f.write_str("inbound"),
            Self::Outbound(platform) => write!(f, "outbound:{platform}"),
            Self::PlainInbound => f.write_str("plain:inbound"),
            Self::PlainOutbound(platform) => write!(f, "plain:outbound:{platform}"),
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match (text, text.strip_prefix("outbound:"), text.strip_prefix("plain:outbound:")) {
            ("inbound", ..) => Ok(Self::Inbound),
            ("plain:inbound", ..) => Ok(Self::PlainInbound),
            (_, Some(platform), _) if !platform.is_empty() => Ok(Self::Outbound(platform.to_owned())),
            (_, _, Some(platform)) if !platform.is_empty() => Ok(Self::PlainOutbound(platform.to_owned())),
            _ => Err(Error::Setting(format!(
                "{text} is no role; there are inbound, outbound:<platform>, and both with plain: in front"
            ))),
        }
    }
}

impl Role {
    /// Whether it consumes a plain stream beside sharded ones.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::PlainInbound | Self::PlainOutbound(_))
    }

    /// The role of the plain stream beside this one's sharded ones.
    #[must_use]
    pub fn plain(&self) -> Self {
        match self {
            Self::Inbound | Self::PlainInbound => Self::PlainInbound,
            Self::Outbound(platform) | Self::PlainOutbound(platform) => Self::PlainOutbound(platform.clone()),
        }
    }
}

impl Names {
    /// Pub/sub channel on which a shard that was given up is announced, as `<role> <shard>`.
    pub const SHARD_NOTICES: &'static str = "sg:pubsub:shards";
    /// Pub/sub channel on which the inventory of a platform is asked for by its name, or that of all by nothing.
    pub const INVENTORY_NOTICES: &'static str = "sg:pubsub:inventory";
    /// Pub/sub channel that says that settings have changed and are to be read anew.
    pub const CONFIG_NOTICES: &'static str = "sg:pubsub:config";
    /// The names of notices begin with it. They go to every node of a cluster by plain PUBLISH, so that whoever writes one need not
    /// know of shards.
    const NOTICES: &'static str = "sg:pubsub:";
    /// Holds the number of shards that the deployment was laid out for.
    pub const TOPOLOGY: &'static str = "sg:topology";

    /// `prefix` + tag + `:` + `rest`, the tag left out when there is one shard.
    fn tagged(&self, prefix: &str, shard: Shard, rest: &str) -> String {
        let colon = if rest.is_empty() { "" } else { ":" };
        if self.shards.count() == 1 {
            format!("{prefix}{colon}{rest}")
        } else {
            format!("{prefix}:{{{shard}}}{colon}{rest}")
        }
    }

    /// As [`Names::tagged`], for what `role` keeps: of a plain stream the tag is its name.
    fn kept(&self, prefix: &str, role: &Role, shard: Shard, rest: &str) -> String {
        if role.is_plain() {
            let colon = if rest.is_empty() { "" } else { ":" };
            format!("{prefix}:{{{}}}{colon}{rest}", self.stream(role, shard))
        } else {
            self.tagged(prefix, shard, rest)
        }
    }

    /// As [`Names::kept`], with the role's name behind it where the tag does not tell it.
    fn leased(&self, prefix: &str, role: &Role, shard: Shard) -> String {
        let name = if role.is_plain() { String::new() } else { role.to_string() };
        self.kept(prefix, role, shard, &name)
    }

    /// The shards that `role` spreads over its members. A plain stream counts as one.
    pub fn shards_of(&self, role: &Role) -> impl Iterator<Item = Shard> + Clone + use<> {
        let count = if role.is_plain() { 1 } else { usize::from(self.shards.count()) };
        self.shards.all().take(count)
    }

    /// Whether plain streams lie beside the sharded ones. With one shard they are its streams.
    #[must_use]
    pub fn has_plain_streams(&self) -> bool {
        self.shards.count() > 1
    }

    /// The stream that `role` consumes on `shard`.
    #[must_use]
    pub fn stream(&self, role: &Role, shard: Shard) -> String {
        let outbound = |platform: &str| format!("{}:{platform}", self.outbound_stream_prefix);
        match role {
            Role::Inbound => self.tagged(&self.inbound_stream, shard, ""),
            Role::Outbound(platform) => self.tagged(&outbound(platform), shard, ""),
            Role::PlainInbound => self.inbound_stream.clone(),
            Role::PlainOutbound(platform) => outbound(platform),
        }
    }

    /// Who consumes `stream`, if it is one of `shard`'s.
    #[must_use]
    pub fn role_of(&self, stream: &str, shard: Shard) -> Option<Role> {
        let platform = || {
            let rest = stream.strip_prefix(&self.outbound_stream_prefix)?.strip_prefix(':')?;
            Some(Role::Outbound(rest.split(':').next()?.to_owned()))
        };
        [Some(Role::Inbound), platform()].into_iter().flatten().find(|role| self.stream(role, shard) == stream)
    }

    /// The consumer group of `role`.
    #[must_use]
    pub fn group(&self, role: &Role) -> String {
        match role {
            Role::Inbound | Role::PlainInbound => self.worker_group.clone(),
            Role::Outbound(platform) | Role::PlainOutbound(platform) => {
                format!("{}:{platform}", self.gateway_group_prefix)
            }
        }
    }

    /// Says who owns the shard. No TTL; compared whole by every write.
    #[must_use]
    pub fn fence(&self, role: &Role, shard: Shard) -> String {
        self.leased("sg:fence", role, shard)
    }

    /// Says until when others must not try to own the shard.
    #[must_use]
    pub fn lock(&self, role: &Role, shard: Shard) -> String {
        self.leased(if role.is_plain() { "sg:lock" } else { "sg:lock:shard" }, role, shard)
    }

    /// The live processes of a role.
    #[must_use]
    pub fn members(&self, role: &Role) -> String {
        format!("sg:members:{role}")
    }

    /// Lanes that were handed over with a running turn: to whom each was left, and until when.
    #[must_use]
    pub fn guests(&self, role: &Role, shard: Shard) -> String {
        self.leased("sg:guests", role, shard)
    }

    /// Failures and deaths by entry id.
    #[must_use]
    pub fn attempts(&self, role: &Role, shard: Shard) -> String {
        self.leased("sg:attempts", role, shard)
    }

    /// How many settlements were made: whoever was answered more of them knows that Redis forgot some.
    #[must_use]
    pub fn settled(&self, role: &Role, shard: Shard) -> String {
        self.leased("sg:settled", role, shard)
    }

    /// The two rotating sets of finished causes.
    #[must_use]
    pub fn done(&self, role: &Role, shard: Shard) -> [String; 2] {
        ["0", "1"].map(|set| self.kept("sg:done", role, shard, set))
    }

    /// Conversation of a lane.
    #[must_use]
    pub fn history(&self, role: &Role, shard: Shard, lane: &str) -> String {
        self.kept("sg:history", role, shard, lane)
    }

    /// What the turn of a cause notes of itself while it runs: a worker the results of its effects, a gateway how far its
    /// send is.
    #[must_use]
    pub fn notes(&self, role: &Role, shard: Shard, cause: &str) -> String {
        match role {
            Role::Inbound | Role::PlainInbound => self.kept("sg:journal", role, shard, cause),
            Role::Outbound(platform) => self.tagged("sg:sends", shard, &format!("{platform}:{cause}")),
            Role::PlainOutbound(_) => self.kept("sg:sends", role, shard, cause),
        }
    }

    /// Dead letters of a shard, whatever the role, or of a plain stream.
    #[must_use]
    pub fn dead_letters(&self, role: &Role, shard: Shard) -> String {
        self.kept("sg:stream:dlq", role, shard, "")
    }

    /// Whether a pub/sub channel belongs to the slot of its name, and so goes by SPUBLISH and SSUBSCRIBE.
    #[must_use]
    pub(crate) fn is_sharded_channel(&self, channel: &str) -> bool {
        self.shards.count() > 1 && !channel.starts_with(Self::NOTICES)
    }

    /// The command that publishes there.
    #[must_use]
    pub(crate) fn publish(&self, channel: &str) -> &'static str {
        if self.is_sharded_channel(channel) { "SPUBLISH" } else { "PUBLISH" }
    }

    /// Pub/sub channel of the previews of a platform's shard.
    #[must_use]
    pub fn previews(&self, platform: &str, shard: Shard) -> String {
        self.tagged(&format!("sg:preview:{platform}"), shard, "")
    }

    /// What is kept for people of a platform for a while, by when it came.
    #[must_use]
    pub(crate) fn shelf(&self, shard: Shard, platform: &str) -> String {
        self.tagged("sg:shelf", shard, platform)
    }

    /// How a bot's connections are divided over the processes that serve it.
    #[must_use]
    pub(crate) fn connections(name: &str) -> String {
        format!("sg:lock:connect:{name}")
    }

    /// When a bot's connections identified themselves last.
    #[must_use]
    pub(crate) fn identifies(name: &str) -> String {
        format!("sg:lock:identify:{name}")
    }

    /// How far each channel of a bot was read.
    #[must_use]
    pub(crate) fn watermarks(name: &str) -> String {
        format!("sg:watermarks:{name}")
    }

    /// Places of a bot that the processes serving it share.
    #[must_use]
    pub(crate) fn budget(name: &str) -> String {
        format!("sg:budget:{name}")
    }

    /// Which bucket each route of a bot has.
    #[must_use]
    pub(crate) fn buckets(name: &str) -> String {
        format!("sg:budget:{name}:routes")
    }

    /// Which buckets of a bot have no place left.
    #[must_use]
    pub(crate) fn closed_buckets(name: &str) -> String {
        format!("sg:budget:{name}:closed")
    }

    /// How many requests of a bot were refused lately.
    #[must_use]
    pub(crate) fn refused(name: &str) -> String {
        format!("sg:budget:{name}:refused")
    }

    /// What a platform can show and take, for whoever writes actions for it.
    #[must_use]
    pub fn capabilities(platform: &str) -> String {
        format!("sg:capabilities:{platform}")
    }

    /// The servers and channels that a platform's bot is in, as JSON.
    #[must_use]
    pub fn inventory(platform: &str) -> String {
        format!("sg:inventory:{platform}")
    }

    /// How a platform takes the answer to what a person used there, for as long as it does: a secret of that one use.
    #[must_use]
    pub fn interaction(platform: &str, id: u64) -> String {
        format!("sg:interaction:{platform}:{id}")
    }

    /// A file that travels beside the streams, or why it does not.
    #[must_use]
    pub(crate) fn media(&self, shard: Shard, id: &str) -> String {
        self.tagged("sg:media", shard, id)
    }

    /// Log of what a WebChat conversation shows. Also the name of the pub/sub channel that announces its entries.
    #[must_use]
    pub fn webchat_log(&self, shard: Shard, chat: &str) -> String {
        self.tagged("sg:webchat", shard, chat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(names: &Names, number: usize) -> Shard {
        names.shards.all().nth(number).unwrap()
    }

    #[test]
    fn sharded_names_carry_the_tag() {
        let names = Names::default();
        let (n, role) = (shard(&names, 7), Role::Outbound("discord".into()));
        assert_eq!(names.stream(&Role::Inbound, n), "sg:stream:inbound:{7}");
        assert_eq!(names.stream(&role, n), "sg:stream:outbound:discord:{7}");
        assert_eq!(names.group(&role), "sg:gateway:discord");
        assert_eq!(names.fence(&role, n), "sg:fence:{7}:outbound:discord");
        assert_eq!(names.lock(&Role::Inbound, n), "sg:lock:shard:{7}:inbound");
        assert_eq!(names.history(&Role::Inbound, n, "discord:1"), "sg:history:{7}:discord:1");
        assert_eq!(names.done(&Role::Inbound, n), ["sg:done:{7}:0", "sg:done:{7}:1"]);
        assert_eq!(names.settled(&role, n), "sg:settled:{7}:outbound:discord");
        assert_eq!(names.guests(&role, n), "sg:guests:{7}:outbound:discord");
        assert_eq!(names.notes(&Role::Inbound, n, "discord:1"), "sg:journal:{7}:discord:1");
        assert_eq!(names.notes(&role, n, "discord:1:0"), "sg:sends:{7}:discord:discord:1:0");
        assert_eq!(names.dead_letters(&role, n), "sg:stream:dlq:{7}");
        assert_eq!(names.previews("webchat", n), "sg:preview:webchat:{7}");
        assert_eq!(names.webchat_log(n, "abc"), "sg:webchat:{7}:abc");
        assert_eq!(names.publish(&names.previews("webchat", n)), "SPUBLISH");
        assert_eq!(names.publish(Names::INVENTORY_NOTICES), "PUBLISH");
        assert_eq!(names.publish(Names::SHARD_NOTICES), "PUBLISH");
    }

    #[test]
    fn a_stream_tells_its_role() {
        for shards in [1, 16] {
            let names = Names { shards: Shards::new(shards).unwrap(), ..Names::default() };
            let n = shard(&names, usize::from(shards) - 1);
            for role in [Role::Inbound, Role::Outbound("discord".into())] {
                assert_eq!(names.role_of(&names.stream(&role, n), n), Some(role));
            }
            for other in ["sg:stream:outbound", "sg:stream:dlq", "sg:stream:outbound:discord:{3}", ""] {
                assert_eq!(names.role_of(other, n), None, "{other}");
            }
        }
    }

    #[test]
    fn one_shard_has_the_original_names() {
        let names = Names { shards: Shards::new(1).unwrap(), ..Names::default() };
        let n = shard(&names, 0);
        assert_eq!(names.stream(&Role::Inbound, n), "sg:stream:inbound");
        assert_eq!(names.stream(&Role::Outbound("webchat".into()), n), "sg:stream:outbound:webchat");
        assert_eq!(names.fence(&Role::Inbound, n), "sg:fence:inbound");
        assert_eq!(names.attempts(&Role::Inbound, n), "sg:attempts:inbound");
        assert_eq!(names.dead_letters(&Role::Inbound, n), "sg:stream:dlq");
        assert!(!names.has_plain_streams());
    }

    #[test]
    fn a_plain_stream_is_its_own_tag() {
        let names = Names::default();
        let (n, role) = (shard(&names, 0), Role::Outbound("discord".into()).plain());
        assert_eq!(names.shards_of(&role).collect::<Vec<_>>(), [n]);
        assert_eq!(names.stream(&role, n), "sg:stream:outbound:discord");
        assert_eq!(names.group(&role), "sg:gateway:discord");
        assert_eq!(names.fence(&role, n), "sg:fence:{sg:stream:outbound:discord}");
        assert_eq!(names.lock(&role, n), "sg:lock:{sg:stream:outbound:discord}");
        assert_eq!(names.attempts(&Role::PlainInbound, n), "sg:attempts:{sg:stream:inbound}");
        assert_eq!(names.notes(&role, n, "c:0"), "sg:sends:{sg:stream:outbound:discord}:c:0");
        assert_eq!(names.dead_letters(&role, n), "sg:stream:dlq:{sg:stream:outbound:discord}");
        assert_eq!(names.members(&role), "sg:members:plain:outbound:discord");
        for role in [Role::Inbound, role, Role::PlainInbound, Role::Outbound("a".into())] {
            assert_eq!(role.to_string().parse::<Role>().unwrap(), role);
        }
        for bad in ["", "outbound:", "plain", "gateway"] {
            assert!(bad.parse::<Role>().is_err(), "{bad}");
        }
    }
}
