//! Deletes, edits and reactions to what earlier actions made, and the end of a preview whose action does not come.

use bus::{Ahead, Commit, KeptNotes, Notes, Turn};
use bytes::Bytes;
use codec::{ActionType, OutboundView, names};

use super::{
    Egress, Undone,
    fit::{Carried, fit},
    preview::{Fate, OVER, PreviewRecord},
    record::{Record, SENT_KEPT, Shown, State},
};
use crate::platform::{Part, Settling};

/// What earlier actions made.
#[derive(Debug)]
struct Made {
    /// The platform's ids, in the order in which they were made.
    ids: Vec<String>,
    /// It is a message that showed what was being written.
    is_preview: bool,
}

/// What is left of an action that shows nothing: a late frame of its preview begins none.
pub(super) fn over() -> KeptNotes {
    KeptNotes { fields: vec![(OVER.to_owned(), Bytes::from_static(b"1"))], ttl: SENT_KEPT }
}

impl Egress {
    /// Carries out a delete, an edit or a reaction.
    pub(super) async fn change(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<Commit, Undone> {
        if self.platform.settling() == Settling::EXACT {
            // It knows its messages by our keys.
            self.apply_if_current(turn, action).await?;
            return Ok(Commit::default());
        }
        let is_own = action.target_key.is_some_and(|target| *target == *turn.facts().cause);
        let made = self.made(turn, action).await?;
        match action.action {
            ActionType::Delete if !made.ids.is_empty() || is_own => {
                if made.ids.is_empty() {
                    self.give_way_if_current(turn, action).await?;
                }
                for id in &made.ids {
                    self.retract_if_current(turn, action, id).await?;
                }
            }
            ActionType::Edit if !made.ids.is_empty() => return self.rewrite(turn, action, &made).await,
            // What is about a whole text stands where that ends.
            ActionType::Reaction if let Some(id) = made.ids.last() => {
                let action = OutboundView { target: Some(id), target_key: None, ..*action };
                self.apply_if_current(turn, &action).await?;
            }
            // Made before there were records, or they are gone by now: the platform may know the key.
            _ => self.apply_if_current(turn, action).await?,
        }
        Ok(Commit { notes: (is_own && self.gates.is_some()).then(over), ..Commit::default() })
    }

    /// The messages that an action is about.
    async fn made(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<Made, Undone> {
        let Some(target) = action.target_key else {
            return Ok(Made { ids: action.target.map(str::to_owned).into_iter().collect(), is_preview: false });
        };
        let ends_preview = self.gates.is_some() && action.action != ActionType::Reaction;
        let notes = if ends_preview { self.end(turn, target).await? } else { turn.kept_notes(target).await? };
        let record = Record::new(notes.clone());
        let shown = Shown(turn.kept_notes(&names::shown_key(target)).await?);
        let mut ids = shown.ids().unwrap_or_else(|| record.ids().map(str::to_owned).collect());
        let is_preview = record.state() == State::New;
        if ends_preview
            && let Some(id) = self.preview_id(action, &notes, target).await?
            && !ids.contains(&id)
        {
            ids.push(id);
        }
        Ok(Made { ids, is_preview })
    }

    /// Gives messages another text. Where it needs more of them, those are made under the edit's own record; what it does not need
    /// goes away.
    async fn rewrite(&self, turn: &Turn, action: &OutboundView<'_>, made: &Made) -> Result<Commit, Undone> {
        let shown = fit(action, Carried::Nothing, self.platform.capabilities());
        if let (true, [id], Some(target)) = (made.is_preview, made.ids.as_slice(), action.target_key) {
            let part = self.only_part(action, &shown, names::preview_key(target));
            self.amend_if_current(turn, &part, id).await?;
            return Ok(Commit::default());
        }
        let mut parts = self.parts(action, &shown, None, &turn.facts().cause);
        let further = parts.split_off(made.ids.len().min(parts.len()));
        for (part, id) in parts.iter().zip(&made.ids) {
            if action.target_key.is_some() {
                // One that somebody took away holds up none of the others.
                self.amend_if_current(turn, part, id).await?;
            } else {
                self.amend_wholly(turn, part, id).await?;
            }
        }
        for surplus in &made.ids[parts.len()..] {
            self.retract_if_current(turn, action, surplus).await?;
        }
        let (mut ids, mut commit) = (made.ids.clone(), Commit::default());
        ids.truncate(parts.len());
        if !further.is_empty() {
            let sent = self.send_parts(turn, action, &further, false).await?;
            ids.extend(sent.ids.iter().cloned());
            commit = sent.commit();
        }
        if let (Some(target), true) = (action.target_key, ids != made.ids) {
            // Who changes it next finds all of it. Should this be written and the turn run again, nothing further is made.
            let (field, shown) = Shown::field(&ids);
            turn.note_of_anew(&names::shown_key(target), &[(field, shown.as_bytes())], SENT_KEPT).await?;
        }
        Ok(commit)
    }

    /// Takes away what was begun to be said by an action that does not come.
    pub(super) async fn end_preview(&self, turn: &Turn, action: &OutboundView<'_>, target: &str) -> Result<(), Undone> {
        if self.gates.is_none() {
            return Ok(());
        }
        let notes = self.end(turn, target).await?;
        if Record::new(notes.clone()).state() == State::New
            && let Some(id) = self.preview_id(action, &notes, target).await?
        {
            self.retract_if_current(turn, action, &id).await?;
        }
        Ok(())
    }

    /// Takes away the preview of an action that is given up.
    pub(super) async fn end_own_preview(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<(), Undone> {
        if self.gates.is_none() {
            return Ok(());
        }
        let notes = turn.note_once(&[]).await?;
        let ended = async {
            match self.preview_id(action, &notes, &turn.facts().cause).await? {
                Some(id) => Ok(self.retract_if_current(turn, action, &id).await?),
                None => Ok(()),
            }
        };
        match ended.await {
            // It is given up for what the platform has no way to do; this may be the same.
            Err(Undone::Never(_)) => Ok(()),
            ended => ended,
        }
    }

    /// From here on no preview of an action is begun, by whomever; gives what was noted of it before.
    async fn end(&self, turn: &Turn, target: &str) -> Result<Notes, Undone> {
        self.shut(target).await?;
        let over: [(&str, &[u8]); 1] = [(OVER, b"1")];
        if *target == *turn.facts().cause {
            return Ok(turn.note_once(&over).await?);
        }
        match turn.note_of(target, &over, SENT_KEPT).await? {
            Ahead::Noted(notes) | Ahead::Late(notes) => Ok(notes),
        }
    }

    /// The platform's id of a preview's message, where there is one.
    async fn preview_id(
        &self,
        action: &OutboundView<'_>,
        notes: &Notes,
        target: &str,
    ) -> Result<Option<String>, Undone> {
        let preview = PreviewRecord(notes);
        match preview.fate() {
            Fate::None => Ok(preview.left().map(str::to_owned)),
            Fate::Shown(id) => Ok(Some(id.to_owned())),
            Fate::Unknown => {
                // Not by a repeat, which might make it.
                let part = Part::of_text(names::preview_key(target), "".into(), action);
                Ok(self.look_for_preview(&part, preview).await?.map(|found| found.id))
            }
        }
    }
}
