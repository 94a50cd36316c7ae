//! The servers that the bot is in, whichever of them this process hears of.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    Shared,
    event::{id, list, name},
    rest::{Ask, Failure, Rest},
};
use crate::{
    inventory::{Channel, Inventory},
    pacing::Rank,
    platform::SendError,
};

/// Servers of one answer: <https://discord.com/developers/docs/resources/user#get-current-user-guilds>.
const PAGE: usize = 200;
/// How often the channels of a server are asked for: one answer that fails does not undo a list of thousands.
const TRIES: u32 = 5;
const AGAIN: Duration = Duration::from_secs(1);
/// Servers that are asked for at most.
const SERVERS_MAX: usize = 100_000;

impl Rest {
    /// The servers of the bot, in the order of their ids: `id`, `name` and `permissions` of each.
    pub(super) async fn servers(&self) -> Result<Vec<Value>, Failure> {
        let (mut servers, mut after) = (Vec::new(), 0);
        while servers.len() < SERVERS_MAX {
            let path = format!("users/@me/guilds?limit={PAGE}&after={after}");
            let page = self.ask(Ask::new(Method::GET, path, "GET /users/@me/guilds", "", Rank::Call)).await?;
            let page = list(&page);
            // What else there is of a server is not kept.
            servers.extend(page.iter().map(|server| {
                serde_json::json!({ "id": server["id"], "name": server["name"], "permissions": server["permissions"] })
            }));
            match page.last().and_then(|last| id(&last["id"])) {
                Some(last) if page.len() >= PAGE && last > after => after = last,
                _ => break,
            }
        }
        Ok(servers)
    }
}

impl Shared {
    /// Lists servers and their channels. Threads come and go, and are none of them.
    pub(super) async fn list(&self, inventory: &mut Inventory) -> Result<(), SendError> {
        if self.me() == 0 {
            return Err(SendError::Away("the bot is not connected yet".into()));
        }
        for server in self.rest.servers().await? {
            let Some(own) = id(&server["id"]).map(|id| id.to_string()) else { continue };
            let channels = if inventory.is_full() { Vec::new() } else { self.channels(&own).await? };
            inventory.add(&own, name(&server["name"]).as_deref(), &channels);
        }
        Ok(())
    }

    async fn channels(&self, server: &str) -> Result<Vec<Channel>, SendError> {
        let mut tries = 0;
        loop {
            let path = format!("guilds/{server}/channels");
            let asked = self.rest.ask(Ask::new(Method::GET, path, "GET /guilds/channels", server, Rank::Call)).await;
            tries += 1;
            match asked {
                Ok(channels) => return Ok(list(&channels).iter().filter_map(channel).collect()),
                // It left the server just now.
                Err(Failure::Refused { .. }) => return Ok(Vec::new()),
                Err(Failure::Unauthorized) => return Err(Failure::Unauthorized.into()),
                Err(failure) if tries == TRIES => return Err(failure.into()),
                Err(Failure::Limited(pause)) => sleep(pause).await,
                Err(_) => sleep(AGAIN * tries).await,
            }
        }
    }
}

fn channel(channel: &Value) -> Option<Channel> {
    let own = id(&channel["id"])?.to_string();
    Some(Channel { id: own, name: name(&channel["name"]), kind: kind(channel["type"].as_u64()) })
}

/// <https://discord.com/developers/docs/resources/channel#channel-object-channel-types>
fn kind(number: Option<u64>) -> &'static str {
    match number {
        Some(0) => "text",
        Some(2) => "voice",
        Some(4) => "category",
        Some(5) => "announcement",
        Some(10..=12) => "thread",
        Some(13) => "stage",
        Some(14) => "directory",
        Some(15) => "forum",
        Some(16) => "media",
        _ => "other",
    }
}
