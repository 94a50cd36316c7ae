//! Ending a turn: all of its effects and its acknowledgement in one step.

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use redis::Script;

use super::{DONE_MAX, Ledger};
use crate::{EntryId, Error, Role, unix_ms};

static COMMIT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("../lease/may.lua"),
        include_str!("marks.lua"),
        include_str!("ack.lua"),
        include_str!("commit.lua")
    ))
});

/// What a turn did.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// To be carried out by gateways, in this order.
    pub actions: Vec<Action>,
    /// What becomes of the lane's history.
    pub history: Option<HistoryWrite>,
    /// What is kept of the turn's notes; without it they go.
    pub notes: Option<KeptNotes>,
}

/// The last word of a turn's notes.
#[derive(Debug, Clone)]
pub struct KeptNotes {
    /// All that is left.
    pub fields: Vec<(String, Bytes)>,
    /// For so long.
    pub ttl: Duration,
}

/// One outbound action: an envelope for the outbound stream of a platform, on the shard of its cause.
#[derive(Debug, Clone)]
pub struct Action {
    /// The platform's name.
    pub platform: String,
    /// The envelope.
    pub data: Bytes,
    /// `UUIDv7` text.
    pub trace_id: String,
}

/// A change of a lane's history. Applied in the order of the fields.
#[derive(Debug, Clone)]
pub struct HistoryWrite {
    /// Forget everything.
    pub clear: bool,
    /// Forget this many of the newest messages.
    pub drop_newest: u32,
    /// Add these, oldest first.
    pub push: Vec<Bytes>,
    /// Keep at most this many.
    pub keep: u32,
    /// Forget the lane when nothing was said for this long.
    pub ttl: Duration,
}

/// The answer to a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Committed {
    /// All of it was done now.
    Now,
    /// It had been done before, by this commit or by another run of the cause; what was still pending was acked.
    Before,
}

impl Ledger {
    /// Commits a turn over `entries` (each with its cause); the first one is the turn's own.
    pub(crate) async fn commit(&self, entries: &[(EntryId, &str)], commit: &Commit) -> Result<Committed, Error> {
        let (names, shard) = (self.bus.names(), self.tenure().shard());
        let [even, odd] = names.done(&self.role, shard);
        let mut script = COMMIT.key(self.fence());
        script.key(self.guests()).key(self.stream()).key(self.attempts()).key(even).key(odd);
        let cause = entries.first().map_or("", |(_, cause)| cause);
        script.key(self.notes(cause)).key(names.history(&self.role, shard, self.pass.lane())).key(self.settled());
        let mut platforms: Vec<&str> = Vec::new();
        for action in &commit.actions {
            if !platforms.contains(&action.platform.as_str()) {
                platforms.push(&action.platform);
                script.key(names.stream(&Role::Outbound(action.platform.clone()), shard));
            }
        }

        script.arg(self.tenure().token()).arg(&**self.pass.lane()).arg(self.group());
        script.arg(self.marks_window()).arg(DONE_MAX).arg(unix_ms()).arg(self.deletes());
        script.arg(self.tenure().settled());
        script.arg(entries.len());
        for (id, cause) in entries {
            script.arg(id.to_string()).arg(*cause);
        }
        match &commit.notes {
            None => {
                script.arg(0).arg(0);
            }
            Some(kept) => {
                script.arg(kept.ttl.as_secs().max(1)).arg(kept.fields.len());
                for (field, value) in &kept.fields {
                    script.arg(field).arg(value.as_ref());
                }
            }
        }
        match &commit.history {
            None => {
                script.arg(0);
            }
            Some(write) => {
                script.arg(1).arg(u8::from(write.clear)).arg(write.drop_newest).arg(write.keep);
                script.arg(write.ttl.as_secs()).arg(write.push.len());
                for message in &write.push {
                    script.arg(message.as_ref());
                }
            }
        }
        script.arg(commit.actions.len());
        for action in &commit.actions {
            let position = platforms.iter().position(|platform| *platform == action.platform).unwrap_or(0);
            script.arg(position).arg(action.data.as_ref()).arg(&action.trace_id);
        }

        let armed = self.bus.arm().await?;
        let (word, settled): (String, u64) = script.invoke_async(&mut self.bus.shared()).await?;
        self.tenure().note_settled(settled);
        if matches!(word.as_str(), "NOW" | "BEFORE") {
            armed.settled("commit").await?;
        }
        match word.as_str() {
            "NOW" => Ok(Committed::Now),
            "BEFORE" => Ok(Committed::Before),
            "FORGOT" => Err(self.forgot()),
            "FENCED" => Err(self.pass.refused()),
            _ => Err(Error::Reply { step: "a commit" }),
        }
    }
}
