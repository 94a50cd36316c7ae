//! Whether a message is for the bot: it is said to it in private, mentions it, answers it, or has a word that stands for it.

use serde_json::Value;

use super::field::{id, list};

/// Words and phrases that stand for a bot.
#[derive(Debug, Default)]
pub(in super::super) struct Triggers(Vec<String>);

impl Triggers {
    pub(in super::super) fn new(words: &[String]) -> Self {
        Self(words.iter().map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect())
    }

    /// Whether one stands in a text, as a whole: `crab` is not in `scrabble`.
    fn are_in(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let text = text.to_lowercase();
        self.0.iter().any(|trigger| {
            text.match_indices(trigger.as_str()).any(|(at, found)| {
                let (before, after) = (text[..at].chars().next_back(), text[at + found.len()..].chars().next());
                let (first, last) = (found.chars().next(), found.chars().next_back());
                !are_one_word(before, first) && !are_one_word(last, after)
            })
        })
    }
}

fn are_one_word(one: Option<char>, next: Option<char>) -> bool {
    one.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)
}

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
    fn a_trigger_is_a_whole_word_in_any_case() {
        let triggers = Triggers::new(&["Crab".into(), "hey you".into(), "!ask".into(), " ".into()]);
        for (text, is_in) in [
            ("crab, hello", true),
            ("hello CRAB", true),
            ("scrabble", false),
            ("crabs", false),
            ("scrabble with crab", true),
            ("Hey You!", true),
            ("hey  you", false),
            ("!ask why", true),
            ("what!ask", true),
            ("!asking", false),
            ("", false),
        ] {
            assert_eq!(triggers.are_in(text), is_in, "{text:?}");
        }
        assert!(!Triggers::new(&[]).are_in("anything"));
    }

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
