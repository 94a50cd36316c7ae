//! The journal: what a turn does outside before its commit, by the number of the call.
//!
//! Each call is noted under the fence before it is made, and its result before the turn goes on by it. A turn that runs again
//! and makes the same calls gets the results that are there, so nothing is done twice that says it must not be.

use bytes::Bytes;

use super::Turn;
use crate::Error;

/// In front of a result; a call that was begun has nothing.
const DONE: u8 = b'=';

/// What the journal knows of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It was not made before. It is noted as begun: make it now.
    New,
    /// An earlier run began it, and nobody knows whether it was done. What may be repeated is made again; what must happen
    /// at most once is not.
    Begun,
    /// An earlier run made it, with this result.
    Done(Bytes),
}

impl Turn {
    /// Notes that the call of this number begins, and gives what is known of it.
    ///
    /// # Errors
    /// When Redis did not answer, or the turn has lost its lane: then the call must not be made.
    pub async fn begin_effect(&self, call: u32) -> Result<Effect, Error> {
        let field = field(call);
        let notes = self.note_once(&[(&field, b"")]).await?;
        Ok(match notes.get(&field) {
            None => Effect::New,
            Some(noted) if noted.first() == Some(&DONE) => Effect::Done(noted.slice(1..)),
            Some(_) => Effect::Begun,
        })
    }

    /// Notes the result of a call. Until then the turn must not go on by it.
    ///
    /// # Errors
    /// When Redis did not answer, or the turn has lost its lane.
    pub async fn end_effect(&self, call: u32, result: &[u8]) -> Result<(), Error> {
        let noted = [&[DONE], result].concat();
        self.note(&[(&field(call), &noted)]).await.map(drop)
    }
}

fn field(call: u32) -> String {
    format!("t{call}")
}
