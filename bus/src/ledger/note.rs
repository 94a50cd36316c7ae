//! Notes of a turn: what it has done outside so far, seen by whoever runs it again.
//!
//! A worker keeps the results of effects here, a gateway how far its send is. They live until the turn is settled.

use std::sync::LazyLock;

use bytes::Bytes;
use redis::Script;

use super::Ledger;
use crate::Error;

static NOTE: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("../lease/may.lua"), include_str!("note.lua"))));

/// What the notes of a turn hold, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(Vec<(String, Bytes)>);

impl Notes {
    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Bytes> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Ledger {
    /// Writes fields and gives what was there before. With `anew` a field that is there is written over, else it stays.
    pub(crate) async fn note(&self, cause: &str, fields: &[(&str, &[u8])], anew: bool) -> Result<Notes, Error> {
        const STEP: &str = "a note";
        let mut script = NOTE.key(self.fence());
        script.key(self.guests()).key(self.notes(cause));
        script.arg(self.tenure().token()).arg(&**self.pass.lane()).arg(u8::from(anew));
        for (field, value) in fields {
            script.arg(*field).arg(*value);
        }
        let redis::Value::Array(answer) = script.invoke_async(&mut self.bus.shared()).await? else {
            return Err(Error::Reply { step: STEP });
        };
        let mut answer = answer.into_iter();
        if answer.next() != Some(redis::Value::Int(1)) {
            return Err(self.pass.refused());
        }
        let mut notes = Vec::with_capacity(answer.len() / 2);
        while let (Some(name), Some(value)) = (answer.next(), answer.next()) {
            let (redis::Value::BulkString(name), redis::Value::BulkString(value)) = (name, value) else {
                return Err(Error::Reply { step: STEP });
            };
            notes.push((String::from_utf8_lossy(&name).into_owned(), Bytes::from(value)));
        }
        Ok(Notes(notes))
    }
}
