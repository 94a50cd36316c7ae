//! Which request of a chat is being answered, told from its log alone.

use std::collections::BTreeSet;

use bus::LogEntry;

use super::frames::{Entry, EntryBody};

/// Newest entries of a log that are looked at. A request further back has been answered or was given up.
pub(super) const LOOK_BACK: usize = 32;

/// Whether a request is still without an entry of its cause. `newest` has the newest entry first.
pub(super) fn is_answering(newest: &[LogEntry]) -> bool {
    let mut answered = BTreeSet::new();
    for entry in newest {
        let Ok(Entry { body, .. }) = serde_json::from_slice(&entry.data) else { continue };
        match body {
            EntryBody::Message { key, .. } | EntryBody::Edit { key, .. } | EntryBody::Delete { key, .. } => {
                answered.insert(cause_of(&key).to_owned());
            }
            EntryBody::User { cause, .. } | EntryBody::Regenerate { cause, .. } => {
                if !answered.contains(&cause) {
                    return true;
                }
            }
            EntryBody::Stop { .. }
            | EntryBody::Change { .. }
            | EntryBody::Retract { .. }
            | EntryBody::Reaction { .. }
            | EntryBody::Press { .. } => {}
        }
    }
    false
}

/// The cause of an action with this key.
pub(super) fn cause_of(key: &str) -> &str {
    key.rsplit_once(':').map_or(key, |(cause, _)| cause)
}

#[cfg(test)]
mod tests {
    use codec::names;

    use super::*;

    fn key(request: &str) -> String {
        names::message_key(request, 0)
    }

    fn log(bodies: &[EntryBody]) -> Vec<LogEntry> {
        let entry = |(number, body): (usize, &EntryBody)| LogEntry {
            number: number as u64,
            data: Entry { ts: 1, body: body.clone() }.to_json().into(),
        };
        bodies.iter().enumerate().map(entry).rev().collect()
    }

    #[test]
    fn a_request_is_answered_by_an_entry_of_its_cause() {
        let said =
            |id: &str| EntryBody::User { id: "id".into(), cause: id.into(), text: "x".into(), files: Vec::new() };
        let answer = |id: &str| EntryBody::Message { key: key(id), text: "y".into(), file: None, buttons: Vec::new() };
        let is_answering = |bodies: &[EntryBody]| is_answering(&log(bodies));
        assert!(!is_answering(&[]));
        assert!(is_answering(&[said("a")]));
        assert!(!is_answering(&[said("a"), answer("a")]));
        assert!(is_answering(&[said("a"), said("b"), answer("a")]));
        assert!(!is_answering(&[
            said("a"),
            EntryBody::Message { key: "a:dead".into(), text: "sorry".into(), file: None, buttons: Vec::new() }
        ]));
        let again = EntryBody::Regenerate { id: "id".into(), cause: "r".into(), target: key("a") };
        assert!(is_answering(&[said("a"), answer("a"), again.clone()]));
        assert!(!is_answering(&[
            said("a"),
            answer("a"),
            again,
            EntryBody::Delete { key: "r:1".into(), target: key("a") }
        ]));
    }
}
