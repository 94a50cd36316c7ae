//! The messages that an action becomes on its platform.

use std::borrow::Cow;

use codec::{ActionType, OutboundView, names};

use super::{
    Egress,
    split::{Limits, split},
};
use crate::platform::Part;

impl Egress {
    /// One for a platform without limits, else as many as its text has parts: none where nobody would see it.
    pub(super) fn parts<'a, 'v>(&self, action: &'a OutboundView<'v>, cause: &str) -> Vec<Part<'a, 'v>> {
        let mut texts = match self.platform.limits() {
            Some(limits) => split(action.text, &limits, true).texts(),
            None => vec![Cow::Borrowed(action.text)],
        };
        if texts.is_empty() && action.action != ActionType::Message {
            // A file needs no words, nor do buttons.
            texts.push(Cow::Borrowed(""));
        }
        (0..).zip(texts).map(|(number, text)| Part { key: names::part_key(cause, number), text, action }).collect()
    }

    /// What one message holds of an action's text.
    pub(super) fn only_part<'a, 'v>(&self, action: &'a OutboundView<'v>, key: String) -> Part<'a, 'v> {
        let text = match self.platform.limits() {
            Some(limits) => split(action.text, &Limits { parts: 1, ..limits }, true).texts().pop().unwrap_or_default(),
            None => Cow::Borrowed(action.text),
        };
        Part { key, text, action }
    }
}
