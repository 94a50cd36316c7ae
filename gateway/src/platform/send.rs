//! The words of a send: what is sent, what is answered, and what is done when no answer came.

use std::{borrow::Cow, time::Duration};

use codec::OutboundView;

/// What becomes one message on the platform.
#[derive(Debug)]
pub struct Part<'a, 'v> {
    /// Its identity, the same in every try.
    pub key: String,
    /// What is to be shown, within the platform's [`limits`](super::Platform::limits).
    pub text: Cow<'a, str>,
    /// The action that it is of.
    pub action: &'a OutboundView<'v>,
}

/// A message that the platform has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The platform's id of it.
    pub id: String,
    /// What it shows, where the platform tells: a repeat may be answered with the message as it was sent first.
    pub text: Option<String>,
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
    /// Nothing was answered; it may have been carried out.
    #[error("the platform did not answer: {0}")]
    Unknown(String),
    /// The message that it is about is not there any more.
    #[error("the message is not there any more: {0}")]
    Gone(String),
    /// It can never be taken: to the dead letters.
    #[error("the platform has no way to do this: {0}")]
    Unsupported(String),
}
