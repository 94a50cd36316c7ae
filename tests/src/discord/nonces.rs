//! Messages that were sent with `enforce_nonce`.

use std::{collections::BTreeMap, time::Duration};

use super::id::Snowflake;

/// "Checked for uniqueness in the past few minutes": discord.com/developers/docs/resources/message#create-message. By author, over
/// all channels; a nonce whose message was deleted meanwhile is answered with Unknown Message (discord-api-docs#6647).
#[derive(Debug)]
pub(crate) struct Nonces {
    window: Duration,
    /// By author and nonce: when, in which channel, which message. Forgotten after the window.
    known: BTreeMap<(Snowflake, String), (Duration, Snowflake, Snowflake)>,
}

impl Nonces {
    pub(crate) fn new(window: Duration) -> Self {
        Self { window, known: BTreeMap::new() }
    }

    /// The channel and message that this author sent with `nonce` before.
    pub(crate) fn find(&mut self, now: Duration, author: Snowflake, nonce: &str) -> Option<(Snowflake, Snowflake)> {
        self.known.retain(|_, (at, ..)| now < *at + self.window);
        self.known.get(&(author, nonce.to_owned())).map(|&(_, channel, message)| (channel, message))
    }

    pub(crate) fn keep(&mut self, now: Duration, author: Snowflake, nonce: String, message: (Snowflake, Snowflake)) {
        self.known.insert((author, nonce), (now, message.0, message.1));
    }
}
