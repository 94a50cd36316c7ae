//! A server with one person, one bot and one channel, and a model: where most tests take place.

use super::{BotHandle, BotRules, DiscordServer, Exchange, Person, Snowflake};
use crate::{ModelServer, Pair, Settings};

/// See the module.
pub struct Home {
    /// The simulated Discord.
    pub server: DiscordServer,
    /// The person.
    pub alice: Person,
    /// The bot, called crab.
    pub bot: BotHandle,
    /// The server.
    pub guild: Snowflake,
    /// Its channel.
    pub channel: Snowflake,
    /// What the bot thinks with.
    pub model: ModelServer,
}

impl Home {
    /// A new one, whose chance is from this seed.
    pub async fn new(seed: u64) -> Self {
        let server = DiscordServer::new(seed).await;
        let (alice, bot) = (server.add_user("alice"), server.add_bot("crab", BotRules::default()));
        let guild = server.add_guild("home", &alice, &[bot.id]);
        let channel = server.add_channel(guild, "general");
        Self { server, alice, bot, guild, channel, model: ModelServer::new().await }
    }

    /// What a process needs to be on this server with this bot, as the platform `name`.
    #[must_use]
    pub fn settings(&self, name: &str, bot: &BotHandle) -> Settings {
        let key = |key: &str| format!("SG_PLATFORM__{}__{key}", name.to_uppercase());
        [
            (key("TYPE"), "discord".to_owned()),
            (key("TOKEN"), bot.token.clone()),
            (key("API_URL"), self.server.rest_url()),
            ("SG_MODEL_BASE_URL".into(), self.model.base_url()),
            ("SG_MODEL_NAME".into(), ModelServer::MODEL.into()),
            ("SG_MEDIA__ALLOW".into(), "127.0.0.0/8".into()),
        ]
        .into()
    }

    /// A pair with the bot on this server, and with these settings beside.
    pub async fn pair(&self, more: Settings) -> Pair {
        let mut settings = self.settings("discord", &self.bot);
        settings.extend(more);
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Pair::with(&settings).await
    }

    /// Alice calls the bot.
    pub fn asks(&self, text: &str) -> Snowflake {
        self.alice.says(self.channel, &format!("<@{}> {text}", self.bot.id))
    }

    /// What the bot shows, oldest first.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        let seen = self.server.seen(self.channel).into_iter();
        let shown = seen.filter(|seen| !seen.is_deleted && seen.author == "crab");
        shown.map(|seen| if seen.is_thinking { "(thinking)".into() } else { seen.content }).collect()
    }

    /// Waits until this is all that the bot shows.
    pub async fn hears(&self, said: &[&str]) {
        self.server.wait(&format!("the bot says {said:?}"), |_| (self.said() == said).then_some(())).await;
    }

    /// How often the API was asked for such a thing, and answered that it is done.
    #[must_use]
    pub fn asked(&self, method: &str, path: &str) -> usize {
        let is_it = |exchange: &&Exchange| {
            exchange.method == method
                && exchange.path.contains(path)
                && exchange.status.is_some_and(|status| status < 300)
        };
        self.server.exchanges().iter().filter(is_it).count()
    }
}
