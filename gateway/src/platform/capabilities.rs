//! What a platform can show and take. Published, so that a worker knows what becomes of an action there.

use serde::Serialize;

use crate::egress::split::Limits;

/// What one platform can do. What it cannot is shown in another way or dropped and counted, as `docs/wire.md` has it; never
/// silently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// How much text one message holds; a longer one becomes several. None where it may be as long as an envelope has it.
    pub text: Option<Limits>,
    /// It changes the text of its messages.
    pub edits: bool,
    /// It takes its messages away.
    pub deletes: bool,
    /// It puts reactions on messages.
    pub reactions: bool,
    /// It shows that somebody is writing.
    pub typing: bool,
    /// It shows whether the bot is there.
    pub presence: bool,
    /// It has threads within a channel.
    pub threads: bool,
    /// Its messages have buttons.
    pub buttons: Option<ButtonLimits>,
    /// Its messages have files.
    pub files: Option<FileLimits>,
}

/// Buttons of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ButtonLimits {
    /// Rows below a message.
    pub rows: usize,
    /// Buttons in a row.
    pub per_row: usize,
    /// Characters of a label; what is longer is cut.
    pub label: usize,
}

/// The file of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FileLimits {
    /// Bytes of it.
    pub bytes: u64,
}

impl Capabilities {
    /// Messages of text and nothing else.
    pub const TEXT_ONLY: Self = Self {
        text: None,
        edits: false,
        deletes: false,
        reactions: false,
        typing: false,
        presence: false,
        threads: false,
        buttons: None,
        files: None,
    };
}
