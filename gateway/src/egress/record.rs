//! How far the send of one action is, as it is noted in Redis under the fence before the first byte leaves.
//!
//! Fields: `state` (`sending`, `unsent`, `sent`), `at` (when the first part without an id was, or is about to be, sent; ms
//! since epoch by Redis' clock), for each part `hash.<n>` of the text that it was sent with and `id.<n>` once the platform has it,
//! and `more`, a hash of buttons and files, where there are any.

use std::time::Duration;

use bus::{KeptNotes, Notes};
use bytes::Bytes;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use super::preview::PreviewRecord;
use crate::platform::Part;

/// How long it is known what was sent: longer than any event is repeated, and than most targets are still of interest.
pub(super) const SENT_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// What tells one text from another in a record of a send.
#[must_use]
pub fn text_hash(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

pub(super) const MORE: &str = "more";

/// What tells the buttons and files of one send from those of another; empty where there are none.
pub(super) fn more_hash(parts: &[Part<'_, '_>]) -> String {
    let mut hasher = Xxh3Default::new();
    for (number, part) in parts.iter().enumerate().filter(|(_, part)| part.has_more()) {
        // Lengths first, so that no two sends are told by the same bytes.
        for field in part.more() {
            hasher.update(&(number as u64).to_le_bytes());
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
    }
    if parts.iter().any(Part::has_more) { format!("{:032x}", hasher.digest128()) } else { String::new() }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was noted before: this is the first try.
    New,
    /// It was begun; whether the first part without an id was taken is unknown.
    Sending,
    /// The platform surely did not take what was tried last.
    Unsent,
    Sent,
    /// It was given up in the middle. Who replays it knows that the part in doubt is not there.
    GivenUp,
}

/// What was noted before this try.
#[derive(Debug)]
pub(super) struct Record {
    notes: Notes,
    /// Its ids are of messages that may be gone.
    is_void: bool,
}

impl Record {
    pub(super) fn new(notes: Notes) -> Self {
        Self { notes, is_void: false }
    }

    /// The same without ids.
    pub(super) fn without_ids(self) -> Self {
        Self { is_void: true, ..self }
    }

    /// The preview of the same action, unless a turn has ended that, or the action was given up.
    pub(super) fn preview(&self) -> Option<PreviewRecord<'_>> {
        let preview = PreviewRecord(&self.notes);
        let is_to_be_taken_up = matches!(self.state(), State::New | State::Sending | State::Unsent)
            && self.id(0).is_none()
            && !preview.is_over();
        is_to_be_taken_up.then_some(preview)
    }

    /// The platform's id of a preview that was left beside its action, to be taken away.
    pub(super) fn left(&self) -> Option<&str> {
        PreviewRecord(&self.notes).left()
    }

    /// The platform's ids of all parts that it surely has.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        (0..).map_while(|part| self.id(part))
    }

    pub(super) fn state(&self) -> State {
        match self.notes.text("state") {
            None => State::New,
            Some("unsent") => State::Unsent,
            Some("sent") => State::Sent,
            Some(_) if self.notes.had_ended() => State::GivenUp,
            Some(_) => State::Sending,
        }
    }

    /// The platform's id of a part that it surely has.
    pub(super) fn id(&self, part: usize) -> Option<&str> {
        self.notes.text(&id_field(part)).filter(|id| !id.is_empty() && !self.is_void)
    }

    /// What a part was sent with.
    pub(super) fn hash(&self, part: usize) -> &str {
        self.notes.text(&hash_field(part)).unwrap_or_default()
    }

    /// A hash of the buttons and files that it was sent with; empty where there were none.
    pub(super) fn more(&self) -> &str {
        self.notes.text(MORE).unwrap_or_default()
    }

    /// When the first part without an id was about to be sent.
    pub(super) fn since_ms(&self) -> u64 {
        self.notes.text("at").and_then(|at| at.parse().ok()).unwrap_or(0)
    }

    /// How long that is ago.
    pub(super) fn age(&self) -> Duration {
        Duration::from_millis(self.notes.now_ms().saturating_sub(self.since_ms()))
    }
}

/// Of which messages an action consists, since another one has changed their number.
pub(super) struct Shown(pub(super) Notes);

impl Shown {
    const IDS: &str = "ids";

    pub(super) fn ids(&self) -> Option<Vec<String>> {
        Some(self.0.text(Self::IDS)?.split_terminator('\n').map(str::to_owned).collect())
    }

    pub(super) fn field(ids: &[String]) -> (&'static str, String) {
        (Self::IDS, ids.join("\n"))
    }
}

pub(super) fn id_field(part: usize) -> String {
    format!("id.{part}")
}

pub(super) fn hash_field(part: usize) -> String {
    format!("hash.{part}")
}

/// What is left of a send that is done.
pub(super) fn sent(ids: &[String], hashes: &[String], more: String) -> KeptNotes {
    let mut fields = vec![("state".to_owned(), Bytes::from_static(b"sent"))];
    for (part, id) in ids.iter().enumerate() {
        fields.push((id_field(part), id.clone().into()));
    }
    for (part, hash) in hashes.iter().enumerate() {
        fields.push((hash_field(part), hash.clone().into()));
    }
    if !more.is_empty() {
        fields.push((MORE.to_owned(), more.into()));
    }
    KeptNotes { fields, ttl: SENT_KEPT }
}
