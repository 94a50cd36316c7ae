//! Interactions are acknowledged at once: Discord waits for three seconds, and a model takes longer.

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Shared,
    event::id,
    rest::{Ask, Failure},
};
use crate::pacing::Rank;

/// Clicks that wait to be acknowledged; after three seconds they are of no use.
const WAITING_MAX: usize = 1024;
const AT_ONCE: usize = 64;
/// "You must send an initial response within 3 seconds of receiving the event": less the way there.
const WITHIN: Duration = Duration::from_millis(2500);
const AGAIN: Duration = Duration::from_millis(200);
/// <https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type>
const UPDATE_LATER: u8 = 6;
const ROUTE: &str = "POST /interactions/callback";

/// The use of a button or a menu. Its token is a secret, so it is never shown.
pub(super) struct Click {
    id: u64,
    token: String,
    since: Instant,
}

impl Click {
    /// What an event of an interaction with a message has for it.
    pub(super) fn of(data: &Value) -> Option<Self> {
        const COMPONENT: u64 = 3;
        let token = data["token"].as_str()?;
        // It stands in a path.
        let is_token =
            token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'='));
        let is_click = data["type"] == COMPONENT && is_token && (1..=512).contains(&token.len());
        let id = id(&data["id"]).filter(|_| is_click)?;
        Some(Self { id, token: token.to_owned(), since: Instant::now() })
    }
}

pub(super) fn channel() -> (mpsc::Sender<Click>, mpsc::Receiver<Click>) {
    mpsc::channel(WAITING_MAX)
}

/// Acknowledges them until there are no more.
pub(super) async fn acknowledge(shared: Arc<Shared>, mut clicks: mpsc::Receiver<Click>) {
    let mut under_way = JoinSet::new();
    while let Some(click) = clicks.recv().await {
        if under_way.len() >= AT_ONCE {
            under_way.join_next().await;
        }
        while under_way.try_join_next().is_some() {}
        let shared = Arc::clone(&shared);
        under_way.spawn(async move { shared.answer(&click).await });
    }
    under_way.join_all().await;
}

impl Shared {
    async fn answer(&self, click: &Click) {
        let major = click.id.to_string();
        while click.since.elapsed() < WITHIN {
            let path = format!("interactions/{}/{}/callback", click.id, click.token);
            let ask = Ask::new(Method::POST, path, ROUTE, &major, Rank::Click).with(json!({ "type": UPDATE_LATER }));
            match self.rest.ask(ask).await {
                // Refused where it was done before, by another gateway or by a try that was not answered.
                Ok(_) | Err(Failure::Refused { .. }) => return,
                Err(error) => tracing::debug!(platform = %self.name, %error, "a click is not acknowledged yet"),
            }
            sleep(AGAIN).await;
        }
        metrics::counter!("stargazer_discord_clicks_late_total").increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_that_is_one_stands_in_a_path() {
        let click = |token: &str, kind: u64| Click::of(&json!({ "id": "1", "type": kind, "token": token })).is_some();
        assert!(click("aW50ZXJhY3Rpb24_-=.", 3));
        assert!(
            !click("", 3)
                && !click("../../x", 3)
                && !click("a?b", 3)
                && !click("abc", 2)
                && !click(&"x".repeat(600), 3)
        );
        assert!(Click::of(&json!({ "type": 3, "token": "abc" })).is_none() && Click::of(&json!(null)).is_none());
    }
}
