//! Whether a message is for the bot: it is said to it in private, mentions it, answers it, or has a word that stands for it.

use codec::Triggers;
use serde_json::Value;

use super::field::{id, list};

/// Whether a message that is not private is for the bot.
pub(super) fn is_addressed(me: u64, triggers: &Triggers, message: &Value, content: &str) -> bool {
    let is_me = |user: &Value| id(&user["id"]) == Some(me);
    list(&message["mentions"]).iter().any(is_me)
        || is_me(&message["referenced_message"]["author"])
        || [format!("<@{me}>"), format!("<@!{me}>")].iter().any(|mention| content.contains(mention))
        || triggers.are_in(content)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_is_mentioned_or_answered_is_addressed() {
        let is = |message: &Value, content: &str| is_addressed(5, &Triggers::default(), message, content);
        assert!(is(&json!({ "mentions": [{ "id": "4" }, { "id": "5" }] }), ""));
        assert!(is(&json!({ "referenced_message": { "author": { "id": "5" } } }), ""));
        assert!(is(&json!({}), "a <@!5> b") && is(&json!({}), "<@5>"));
        for other in [
            json!({ "mentions": [{ "id": "55" }], "referenced_message": null }),
            json!({ "mentions": "5" }),
            json!({ "mentions": [5, null] }),
            json!(null),
        ] {
            assert!(!is(&other, "<@55> <@&5> @everyone"), "{other}");
        }
    }
}
