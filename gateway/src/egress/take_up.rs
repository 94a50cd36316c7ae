//! The final text takes its preview's place.

use std::borrow::Cow;

use bus::{Notes, Turn};
use codec::names;

use super::{
    Egress, Undone,
    preview::{Fate, ID, PREVIEW, PreviewRecord},
    record::{hash_field, id_field},
};
use crate::platform::{Accepted, Part, SendError, Sought};

/// Stands for the hash of a part that shows a preview: that of no text.
const PREVIEWED: &[u8] = b"preview";

impl Egress {
    /// Makes the preview's message the first part of its action. None where no message is there; that part is then to be sent.
    pub(super) async fn take_up(
        &self,
        turn: &Turn,
        part: &Part<'_, '_>,
        preview: PreviewRecord<'_>,
    ) -> Result<Option<Accepted>, Undone> {
        let found = match preview.fate() {
            Fate::None => return Ok(None),
            Fate::Shown(id) => Some(Accepted::new(id.to_owned())),
            Fate::Unknown if preview.age() < self.platform.settling().repeats_within => {
                // Whether it was made before or is made by this, there is one of it.
                self.count_settled("repeat");
                let key = names::preview_key(&turn.facts().cause);
                let again = Part::of_text(key, Cow::Borrowed(&part.text), part.action);
                match self.send_if_current(turn, &again).await {
                    // It was made, and somebody took it away.
                    Err(SendError::Gone(_)) => None,
                    sent => Some(sent?),
                }
            }
            Fate::Unknown => self.look_for_preview(part, preview).await?,
        };
        let Some(Accepted { id, text, .. }) = found else {
            turn.note(&[(PREVIEW, b"none"), ("at", Notes::NOW)]).await?;
            return Ok(None);
        };
        // Before its text is the final one, and without the hash of that: who repeats this gives it the text again.
        turn.note(&[(&id_field(0), id.as_bytes()), (&hash_field(0), PREVIEWED)]).await?;
        if part.has_more() || text.as_deref() != Some(&*part.text) {
            match self.amend_wholly(turn, part, &id).await {
                // Somebody took it away; what it was to show is sent.
                Err(SendError::Gone(_)) => {
                    turn.note(&[(PREVIEW, b"none"), (&id_field(0), b""), ("at", Notes::NOW)]).await?;
                    return Ok(None);
                }
                amended => amended?,
            }
        }
        Ok(Some(Accepted::new(id)))
    }

    /// Leaves the preview's message to be taken away when its action is shown by another one: one that cannot take its place, or
    /// one whose text might be changed yet. Gives its id.
    pub(super) async fn leave(
        &self,
        turn: &Turn,
        part: &Part<'_, '_>,
        preview: PreviewRecord<'_>,
    ) -> Result<Option<String>, Undone> {
        let id = match preview.fate() {
            Fate::None => None,
            Fate::Shown(id) => Some(id.to_owned()),
            Fate::Unknown => self.look_for_preview(part, preview).await?.map(|found| found.id),
        };
        let state: &[u8] = if id.is_some() { b"left" } else { b"none" };
        let mut fields = vec![(PREVIEW, state), ("at", Notes::NOW)];
        fields.extend(id.as_ref().map(|id| (ID, id.as_bytes())));
        turn.note(&fields).await?;
        Ok(id)
    }

    /// Looks whether a preview's message was made.
    pub(super) async fn look_for_preview(
        &self,
        part: &Part<'_, '_>,
        preview: PreviewRecord<'_>,
    ) -> Result<Option<Accepted>, Undone> {
        let sought = Sought { part, since_ms: preview.since_ms(), hash: preview.hash(), others: &[] };
        let found = self.platform.look_up(&sought).await?;
        self.count_settled(if found.is_some() { "found" } else { "not_found" });
        Ok(found)
    }
}
