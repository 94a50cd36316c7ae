//! Whether a send that was not answered made its message: the bot's own messages of that time are read and compared.

use reqwest::Method;
use serde_json::Value;

use super::{
    Shared,
    body::{content, nonce},
    deliver::{accepted, channel},
    event::{first_id_at, id, list, time_of},
    hold::Use,
    rest::Ask,
};
use crate::{
    egress::text_hash,
    pacing::Rank,
    platform::{Accepted, SendError, Sought},
};

pub(super) const HISTORY: &str = "GET /channels/messages";
const PAGE: usize = 100;
/// So much may Discord's clock be behind Redis'.
const SKEW_MS: u64 = 2_000;
/// Later than this after it was begun no send ends: it is repeated for a minute, and each try is given half of one.
const LATEST_MS: u64 = 5 * 60_000;
/// Pages that are read at most: a channel with more in five minutes is one that nobody reads.
const PAGES_MAX: usize = 50;

impl Shared {
    /// Looks for what a send left.
    pub(super) async fn read_back(&self, sought: &Sought<'_, '_>) -> Result<Option<Accepted>, SendError> {
        let channel = channel(sought.part.action)?;
        if self.is_in_place(sought.part).await? {
            // Its repeat is the same message, whatever became of it.
            return Ok(None);
        }
        // The place of an answer to a command is older than the answer.
        let of_use = Use::of_part(&self.name, &sought.part.key).map(|(of, _)| time_of(of.id));
        let since_ms = of_use.map_or(sought.since_ms, |used| used.min(sought.since_ms));
        let mut after = first_id_at(since_ms.saturating_sub(SKEW_MS));
        for _ in 0..PAGES_MAX {
            let under = format!("/messages?after={after}&limit={PAGE}");
            let page = self.rest.ask(Ask::of_channel(Method::GET, HISTORY, channel, &under, Rank::Call)).await?;
            let mut page: Vec<&Value> = list(&page).iter().collect();
            page.sort_by_key(|message| id(&message["id"]));
            if let Some(found) = page.iter().find(|message| is_it(message, self.me(), sought)) {
                return accepted(found, sought.part).map(Some);
            }
            match page.last().and_then(|last| id(&last["id"])) {
                Some(last) if page.len() == PAGE && time_of(last) <= sought.since_ms + LATEST_MS => after = last,
                _ => break,
            }
        }
        Ok(None)
    }
}

/// By its nonce, where Discord tells it, and by its text else.
fn is_it(message: &Value, me: u64, sought: &Sought<'_, '_>) -> bool {
    let is_other = || message["id"].as_str().is_some_and(|id| sought.others.iter().any(|other| other == id));
    if id(&message["author"]["id"]) != Some(me) || is_other() {
        return false;
    }
    if let Some(told) = message["nonce"].as_str() {
        return told == nonce(&sought.part.key);
    }
    let part = sought.part;
    let shown = message["content"].as_str().unwrap_or_default();
    let is_same_now = text_hash(&part.text) == sought.hash && shown.trim() == content(part).trim();
    let has_file = !list(&message["attachments"]).is_empty();
    (is_same_now || text_hash(shown) == sought.hash) && has_file == part.file.is_some()
}

#[cfg(test)]
mod tests {
    use codec::OutboundView;
    use serde_json::json;

    use super::*;
    use crate::platform::Part;

    #[test]
    fn a_message_is_known_by_nonce_or_text() {
        let action = OutboundView::default();
        let part = Part::of_text("k.0".into(), "new".into(), &action);
        let (old, new) = (text_hash("old"), text_hash("new"));
        let is = |message: Value, hash: &str| {
            is_it(&message, 5, &Sought { part: &part, since_ms: 0, hash, others: &["7".to_owned()] })
        };
        let own = |more: Value| {
            let mut message = json!({ "author": { "id": "5" } });
            more.as_object().unwrap().iter().for_each(|(field, value)| message[field] = value.clone());
            message
        };
        assert!(is(own(json!({ "nonce": nonce("k.0"), "content": "anything" })), &old));
        assert!(!is(own(json!({ "nonce": nonce("k.1"), "content": "old" })), &old));
        assert!(is(own(json!({ "content": "old" })), &old) && is(own(json!({ "content": " new" })), &new));
        assert!(!is(own(json!({ "content": "new" })), &old));
        assert!(!is(own(json!({ "id": "7", "content": "new" })), &new), "another part says the same");
        assert!(!is(json!({ "author": { "id": "6" }, "content": "old" }), &old));
        assert!(!is(own(json!({ "content": "old", "attachments": [{}] })), &old));
        assert!(!is(json!(null), &old));
    }
}
