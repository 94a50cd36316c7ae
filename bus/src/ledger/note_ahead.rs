//! Notes of an action that is not in its stream yet, or is another turn's: what goes ahead of its send, as a preview does.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use super::{Ledger, Notes};
use crate::Error;

static NOTE_AHEAD: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("../lease/may.lua"), include_str!("note_ahead.lua"))));

/// The answer to a note that goes ahead of an action, with what was noted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ahead {
    /// It is noted.
    Noted(Notes),
    /// Nothing was noted: the action's own send has begun, or what goes ahead of it is over.
    Late(Notes),
}

impl Ledger {
    /// Writes fields, to be kept for so long unless the action's own turn takes them up. With `anew` a field that is there is
    /// written over, else it stays.
    pub(crate) async fn note_ahead(
        &self,
        cause: &str,
        fields: &[(&str, &[u8])],
        kept: Duration,
        anew: bool,
    ) -> Result<Ahead, Error> {
        let mut script = NOTE_AHEAD.key(self.fence());
        script.key(self.guests()).key(self.notes(cause));
        script.arg(self.tenure().token()).arg(&**self.pass.lane()).arg(kept.as_secs().max(1)).arg(u8::from(anew));
        for (field, value) in fields {
            script.arg(*field).arg(*value);
        }
        match self.noted(&script).await? {
            (1, notes) => Ok(Ahead::Noted(notes)),
            (2, notes) => Ok(Ahead::Late(notes)),
            _ => Err(self.pass.refused()),
        }
    }
}
