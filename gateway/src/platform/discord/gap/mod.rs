//! Messages that came while no session was there to tell of them: after each identify, what stands behind the mark of a channel is
//! read by HTTP and taken as if the socket had told it.
//!
//! Bounded in age and count by the settings. A server without a mark is one that was never listened to, and stays as it is.
//! Nothing runs twice, since a message has the same `event_id` either way.

mod hold;
mod marks;
mod missed;
mod readable;
mod reading;
mod repair;
mod tally;

use std::sync::Arc;

use serde_json::Value;
use tokio::{sync::mpsc, time::Instant};

use super::{Shared, event::id};
pub(super) use hold::{Held, Hold, Turn};
pub(super) use marks::{Marks, Taken, Writing};
use readable::{Rights, rooms};
pub(super) use repair::{Job, run};
use repair::{Of, Room};
use tally::Tallies;

/// Servers that wait to be looked at. A start has one job for each.
const JOBS_MAX: usize = 4_096;

pub(super) fn channel() -> (mpsc::Sender<Job>, mpsc::Receiver<Job>) {
    mpsc::channel(JOBS_MAX)
}

/// The gaps of one shard of Discord's.
#[derive(Debug)]
pub(super) struct Gaps {
    shard: u32,
    pub(super) hold: Hold,
    tallies: Tallies,
    /// Those who keep the shards have it for as long as they do.
    jobs: mpsc::WeakSender<Job>,
}

impl Gaps {
    pub(super) fn new(shard: u32, jobs: mpsc::WeakSender<Job>) -> Arc<Self> {
        Arc::new(Self { shard, hold: Hold::default(), tallies: Tallies::default(), jobs })
    }

    /// A session has begun. What is private goes over the first shard.
    pub(super) fn begin(self: &Arc<Self>, shared: &Shared) {
        if shared.reads_gaps() && self.shard == 0 {
            self.hold.begin_private();
            self.ask(shared, Of::Private);
        }
    }

    /// A server is there: from now on its channels tell what is said in them.
    pub(super) fn arrives(self: &Arc<Self>, shared: &Shared, guild: &Value) {
        let Some(guild_id) = id(&guild["id"]).filter(|_| shared.reads_gaps()) else { return };
        let recent = recent(guild, shared.gap_floor(), shared.me());
        if recent.is_empty() {
            // Nothing is missing that would be read.
            shared.marks.begin(guild_id, last(guild));
        } else {
            self.hold.begin(recent.iter().map(|(channel, _)| *channel));
            let unread = |(channel, last)| Room { channel, last, unread: shared.marks.unread(channel) };
            let rooms = recent.into_iter().map(unread).collect();
            self.ask(shared, Of::Guild(shared.marks.reading(guild_id).into(), rooms));
        }
    }

    /// There was no room for a message of the socket: it is read again when there is, and what is said after it waits for it. False
    /// where that cannot be.
    pub(super) fn refused(self: &Arc<Self>, shared: &Shared, message: &Value) -> bool {
        let ids = id(&message["channel_id"]).zip(id(&message["id"]));
        let Some((channel, number)) = ids.filter(|_| shared.reads_gaps()) else { return false };
        self.hold.begin([channel]);
        let guild = id(&message["guild_id"]).map(|guild| shared.marks.reading(guild).into());
        let room = Room { channel, last: number, unread: shared.marks.unread(channel) };
        self.ask(shared, Of::Refused(guild, room))
    }

    /// False where nobody will read them.
    fn ask(self: &Arc<Self>, shared: &Shared, of: Of) -> bool {
        let tally = self.tallies.current(shared.name.as_str(), self.shard);
        let job = Job { gaps: Arc::clone(self), tally, since: Instant::now(), floor: shared.gap_floor(), of };
        let job = match self.jobs.upgrade().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => return true,
            Some(Err(error)) => error.into_inner(),
            // The connection ends, and its marks stand before what is missing.
            None => return false,
        };
        let Job { tally, of, .. } = job;
        let channels = match of {
            Of::Guild(_, rooms) => rooms.into_iter().map(|room| room.channel).collect(),
            Of::Refused(_, room) => vec![room.channel],
            Of::Private => self.hold.only(&[]),
        };
        tally.unread(channels.len().max(1));
        channels.into_iter().for_each(|channel| shared.release(self, channel));
        false
    }
}

impl Shared {
    fn reads_gaps(&self) -> bool {
        self.settings.gap_messages > 0 && !self.settings.gap_age.is_zero()
    }
}

/// The channels and threads of a server in which something was said after `floor` that the bot may read, each with its last message.
fn recent(guild: &Value, floor: u64, me: u64) -> Vec<(u64, u64)> {
    let rights = Rights::of(guild, me);
    let last = |room: &Value| Some((id(&room["id"])?, id(&room["last_message_id"]).filter(|last| *last > floor)?));
    rooms(guild).filter(|room| rights.reads(room)).filter_map(last).collect()
}

/// The last message of a server; 0 where there is none.
fn last(guild: &Value) -> u64 {
    rooms(guild).filter_map(|room| id(&room["last_message_id"])).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn channels_with_something_new_are_found() {
        let guild = json!({ "id": "1", "channels": [
            { "id": "2", "last_message_id": "50" }, { "id": "3", "last_message_id": "40" }, { "id": "4" },
            { "id": "5", "last_message_id": null }, 7,
        ], "threads": [{ "id": "6", "last_message_id": "41" }] });
        assert_eq!(recent(&guild, 40, 1), [(2, 50), (6, 41)]);
        assert_eq!(recent(&json!(null), 0, 1), []);
    }
}
