//! The rules of the simulated Discord, each driven by raw requests and frames.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

mod answers;
mod faults;
mod handshake;
mod limits;
mod messages;
mod places;
mod sockets;

use std::time::Duration;

use tests::discord::{BotHandle, BotRules, Clock, DiscordBuilder, DiscordServer, Intents, Person, RawBot, Snowflake};

/// A guild with one channel, one person and one bot, on a clock that stands.
struct Scene {
    server: DiscordServer,
    clock: Clock,
    alice: Person,
    bot: BotHandle,
    raw: RawBot,
    guild: Snowflake,
    channel: Snowflake,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|builder| builder, BotRules::default()).await
    }

    /// Without limits, for tests of something else.
    async fn free() -> Self {
        Self::with(DiscordBuilder::without_limits, BotRules::default()).await
    }

    async fn with(build: impl FnOnce(DiscordBuilder) -> DiscordBuilder, rules: BotRules) -> Self {
        let clock = Clock::stopped();
        let builder = DiscordServer::builder(7).clock(&clock).flight(Duration::ZERO);
        let server = build(builder).start().await;
        let (alice, bot) = (server.add_user("alice"), server.add_bot("bot", rules));
        let guild = server.add_guild("home", &alice, &[bot.id]);
        let channel = server.add_channel(guild, "general");
        let raw = RawBot::new(&server, &bot);
        Self { server, clock, alice, bot, raw, guild, channel }
    }

    fn messages(&self) -> String {
        format!("/channels/{}/messages", self.channel)
    }

    fn message(&self, id: Snowflake) -> String {
        format!("/channels/{}/messages/{id}", self.channel)
    }
}

/// Messages and their content, in guilds and in private.
const READS: Intents = Intents(1 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 15);

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let server = DiscordServer::new(1).await;
    assert!(server.address().ip().is_loopback());
    assert!(server.rest_url().starts_with("http://127.0.0.1:") && server.gateway_url().starts_with("ws://127.0.0.1:"));
    let anywhere = DiscordServer::builder(1).address("0.0.0.0:0".parse().unwrap());
    let refused = tokio::task::JoinSet::from_iter([async { anywhere.start().await }]).join_next().await.unwrap();
    assert!(refused.is_err_and(|error| error.is_panic()), "only loopback is taken");
}
