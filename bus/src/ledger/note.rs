//! Notes of a turn: what it has done outside so far, seen by whoever runs it again.
//!
//! A worker keeps the results of effects here, a gateway how far its send is. They live until the turn is settled.

use std::sync::LazyLock;

use bytes::Bytes;
use redis::{Script, ScriptInvocation, Value};

use super::Ledger;
use crate::{EntryId, Error, Role};

static NOTE: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("../lease/may.lua"), include_str!("note.lua"))));

/// What the notes of a turn held, by field, before something was added to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    fields: Vec<(String, Bytes)>,
    now_ms: u64,
    had_ended: bool,
}

impl Notes {
    /// As a value, it is written as the server's time in ms since epoch.
    pub const NOW: &'static [u8] = b"@now";

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Bytes> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// The value of a field that is a text.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.get(field).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Whether they are of a turn that had ended: a replay of one that was given up, or a copy of one that was done.
    #[must_use]
    pub fn had_ended(&self) -> bool {
        self.had_ended
    }

    /// The server's time, in ms since epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }
}

impl Ledger {
    /// Writes fields and gives what was there before. `run` grows with each run of a turn: what an earlier one has sent and comes
    /// late is refused.
    /// With `anew` a field that is there is written over, else it stays.
    pub(crate) async fn note(
        &self,
        (entry, cause, run): (EntryId, &str, u64),
        fields: &[(&str, &[u8])],
        anew: bool,
    ) -> Result<Notes, Error> {
        let mut script = NOTE.key(self.fence());
        script.key(self.guests()).key(self.attempts()).key(self.notes(cause));
        script.arg(self.tenure().token()).arg(&**self.pass.lane()).arg(entry.to_string()).arg(u8::from(anew)).arg(run);
        for (field, value) in fields {
            script.arg(*field).arg(*value);
        }
        match self.noted(&script).await? {
            (1, notes) => Ok(notes),
            _ => Err(self.pass.refused()),
        }
    }

    /// What is kept of another turn of this role. A plain stream has little of its own: what turns of the sharded streams did is
    /// found in the shard of `lane`.
    pub(crate) async fn kept(&self, lane: &str, cause: &str) -> Result<Notes, Error> {
        let mut notes = self.kept_at(&self.notes(cause)).await?;
        if let (true, Role::PlainOutbound(platform)) = (notes.fields.is_empty(), &self.role) {
            let names = self.bus.names();
            let shard = names.shards.of(lane);
            notes = self.kept_at(&names.notes(&Role::Outbound(platform.clone()), shard, cause)).await?;
        }
        Ok(notes)
    }

    async fn kept_at(&self, key: &str) -> Result<Notes, Error> {
        let fields: Vec<(String, Vec<u8>)> = redis::cmd("HGETALL").arg(key).query_async(&mut self.bus.shared()).await?;
        let fields = fields.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect();
        Ok(Notes { fields, ..Notes::default() })
    }

    /// Runs a script that notes something: its first number, and what was there before.
    pub(super) async fn noted(&self, script: &ScriptInvocation<'_>) -> Result<(i64, Notes), Error> {
        const ODD: Error = Error::Reply { step: "a note" };
        let armed = self.bus.arm().await?;
        let Value::Array(answer) = script.invoke_async(&mut self.bus.shared()).await? else { return Err(ODD) };
        let mut answer = answer.into_iter();
        let Some(Value::Int(word)) = answer.next() else { return Err(ODD) };
        if word == 0 {
            return Ok((word, Notes::default()));
        }
        if word == 1 {
            armed.settled("note").await?;
        }
        let mut texts = answer.map(|value| match value {
            Value::BulkString(text) => Ok(text),
            _ => Err(ODD),
        });
        let now = texts.next().ok_or(ODD)??;
        let had_ended = texts.next().ok_or(ODD)?? == b"1";
        let now_ms = std::str::from_utf8(&now).ok().and_then(|now| now.parse().ok()).ok_or(ODD)?;
        let mut notes = Notes { fields: Vec::new(), now_ms, had_ended };
        while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
            notes.fields.push((String::from_utf8_lossy(&name?).into_owned(), Bytes::from(value?)));
        }
        Ok((word, notes))
    }
}
