//! What is asked before the bot connects: whether its token is good, who it is, and how it is to connect.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::Value;
use service::is_local;

use super::{
    Shared,
    connection::StartLimit,
    event::id,
    rest::{Ask, Failure},
};
use crate::{pacing::Rank, platform::RunError};

/// Connections that all gateways of a bot open together: one for some thousand servers.
const SHARDS_MAX: u32 = 1_024;

/// How to connect.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) url: String,
    pub(super) shards: u32,
    pub(super) limit: StartLimit,
}

impl Gateway {
    /// The same with as many shards as others have, where they do.
    pub(super) fn with_shards(self, others: Option<u32>) -> Self {
        Self { shards: others.unwrap_or(self.shards), ..self }
    }
}

/// Why there is nothing to connect to.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// As long as nobody changes anything.
    ForGood(RunError),
    ForNow(RunError),
}

impl Shared {
    /// Asks for all of it, so that what is wrong is said in one line, and before there is a login.
    pub(super) async fn prepare(&self) -> Result<Gateway, NotStarted> {
        let me = self.ask_first("users/@me", "GET /users/@me").await?;
        let malformed =
            |what: &str| for_now(format!("{} answered without {what}; is it Discord?", self.settings.api_url));
        self.me.store(id(&me["id"]).ok_or_else(|| malformed("the bot's id"))?, Ordering::Relaxed);
        let gateway = self.ask_first("gateway/bot", "GET /gateway/bot").await?;
        let limit = StartLimit::of(&gateway);
        if limit.remaining == 0 {
            let minutes = limit.reset_after.as_secs() / 60;
            return Err(for_now(format!(
                "the bot has connected too often today; Discord lets it again in {minutes} minutes"
            )));
        }
        let told = gateway["url"].as_str().filter(|url| url.starts_with("ws")).map(str::to_owned);
        let url = self.settings.gateway_url.clone().or(told).ok_or_else(|| malformed("the gateway's address"))?;
        if is_local(&self.settings.api_url) && !is_local(&url) {
            // A test or a proxy that is not whole must not end at Discord's own.
            let message = format!(
                "{}.api_url is on this machine, and the gateway at {url} is not; set gateway_url",
                self.place()
            );
            return Err(NotStarted::ForGood(RunError(message)));
        }
        let shards = gateway["shards"].as_u64().and_then(|shards| u32::try_from(shards).ok()).unwrap_or(1);
        tracing::info!(platform = %self.name, bot = me["username"].as_str(), shards, "Discord knows the bot");
        Ok(Gateway { url, shards: shards.clamp(1, SHARDS_MAX), limit })
    }

    /// What is left of the day's identifies.
    pub(super) async fn start_limit(&self) -> Result<StartLimit, Failure> {
        let ask = Ask::new(Method::GET, "gateway/bot".to_owned(), "GET /gateway/bot", "", Rank::Call);
        self.rest.ask(ask).await.map(|gateway| StartLimit::of(&gateway))
    }

    async fn ask_first(&self, path: &str, route: &'static str) -> Result<Value, NotStarted> {
        let ask = Ask::new(Method::GET, path.to_owned(), route, "", Rank::Call);
        self.rest.ask(ask).await.map_err(|failure| match failure {
            Failure::Unauthorized => NotStarted::ForGood(RunError(bad_token(&self.place()))),
            Failure::Refused { .. } => NotStarted::ForGood(RunError(format!("Discord refused the bot: {failure}"))),
            other => for_now(format!("cannot reach {}: {other}", self.settings.api_url)),
        })
    }
}

pub(super) fn for_now(message: String) -> NotStarted {
    NotStarted::ForNow(RunError(message))
}

/// What to do about a token that is not known.
pub(super) fn bad_token(place: &str) -> String {
    format!(
        "Discord does not know this bot's token: take a new one at discord.com/developers/applications, page Bot of its \
         application, `Reset Token`, and set {place}.token"
    )
}
