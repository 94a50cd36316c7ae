//! The answer to an `rpc`, from the gateway to who asked.

use crate::envelope::envelope;
use crate::limits;
use crate::raw::Raw;
use crate::schema::Bound;

envelope! {
    /// What came of one `rpc`.
    Answer, AnswerView, named "answer", under "";

    /// The `message_key` of the action.
    id: String, Required, Bound::some(limits::KEY_BYTES), "discord:1482309033636531201:t3".into();
    /// Whether it was done.
    ok: bool, Written, Bound::ANY, true;
    /// What the method gives.
    result: Option<Raw>, Optional, Bound::up_to(limits::RAW_BYTES),
        Raw::new(bytes::Bytes::from_static(b"\x81\xa4name\xa6builds")).ok();
    /// Why it was not done.
    error: Option<Refusal>, Optional, Bound::ANY, Some(Refusal::example());
}

envelope! {
    /// Why an `rpc` was not done.
    Refusal, RefusalView, named "error", under "error.";

    /// From a closed list.
    code: String, Required, Bound::some(limits::ID_BYTES), "unknown_method".into();
    /// In words, for people and logs.
    message: String, Written, Bound::up_to(limits::TEXT_BYTES), "this platform has no such method".into();
}
