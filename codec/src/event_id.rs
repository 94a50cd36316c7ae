//! Identities of events: the same event gets the same one from every gateway that sees it, as often as it is seen.
//!
//! Two events differ in their identities when a turn for one must not stand for the other: an edit carries its own id
//! or time, a reaction its user and emoji. The form is `<platform>:<message id>` for a message and
//! `<platform>:<kind>:..` otherwise; no platform's message ids begin like a kind and a colon.

use crate::choice::Kind;

/// A new message.
#[must_use]
pub fn message(platform: &str, message_id: &str) -> String {
    [platform, ":", message_id].concat()
}

/// A changed message. `edit` is the edit's own id, or the time that the platform gives it, as text.
#[must_use]
pub fn edit(platform: &str, message_id: &str, edit: &str) -> String {
    of_kind(platform, Kind::Edit, &[message_id, edit])
}

/// A deleted message, which can happen once only.
#[must_use]
pub fn delete(platform: &str, message_id: &str) -> String {
    of_kind(platform, Kind::Delete, &[message_id])
}

/// A reaction that was added, or `removed`.
#[must_use]
pub fn reaction(platform: &str, message_id: &str, user_id: &str, emoji: &str, removed: bool) -> String {
    of_kind(platform, Kind::Reaction, &[message_id, user_id, emoji, if removed { "removed" } else { "added" }])
}

/// The use of a button, a menu or a command, by the platform's id for that one use.
#[must_use]
pub fn interaction(platform: &str, id: &str) -> String {
    of_kind(platform, Kind::Interaction, &[id])
}

/// One run of a job of ours.
#[must_use]
pub fn job(platform: &str, run: &str) -> String {
    of_kind(platform, Kind::Job, &[run])
}

fn of_kind(platform: &str, kind: Kind, parts: &[&str]) -> String {
    let mut id = [platform, ":", kind.as_str()].concat();
    for part in parts {
        id.push(':');
        id.push_str(part);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(message("webchat", "X"), "webchat:X");
        assert_eq!(edit("discord", "1", "1700000000.5"), "discord:edit:1:1700000000.5");
        assert_eq!(delete("discord", "1"), "discord:delete:1");
        assert_eq!(reaction("matrix", "$m", "@u:h", "+1", false), "matrix:reaction:$m:@u:h:+1:added");
        assert_eq!(reaction("matrix", "$m", "@u:h", "+1", true), "matrix:reaction:$m:@u:h:+1:removed");
        assert_eq!(interaction("discord", "9"), "discord:interaction:9");
        assert_eq!(job("webchat", "daily-2024"), "webchat:job:daily-2024");
    }
}
