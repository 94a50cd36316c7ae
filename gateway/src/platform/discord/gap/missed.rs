//! Reading what was said in a channel behind its mark, by HTTP.

use bus::unix_ms;
use reqwest::Method;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    super::{
        Shared,
        event::{first_id_at, id, list},
        read_back::HISTORY,
        rest::{Ask, Failure},
    },
    repair::AGAIN,
};
use crate::pacing::Rank;

/// Messages of one answer: Discord gives no more.
const PAGE: usize = 100;

impl Shared {
    /// Oldest first and as the socket would have told it; and whether it is all.
    pub(super) async fn missed(
        &self,
        guild: Option<u64>,
        channel: u64,
        mark: u64,
    ) -> Result<(Vec<Value>, bool), Failure> {
        let most = self.settings.gap_messages;
        let is_new = |message: &Value| id(&message["id"]).is_some_and(|id| id > mark);
        // One is enough for most.
        let limit = most.min(PAGE);
        let mut missed = self.page(channel, &format!("after={mark}&limit={limit}")).await?;
        let mut is_whole = missed.len() < limit;
        missed.retain(is_new);
        if !is_whole {
            // From the end, so that where there is too much it is the latest that is read.
            missed.clear();
            let mut before = String::new();
            while !is_whole && missed.len() < most {
                let mut page = self.page(channel, &format!("limit={PAGE}{before}")).await?;
                let (read, first) = (page.len(), page.last().and_then(|first| id(&first["id"])));
                page.retain(is_new);
                is_whole = read < PAGE || page.len() < read;
                before = first.map(|first| format!("&before={first}")).unwrap_or_default();
                missed.extend(page);
                if first.is_none() {
                    break;
                }
            }
            is_whole &= missed.len() <= most;
            missed.truncate(most);
        }
        missed.reverse();
        if let Some(guild) = guild {
            missed.iter_mut().for_each(|message| message["guild_id"] = guild.to_string().into());
        }
        Ok((missed, is_whole))
    }

    /// Messages of a channel, latest first. What fails for now is asked for again and again: it is the caller who has no more time.
    async fn page(&self, channel: u64, query: &str) -> Result<Vec<Value>, Failure> {
        let (channel, under) = (channel.to_string(), format!("/messages?{query}"));
        loop {
            let ask = Ask::of_channel(Method::GET, HISTORY, &channel, &under, Rank::Call);
            match self.rest.ask(ask).await {
                Ok(page) => {
                    let mut page: Vec<Value> = list(&page).to_vec();
                    page.sort_by_key(|message| std::cmp::Reverse(id(&message["id"])));
                    return Ok(page);
                }
                // What the bot may not read it has not missed.
                Err(Failure::Refused { .. }) => return Ok(Vec::new()),
                Err(Failure::Unauthorized) => return Err(Failure::Unauthorized),
                Err(Failure::Limited(pause)) => sleep(pause).await,
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    /// The oldest id that is not too old to be answered.
    pub(super) fn gap_floor(&self) -> u64 {
        let age = u64::try_from(self.settings.gap_age.as_millis()).unwrap_or(u64::MAX);
        first_id_at(unix_ms().saturating_sub(age)).saturating_sub(1)
    }
}
