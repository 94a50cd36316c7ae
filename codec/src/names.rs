//! Names that both sides of the wire derive from ids: lanes, causes, action ids.
//!
//! They are plain text and the same for every process, so a repeated turn repeats them.

use std::borrow::Cow;

/// The lane of a conversation, `<platform>:<thread or channel id>`. An empty `thread_id` is none.
#[must_use]
pub fn channel_key(platform: &str, channel_id: &str, thread_id: Option<&str>) -> String {
    let place = thread_id.filter(|id| !id.is_empty()).unwrap_or(channel_id);
    [platform, ":", place].concat()
}

/// The lane of an action: its own `channel_key`, or else made from where it goes. What goes to a platform as a whole
/// (presence) has the lane `<platform>:`, which no conversation can have.
#[must_use]
pub fn lane<'a>(
    platform: &str,
    channel_key: Option<&'a str>,
    channel_id: Option<&str>,
    thread_id: Option<&str>,
) -> Cow<'a, str> {
    match channel_key {
        Some(key) => Cow::Borrowed(key),
        None => Cow::Owned(self::channel_key(platform, channel_id.unwrap_or_default(), thread_id)),
    }
}

/// The cause of a turn: the event's identity, or its trace where it has none.
#[must_use]
pub fn cause<'a>(event_id: Option<&'a str>, trace_id: &'a str) -> &'a str {
    event_id.filter(|id| !id.is_empty()).unwrap_or(trace_id)
}

/// The identity of an action, `<cause>:<index>`. Index 0 is the turn's main text.
#[must_use]
pub fn message_key(cause: &str, index: u32) -> String {
    format!("{cause}:{index}")
}

/// The identity of the message that tells a user of a turn given up, `<cause>:dead`: not that of any action, so that a
/// replay can still answer.
#[must_use]
pub fn dead_key(cause: &str) -> String {
    [cause, ":dead"].concat()
}

/// The cause of a turn that was given up, by the [`dead_key`] of the message about it.
#[must_use]
pub fn cause_of_dead(key: &str) -> Option<&str> {
    key.strip_suffix(":dead")
}

/// The identity of one effect before the commit, `<cause>:t<call>`.
#[must_use]
pub fn effect_key(cause: &str, call: u32) -> String {
    format!("{cause}:t{call}")
}

/// The identity of one platform message of an action, `<message_key>.<part>`.
#[must_use]
pub fn part_key(message_key: &str, part: u32) -> String {
    format!("{message_key}.{part}")
}

/// The identity of the platform message that shows an action's text while it is being written, `<message_key>.preview`. The
/// first part of the action takes its place.
#[must_use]
pub fn preview_key(message_key: &str) -> String {
    [message_key, ".preview"].concat()
}

/// Under which it is kept of which platform messages an action consists since another action has changed their number,
/// `<message_key>.shown`.
#[must_use]
pub fn shown_key(message_key: &str) -> String {
    [message_key, ".shown"].concat()
}

/// Cause and index of a [`message_key`]; `None` where the text is not one, a [`dead_key`] among others.
#[must_use]
pub fn parse_message_key(key: &str) -> Option<(&str, u32)> {
    let (cause, index) = key.rsplit_once(':')?;
    // Only the form that `message_key` writes, or two texts would name one action.
    let canonical = index == "0" || !index.starts_with(['0', '+']);
    (canonical && !cause.is_empty()).then(|| index.parse().ok().map(|index| (cause, index)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes() {
        assert_eq!(channel_key("webchat", "abc", None), "webchat:abc");
        assert_eq!(channel_key("matrix", "!room:example.org", Some("")), "matrix:!room:example.org");
        assert_eq!(channel_key("discord", "1", Some("2")), "discord:2");
        assert_eq!(lane("discord", Some("webchat:abc"), Some("1"), None), "webchat:abc");
    }

    #[test]
    fn causes() {
        assert_eq!(cause(Some("webchat:X"), "t"), "webchat:X");
        assert_eq!(cause(Some(""), "t"), "t");
        assert_eq!(cause(None, "t"), "t");
    }

    #[test]
    fn a_message_key_can_be_taken_apart() {
        for index in [0, 1, 10, u32::MAX] {
            assert_eq!(parse_message_key(&message_key("matrix:$a:b", index)), Some(("matrix:$a:b", index)));
        }
        for bad in [
            "",
            "webchat:X",
            "webchat:X:dead",
            "webchat:X:t1",
            ":0",
            "webchat:X:01",
            "webchat:X:+1",
            "c:",
            "c:4294967296",
        ] {
            assert_eq!(parse_message_key(bad), None, "{bad}");
        }
        assert_eq!(parse_message_key(&dead_key("c")), None);
        assert_eq!(parse_message_key(&effect_key("c", 3)), None);
        assert_eq!(part_key("c:0", 2), "c:0.2");
    }
}
