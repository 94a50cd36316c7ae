//! Deletes and edits of what earlier actions made, and the end of a preview whose action does not come.

use bus::{Ahead, Commit, KeptNotes, Notes, Turn};
use bytes::Bytes;
use codec::{ActionType, OutboundView, names};

use super::{
    Egress, Undone,
    fit::{Carried, fit},
    preview::{Fate, OVER, PreviewRecord},
    record::{Record, SENT_KEPT, State},
};
use crate::platform::Part;

/// What is left of an action that shows nothing: a late frame of its preview begins none.
pub(super) fn over() -> KeptNotes {
    KeptNotes { fields: vec![(OVER.to_owned(), Bytes::from_static(b"1"))], ttl: SENT_KEPT }
}

impl Egress {
    /// Carries out a delete or an edit.
    pub(super) async fn change(&self, turn: &Turn, action: &OutboundView<'_>) -> Result<Commit, Undone> {
        let (Some(_), Some(target)) = (&self.gates, action.target_key) else {
            self.apply_if_current(turn, action).await?;
            return Ok(Commit::default());
        };
        let notes = self.end(turn, target).await?;
        let record = Record::new(notes.clone());
        let preview = self.preview_id(action, &notes, target).await?;
        let mut ids: Vec<&str> = record.ids().collect();
        if let Some(id) = &preview
            && !ids.contains(&id.as_str())
        {
            ids.push(id);
        }
        let is_own = *target == *turn.facts().cause;
        match (action.action, preview.as_deref()) {
            (ActionType::Delete, _) if !ids.is_empty() || is_own => {
                if ids.is_empty() {
                    self.give_way_if_current(turn, action).await?;
                }
                for id in ids {
                    self.retract_if_current(turn, action, id).await?;
                }
            }
            (ActionType::Edit, Some(id)) if record.state() == State::New => {
                let shown = fit(action, Carried::Nothing, self.platform.capabilities());
                let part = self.only_part(action, &shown, names::preview_key(target));
                self.amend_if_current(turn, &part, id).await?;
            }
            // Made before there were records, or they are gone by now: the platform may know the key.
            _ => self.apply_if_current(turn, action).await?,
        }
        Ok(Commit { notes: is_own.then(over), ..Commit::default() })
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
