//! Which request of a chat is being answered, told from its log alone.

use std::collections::BTreeSet;

use bus::LogEntry;

use super::frames::{Entry, EntryBody};

/// Newest entries of a log that are looked at. A request further back has been answered or was given up.
pub(super) const LOOK_BACK: usize = 32;

/// Whether a request is still without an entry of its cause. `newest` has the newest entry first.
pub(super) fn is_answering(platform: &str, newest: &[LogEntry]) -> bool {
    let mut answered = BTreeSet::new();
    for entry in newest {
        let Ok(Entry { body, .. }) = serde_json::from_slice(&entry.data) else { continue };
        match body {
            EntryBody::Message { key, .. } | EntryBody::Edit { key, .. } | EntryBody::Delete { key, .. } => {
                answered.insert(key.rsplit_once(':').map_or(key.as_str(), |(cause, _)| cause).to_owned());
            }
            EntryBody::User { id, .. } | EntryBody::Regenerate { id, .. } => {
                if !answered.contains(&cause(platform, &id)) {
                    return true;
                }
            }
            EntryBody::Stop { .. } => {}
        }
    }
    false
}

/// The cause of a request.
pub(super) fn cause(platform: &str, request: &str) -> String {
    codec::event_id::message(platform, request)
}

#[cfg(test)]
mod tests {
    use codec::names;

    use super::*;

    fn key(request: &str) -> String {
        names::message_key(&cause("webchat", request), 0)
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
        let said = |id: &str| EntryBody::User { id: id.into(), text: "x".into() };
        let answer = |id: &str| EntryBody::Message { key: key(id), text: "y".into() };
        let is_answering = |bodies: &[EntryBody]| is_answering("webchat", &log(bodies));
        assert!(!is_answering(&[]));
        assert!(is_answering(&[said("a")]));
        assert!(!is_answering(&[said("a"), answer("a")]));
        assert!(is_answering(&[said("a"), said("b"), answer("a")]));
        assert!(!is_answering(&[said("a"), EntryBody::Message { key: "webchat:a:dead".into(), text: "sorry".into() }]));
        let again = EntryBody::Regenerate { id: "r".into(), target: key("a") };
        assert!(is_answering(&[said("a"), answer("a"), again.clone()]));
        assert!(!is_answering(&[
            said("a"),
            answer("a"),
            again,
            EntryBody::Delete { key: "webchat:r:1".into(), target: key("a") }
        ]));
    }
}
