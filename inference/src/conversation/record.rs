//! What is kept of what was said: a record for each message.

use codec::{Attachment, HistoryMessage, InboundView, Role, names};

use super::cut;

/// What a person said.
pub(crate) fn said(inbound: &InboundView<'_>, bytes_max: usize) -> HistoryMessage {
    HistoryMessage {
        role: Role::User,
        ts: inbound.timestamp,
        text: cut(inbound.content, bytes_max).to_owned(),
        name: Some(author(inbound).to_owned()),
        user_id: Some(inbound.user_id.to_owned()),
        message_id: Some(inbound.message_id.to_owned()),
        reply_to: inbound.reply_to.map(str::to_owned),
        attachments: attachments(inbound),
        ..HistoryMessage::default()
    }
}

/// What was answered to a cause, and to which message.
pub(crate) fn answered(cause: &str, to: Option<&str>, text: &str, ts: f64, bytes_max: usize) -> HistoryMessage {
    HistoryMessage {
        role: Role::Assistant,
        ts,
        text: cut(text, bytes_max).to_owned(),
        message_key: Some(names::message_key(cause, 0)),
        reply_to: to.map(str::to_owned),
        ..HistoryMessage::default()
    }
}

/// Its files, which are kept elsewhere.
pub(super) fn attachments(inbound: &InboundView<'_>) -> Vec<Attachment> {
    inbound.attachments.iter().map(|file| Attachment { data: None, ..file.into_owned() }).collect()
}

/// Who wrote a message, for the model. Somebody always did, also where a platform tells no names.
pub(crate) fn author<'a>(inbound: &InboundView<'a>) -> &'a str {
    let names = [inbound.display_name.unwrap_or_default(), inbound.username];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or(inbound.user_id)
}
