//! The messages that an action becomes on its platform.

use std::borrow::Cow;

use bytes::Bytes;
use codec::{ActionType, OutboundView, names};

use super::{
    Egress,
    fit::Shown,
    split::{Limits, Rest, split},
};
use crate::platform::{File, Part};

/// What a text becomes that is longer than the messages it may have.
const REST_NAME: &str = "rest.md";
const REST_TYPE: &str = "text/markdown; charset=utf-8";

impl Egress {
    /// One for a platform without limits, else as many as its text has parts: none where nobody would see it. Buttons and file go
    /// with the last of them, since they are about what stands above.
    pub(super) fn parts<'p, 'v>(
        &self,
        action: &'p OutboundView<'v>,
        shown: &'p Shown<'_, 'v>,
        file: Option<File<'p>>,
        cause: &str,
    ) -> Vec<Part<'p, 'v>> {
        let can = self.platform.capabilities();
        let (mut texts, mut rest) = (vec![Cow::Borrowed(&*shown.text)], None);
        if let Some(limits) = can.text {
            let split = split(&shown.text, &limits, true);
            let has_room = can.files.is_some_and(|files| split.rest.len() as u64 <= files.bytes);
            if has_room && !split.rest.is_empty() {
                rest = Some(File {
                    name: REST_NAME.into(),
                    mimetype: Some(REST_TYPE),
                    bytes: Bytes::copy_from_slice(split.rest.as_bytes()),
                    leave: None,
                });
            }
            texts = split.texts(if has_room { Rest::InFile } else { Rest::Cut });
        }
        if texts.is_empty() && (action.action != ActionType::Message || !shown.buttons.is_empty()) {
            // A file needs no words, nor do buttons.
            texts.push(Cow::Borrowed(""));
        }
        // One message has one file.
        texts.extend((rest.is_some() && file.is_some()).then_some(Cow::Borrowed("")));
        let part = |(number, text)| Part::of_text(names::part_key(cause, number), text, action);
        let mut parts: Vec<_> = (0..).zip(texts).map(part).collect();
        if let [.., before, _] = parts.as_mut_slice()
            && file.is_some()
            && rest.is_some()
        {
            before.file = rest.take();
        }
        if let Some((last, before)) = parts.split_last_mut() {
            before.iter_mut().for_each(|part| part.is_last = false);
            last.buttons.clone_from(&shown.buttons);
            last.file = file.or(rest);
        }
        parts
    }

    /// What one message holds of an action's text.
    pub(super) fn only_part<'p, 'v>(
        &self,
        action: &'p OutboundView<'v>,
        shown: &'p Shown<'_, 'v>,
        key: String,
    ) -> Part<'p, 'v> {
        let text = match self.platform.capabilities().text {
            Some(limits) => {
                let split = split(&shown.text, &Limits { parts: 1, ..limits }, true);
                split.texts(Rest::Cut).pop().unwrap_or_default()
            }
            None => Cow::Borrowed(&*shown.text),
        };
        Part { buttons: shown.buttons.clone(), ..Part::of_text(key, text, action) }
    }
}
