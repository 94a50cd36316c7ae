//! One send, from its record to the platform's ids: begun, repeated, looked up, or found to be done.

use bus::{Commit, Failure, KeptNotes, Notes, Turn};
use codec::{ActionType, OutboundView};

use super::{
    Egress, Undone,
    fit::fit,
    preview::Fate,
    record::{self, MORE, Record, State, hash_field, id_field, more_hash, text_hash},
    target::over,
};
use crate::platform::{Accepted, Part, SendError, Settling, Sought};

/// The messages that an action consists of.
#[derive(Debug)]
pub(super) struct Sent {
    /// The platform's ids.
    pub(super) ids: Vec<String>,
    notes: KeptNotes,
}

impl Sent {
    pub(super) fn commit(self) -> Commit {
        Commit { notes: Some(self.notes), ..Commit::default() }
    }
}

impl Egress {
    /// Makes the messages of an action, each once.
    pub(super) async fn send(
        &self,
        turn: &Turn,
        action: &OutboundView<'_>,
        is_in_doubt: bool,
    ) -> Result<Commit, Undone> {
        let file = self.file(turn, action).await?;
        let shown = fit(action, file.carried(), self.platform.capabilities());
        let file = file.take().filter(|_| shown.has_file);
        let parts = self.parts(action, &shown, file, &turn.facts().cause);
        if parts.is_empty() {
            // Who sent it wants nothing to be seen, which is done.
            self.end_own_preview(turn, action).await?;
            metrics::counter!("stargazer_egress_dropped_total", "reason" => "blank").increment(1);
            return Ok(Commit { notes: self.gates.is_some().then(over), ..Commit::default() });
        }
        if self.platform.settling() == Settling::EXACT {
            // A repeat is as good as a record, and costs nothing in advance.
            for part in &parts {
                self.send_if_current(turn, part).await?;
            }
            return Ok(Commit::default());
        }
        Ok(self.send_parts(turn, action, &parts, is_in_doubt).await?.commit())
    }

    /// Makes these messages under the record of the turn's action, each once.
    pub(super) async fn send_parts(
        &self,
        turn: &Turn,
        action: &OutboundView<'_>,
        parts: &[Part<'_, '_>],
        is_in_doubt: bool,
    ) -> Result<Sent, Undone> {
        let hashes: Vec<String> = parts.iter().map(|part| text_hash(&part.text)).collect();
        let more = more_hash(parts);
        let record = begin(turn, &hashes, &more, self.gates.is_some()).await?;
        let (mut is_unknown, mut taken_up) = (record.state() == State::Sending, None);
        let mut left = record.left().map(str::to_owned);
        if let (Some(_), Some(preview)) = (&self.gates, record.preview().filter(|preview| preview.fate() != Fate::None))
        {
            // Nothing of the action itself is sent before this.
            is_unknown = false;
            if action.action == ActionType::Message && !is_in_doubt {
                taken_up = self.take_up(turn, &parts[0], preview).await?;
            } else {
                left = self.leave(turn, &parts[0], preview).await?;
            }
        }
        let mut ids: Vec<String> = Vec::with_capacity(parts.len());
        for (number, part) in parts.iter().enumerate() {
            let accepted = match record.id(number) {
                // A turn that ran again may have committed another text than the one that was sent.
                Some(id) => {
                    if record.hash(number) != hashes[number] || record.more() != more {
                        self.amend_if_current(turn, part, id).await?;
                    }
                    ids.push(id.to_owned());
                    continue;
                }
                None if let Some(preview) = taken_up.take() => preview,
                None if std::mem::take(&mut is_unknown) => self.settle(turn, part, number, &record, &ids).await?,
                None => {
                    if let Some(last) = ids.last() {
                        // The part before is there; from here on it is this one whose fate is unknown.
                        let (id, hash) = (id_field(number - 1), hash_field(number));
                        let with = hashes[number].as_bytes();
                        turn.note(&[(&id, last.as_bytes()), ("at", Notes::NOW), (&hash, with)]).await?;
                    }
                    self.send_now(turn, part).await?
                }
            };
            if !accepted.is_whole(part) {
                self.amend_if_current(turn, part, &accepted.id).await?;
            }
            ids.push(accepted.id);
        }
        // An earlier run of the turn had committed a longer text.
        for surplus in record.ids().skip(parts.len()) {
            self.retract_if_current(turn, action, surplus).await?;
        }
        // Where the action could only be shown by the same message, that stays.
        if let Some(id) = left.filter(|id| !ids.contains(id)) {
            self.retract_if_current(turn, action, &id).await?;
        }
        let notes = record::sent(&ids, &hashes, more);
        Ok(Sent { ids, notes })
    }

    /// Finds out what became of a part that may have been sent.
    async fn settle(
        &self,
        turn: &Turn,
        part: &Part<'_, '_>,
        number: usize,
        record: &Record,
        others: &[String],
    ) -> Result<Accepted, Undone> {
        let settling = self.platform.settling();
        if record.age() < settling.repeats_within {
            self.count_settled("repeat");
            return Ok(self.send_if_current(turn, part).await?);
        }
        if settling.can_be_asked {
            let sought = Sought { part, since_ms: record.since_ms(), hash: record.hash(number), others };
            if let Some(found) = self.platform.look_up(&sought).await? {
                self.count_settled("found");
                return Ok(found);
            }
            self.count_settled("not_found");
            let hash = text_hash(&part.text);
            turn.note(&[("at", Notes::NOW), (&hash_field(number), hash.as_bytes())]).await?;
            return self.send_now(turn, part).await;
        }
        self.count_settled("doubt");
        let error = format!(
            "it is not known whether part {} was sent, and {} can neither dedupe nor be asked: look there, and replay this \
             letter if it is missing, which goes on with it",
            number + 1,
            self.platform.name()
        );
        Err(Undone::Never(Failure { code: "doubtful", error }))
    }

    /// It was found out so what became of a send.
    pub(super) fn count_settled(&self, by: &'static str) {
        let platform = self.platform.name().to_string();
        metrics::counter!("stargazer_sends_settled_total", "platform" => platform, "by" => by).increment(1);
    }

    /// Sends what surely was not sent before.
    async fn send_now(&self, turn: &Turn, part: &Part<'_, '_>) -> Result<Accepted, Undone> {
        let sent = self.send_if_current(turn, part).await;
        if let Err(SendError::Away(_) | SendError::Limited(_)) = sent {
            // Nor was it now, so the next try has nothing to find out. Of a repeat this would not be so.
            turn.note(&[("state", b"unsent")]).await?;
        }
        Ok(sent?)
    }
}

/// Notes that the send begins, and gives what was noted before: of one that was given up nothing where its preview was taken
/// away, since that may have been its first part.
async fn begin(turn: &Turn, hashes: &[String], more: &str, has_previews: bool) -> Result<Record, Undone> {
    let names: Vec<String> = (0..hashes.len()).map(hash_field).collect();
    let mut fields: Vec<(&str, &[u8])> = vec![("state", b"sending"), ("at", Notes::NOW)];
    fields.extend(names.iter().zip(hashes).map(|(name, hash)| (name.as_str(), hash.as_bytes())));
    fields.extend((!more.is_empty()).then_some((MORE, more.as_bytes())));
    let mut record = Record::new(turn.note_once(&fields).await?);
    if record.state() == State::GivenUp && has_previews {
        record = record.without_ids();
    }
    // Of what was done, more is to be done where an earlier run of the turn had committed a shorter text.
    let is_longer = record.state() == State::Sent && record.ids().count() < hashes.len();
    if is_longer || matches!(record.state(), State::Unsent | State::GivenUp) {
        let is_to_be_sent = |name: &str| {
            let part = name.strip_prefix("hash.").and_then(|part| part.parse().ok());
            part.is_none_or(|part| record.id(part).is_none())
        };
        fields.retain(|(name, _)| is_to_be_sent(name));
        turn.note(&fields).await?;
    }
    Ok(record)
}
