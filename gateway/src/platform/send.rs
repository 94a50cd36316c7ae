//! The words of a send: what is sent, what is answered, and what is done when no answer came.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use codec::{ButtonView, OutboundView};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::media::Leave;

/// What becomes one message on the platform.
#[derive(Debug)]
pub struct Part<'a, 'v> {
    /// Its identity, the same in every try.
    pub key: String,
    /// What is to be shown, within what the platform takes.
    pub text: Cow<'a, str>,
    /// The buttons below it, by rows.
    pub buttons: Vec<Vec<ButtonView<'v>>>,
    /// The file that it shows.
    pub file: Option<File<'a>>,
    /// Whether the action is complete with it.
    pub is_last: bool,
    /// The action that it is of.
    pub action: &'a OutboundView<'v>,
    /// Up to when it is of use, where that ends.
    pub until: Option<Until<'a>>,
}

/// Up to when a request is of use. One that was not begun by then is not begun any more, which is [`SendError::Limited`].
#[derive(Debug, Clone, Copy)]
pub struct Until<'a> {
    /// Cancelled when something else has made it old.
    pub over: &'a CancellationToken,
    /// After this nobody waits for it.
    pub at: Instant,
}

impl<'a, 'v> Part<'a, 'v> {
    /// Text and nothing else.
    pub(crate) fn of_text(key: String, text: Cow<'a, str>, action: &'a OutboundView<'v>) -> Self {
        Self { key, text, buttons: Vec::new(), file: None, is_last: true, action, until: None }
    }

    /// Whether there is more to it than its text.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.buttons.is_empty() || self.file.is_some()
    }

    /// What there is, field by field.
    pub(crate) fn more(&self) -> Vec<&[u8]> {
        let mut fields: Vec<&[u8]> = Vec::new();
        for row in &self.buttons {
            fields.push(b"row");
            for button in row {
                let [id, style, emoji, url] =
                    [button.custom_id, button.style, button.emoji, button.url].map(Option::unwrap_or_default);
                fields.extend([button.label, id, style, emoji, url].map(str::as_bytes));
            }
        }
        fields.extend(self.file.iter().flat_map(|file| [file.name.as_bytes(), &*file.bytes]));
        fields
    }
}

/// A file of a message.
#[derive(Debug)]
pub struct File<'a> {
    /// Its name, which is not empty.
    pub name: Cow<'a, str>,
    /// Its media type, where it is known.
    pub mimetype: Option<&'a str>,
    /// What is in it.
    pub bytes: Bytes,
    /// Leave to hold it, where it did not come with its action.
    pub leave: Option<Leave>,
}

/// A message that the platform has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The platform's id of it.
    pub id: String,
    /// What it shows, where the platform tells: a repeat may be answered with the message as it was sent first.
    pub text: Option<String>,
    /// Whether it lacks the file that it was to have.
    pub lacks_file: bool,
}

impl Accepted {
    /// Whether it shows all that it was to show, as far as the platform tells.
    #[must_use]
    pub fn is_whole(&self, part: &Part<'_, '_>) -> bool {
        !self.lacks_file && self.text.as_ref().is_none_or(|shown| *shown == part.text)
    }
}

impl Accepted {
    /// One of which the platform tells nothing but its id.
    #[must_use]
    pub fn new(id: String) -> Self {
        Self { id, text: None, lacks_file: false }
    }
}

/// A send whose fate is not known.
#[derive(Debug)]
pub struct Sought<'a, 'v> {
    /// What was to be sent.
    pub part: &'a Part<'a, 'v>,
    /// Not before this time, in ms since epoch by Redis' clock.
    pub since_ms: u64,
    /// [`text_hash`](crate::egress::text_hash) of what was sent then, which a later run of the turn may have changed.
    pub hash: &'a str,
    /// The platform's ids of messages that are other parts of the action.
    pub others: &'a [String],
}

/// What a platform offers for sends whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// For so long it takes a repeat of a send for the same one.
    pub repeats_within: Duration,
    /// It can be looked up there whether a message was made.
    pub can_be_asked: bool,
}

impl Settling {
    /// A repeat is exact at any time.
    pub const EXACT: Self = Self { repeats_within: Duration::MAX, can_be_asked: false };
}

/// Why an action was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It could not be taken now, and surely was not: again, in its place in the lane.
    #[error("the platform is away: {0}")]
    Away(String),
    /// It was not taken, since the platform takes no more before this time is over: again then, in its place in the lane.
    #[error("the platform takes no more for {0:?}")]
    Limited(Duration),
    /// Nothing was answered; it may have been carried out.
    #[error("the platform did not answer: {0}")]
    Unknown(String),
    /// The message that it is about is not there any more.
    #[error("the message is not there any more: {0}")]
    Gone(String),
    /// It can never be taken: to the dead letters.
    #[error("the platform has no way to do this: {0}")]
    Unsupported(String),
    /// The platform will not do it, however often it is asked: to the dead letters.
    #[error("the platform refused: {1}")]
    Refused(Permanent, String),
}

/// Why a platform will never do something, from a short closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permanent {
    /// The bot may not do this there.
    Forbidden,
    /// There is no such channel any more, or the bot is not in it.
    ChannelGone,
    /// The user takes no messages from the bot.
    Blocked,
    /// It breaks a rule of the platform.
    Invalid,
}

impl Permanent {
    /// For dead letters and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::ChannelGone => "channel_gone",
            Self::Blocked => "blocked",
            Self::Invalid => "invalid",
        }
    }
}
