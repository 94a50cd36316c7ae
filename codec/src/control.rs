//! Interactions that steer a conversation rather than say something: their `custom_id`s.
//!
//! They come with `kind` `interaction` and reach a running turn of their lane at once. Platforms make them from a button,
//! a command or a click; `sg:` keeps them apart from the ids that a bot gives its own buttons.

/// Ends the running answer; what was written so far stays.
pub const STOP: &str = "sg:stop";
/// Answers again in place of the last answer, whose `message_key` is the only one of `values`.
pub const REGENERATE: &str = "sg:regenerate";
/// Forgets the conversation.
pub const FORGET: &str = "sg:forget";

/// What all of them begin with, and no button of a bot's own.
pub const PREFIX: &str = "sg:";

/// Whether a running turn has to know of it at once.
#[must_use]
pub fn is_urgent(custom_id: &str) -> bool {
    matches!(custom_id, STOP | FORGET)
}
