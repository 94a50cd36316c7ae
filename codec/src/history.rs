//! The history of a lane: one record for each message, packed like the envelopes, one item of a Redis list.

use crate::choice::Role;
use crate::envelope::envelope;
use crate::inbound::Attachment;
use crate::limits;
use crate::schema::Bound;

envelope! {
    /// One message of a conversation.
    HistoryMessage, HistoryMessageView, named "history", under "";

    /// Who said it.
    role: Role, Required, Bound::ANY, Role::User;
    /// When it was said; seconds since the epoch.
    ts: f64, Required, Bound::ANY, 1_773_480_413.589;
    /// What was said.
    text: String, Written, Bound::up_to(limits::TEXT_BYTES), "Why does the build fail?".into();
    /// The name that the user was shown under.
    name: Option<String>, Optional, Bound::up_to(limits::NAME_BYTES), Some("Mira".into());
    /// The user.
    user_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1156160006375276549".into());
    /// The platform's id of a user's message: what an edit or a delete names.
    message_id: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1482309033636531201".into());
    /// The action that brought an answer: what an edit or a delete of ours names.
    message_key: Option<String>, Optional, Bound::up_to(limits::KEY_BYTES),
        Some("discord:1482309033636531201:0".into());
    /// The platform's id of the message that it answers; of an answer of ours the question's.
    reply_to: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("1482308781978290951".into());
    /// When it was changed last; seconds since the epoch.
    edited: Option<f64>, Optional, Bound::ANY, Some(1_773_480_420.5);
    /// When it was deleted; seconds since the epoch. Nothing of what was said is left then.
    deleted: Option<f64>, Optional, Bound::ANY, Some(1_773_480_431.25);
    /// Files that came with it, without their bytes.
    attachments: Vec<Attachment>, Optional, Bound::list(limits::ATTACHMENT_ITEMS, usize::MAX), vec![Attachment::example()];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small_and_comes_back() {
        let message = HistoryMessage { role: Role::Assistant, ts: 1.5, text: "hi".into(), ..HistoryMessage::default() };
        let bytes = message.to_bytes();
        assert_eq!(bytes.len(), 1 + (5 + 10) + (3 + 9) + (5 + 3));
        assert_eq!(HistoryMessageView::decode(&bytes).unwrap().into_owned(), message);
    }
}
