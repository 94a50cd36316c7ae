//! What is noted of a preview, beside the send of its action.
//!
//! Fields: `preview` (`begun`; `none` when it is known that no message of it is there; `left` when its action is shown by another
//! message, and it is to go away), `preview.at` (when it was about to be
//! made; ms since epoch by Redis' clock), `preview.hash` of what it was made with, and `preview.id` once the platform has it. They
//! end with the action. `over` stays behind where there is no action to come: a late frame begins nothing.

use std::time::Duration;

use bus::Notes;

pub(in crate::egress) const PREVIEW: &str = "preview";
pub(in crate::egress) const AT: &str = "preview.at";
pub(in crate::egress) const HASH: &str = "preview.hash";
pub(in crate::egress) const ID: &str = "preview.id";
pub(in crate::egress) const OVER: &str = "over";

/// What is known of a preview's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::egress) enum Fate<'a> {
    /// There is none.
    None,
    /// It was about to be made.
    Unknown,
    /// The platform's id of it.
    Shown(&'a str),
}

/// The record of a preview in the notes of its action.
#[derive(Debug, Clone, Copy)]
pub(in crate::egress) struct PreviewRecord<'a>(pub(in crate::egress) &'a Notes);

impl<'a> PreviewRecord<'a> {
    pub(in crate::egress) fn fate(self) -> Fate<'a> {
        match (self.0.text(PREVIEW), self.0.text(ID)) {
            (Some("begun"), Some(id)) => Fate::Shown(id),
            (Some("begun"), None) => Fate::Unknown,
            _ => Fate::None,
        }
    }

    /// It was begun, and surely did not go out.
    pub(in crate::egress) fn was_undone(self) -> bool {
        self.0.text(PREVIEW) == Some("none")
    }

    /// The platform's id of one that is to go away.
    pub(in crate::egress) fn left(self) -> Option<&'a str> {
        self.0.text(ID).filter(|_| self.0.text(PREVIEW) == Some("left"))
    }

    /// What it was made with.
    pub(in crate::egress) fn hash(self) -> &'a str {
        self.0.text(HASH).unwrap_or_default()
    }

    /// When it was about to be made.
    pub(in crate::egress) fn since_ms(self) -> u64 {
        self.0.text(AT).and_then(|at| at.parse().ok()).unwrap_or(0)
    }

    /// How long that is ago.
    pub(in crate::egress) fn age(self) -> Duration {
        Duration::from_millis(self.0.now_ms().saturating_sub(self.since_ms()))
    }

    /// It was settled what became of it, and it needs no more: a turn on the action has ended it.
    pub(in crate::egress) fn is_over(self) -> bool {
        self.0.get(OVER).is_some()
    }
}
