//! What was said while nobody listened is taken in the order in which it was said, and before anything that was said after it.
//!
//! Channels whose gap is not read yet wait in a queue, and what is said in them meanwhile is held: for a minute. After it they flow
//! on, and what was missed comes late. Their marks stay until it is there.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use bus::{Next, unix_ms};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{super::Shared, Gaps, Hold, Taken, reading::Reading, tally::Tally};
use crate::ingress::Refused;

/// Channels that are read at once.
const AT_ONCE: usize = 8;
/// Channels that wait to be read, for one gateway.
const WAITING_MAX: usize = 64 * 1024;
/// Servers whose marks are asked for at once.
const LOOKING_MAX: usize = 32;
/// Private channels that are asked for messages, those with the latest ones. No event tells which have any.
const PRIVATE_MAX: usize = 100;
/// Channels that are read for one connection; those of a bot in very many servers are not all read.
const CHANNELS_MAX: usize = 2_000;
/// How long the live events of a channel wait for what was said before at most.
const HELD_FOR: Duration = Duration::from_secs(60);
/// How long it is tried to read what was said before.
const READ_WITHIN: Duration = Duration::from_secs(15 * 60);
/// What failed is tried again after this, until then.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// Between two looks whether the buffer has room.
const NO_ROOM: Duration = Duration::from_millis(50);

/// Channels that may have a gap, all of them held.
#[derive(Debug)]
pub(in super::super) struct Job {
    pub(super) gaps: Arc<Gaps>,
    pub(super) tally: Arc<Tally>,
    pub(super) since: Instant,
    /// What is older is not read.
    pub(super) floor: u64,
    pub(super) of: Of,
}

#[derive(Debug)]
pub(super) enum Of {
    /// Of a server.
    Guild(Arc<Reading>, Vec<Room>),
    /// From a message on that there was no room for.
    Refused(Option<Arc<Reading>>, Room),
    /// All that is private.
    Private,
}

/// A channel in which something was said.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) channel: u64,
    pub(super) last: u64,
    /// Keeps its mark where it is.
    pub(super) unread: Reading,
}

/// A channel with messages behind its mark.
#[derive(Debug)]
struct Gap {
    gaps: Arc<Gaps>,
    tally: Arc<Tally>,
    /// Keeps the server's own mark where it is.
    guild: Option<Arc<Reading>>,
    since: Instant,
    channel: u64,
    mark: u64,
    unread: Reading,
    /// Its live events go on already.
    has_flowed: bool,
}

/// Reads what is missing until there are no more jobs.
pub(in super::super) async fn run(shared: Arc<Shared>, mut jobs: mpsc::Receiver<Job>) {
    let mut waiting = VecDeque::<Gap>::new();
    let (mut looking, mut under_way) = (JoinSet::new(), JoinSet::new());
    loop {
        while under_way.len() < AT_ONCE
            && let Some(gap) = waiting.pop_front()
        {
            let shared = Arc::clone(&shared);
            under_way.spawn(async move { shared.close(gap).await });
        }
        // In the order in which they came, so the first that is held has waited longest.
        let held = waiting.iter().find(|gap| !gap.has_flowed).map(|gap| gap.since + HELD_FOR);
        tokio::select! {
            biased;
            Some(_) = under_way.join_next() => {}
            Some(looked) = looking.join_next() => waiting.extend(looked.unwrap_or_default()),
            () = sleep_until(held.unwrap_or_else(Instant::now)), if held.is_some() => {
                let over = |gap: &&mut Gap| !gap.has_flowed && gap.since.elapsed() >= HELD_FOR;
                waiting.iter_mut().filter(over).for_each(|gap| shared.flow(gap));
            }
            job = jobs.recv(), if waiting.len() < WAITING_MAX && looking.len() < LOOKING_MAX => match job {
                Some(job) => {
                    let shared = Arc::clone(&shared);
                    looking.spawn(async move { shared.due(job).await });
                }
                None => break,
            }
        }
    }
    under_way.join_all().await;
}

impl Shared {
    /// Those of a job's channels that have a gap. The others flow.
    async fn due(&self, job: Job) -> Vec<Gap> {
        let Job { gaps, tally, since, floor, of } = job;
        match of {
            Of::Guild(guild, rooms) => {
                let (marks, has_flowed) = self.behind(&gaps, guild.of(), &rooms, &tally, since).await;
                let mut due = Vec::new();
                for (Room { channel, unread, .. }, mark) in rooms.into_iter().zip(marks) {
                    let Some(mark) = mark.filter(|_| tally.may_read(CHANNELS_MAX)) else {
                        drop(unread);
                        if !has_flowed {
                            self.release(&gaps, channel);
                        }
                        continue;
                    };
                    let (gaps, tally, guild) = (Arc::clone(&gaps), Arc::clone(&tally), Some(Arc::clone(&guild)));
                    due.push(Gap { gaps, tally, guild, since, channel, mark: mark.max(floor), unread, has_flowed });
                }
                due
            }
            Of::Refused(guild, Room { channel, last, unread }) => {
                let mark = last.saturating_sub(1);
                vec![Gap { gaps, tally, guild, since, channel, mark, unread, has_flowed: false }]
            }
            Of::Private => {
                let (known, others) = self.private(&gaps.hold, &tally, since).await;
                others.into_iter().for_each(|channel| self.release(&gaps, channel));
                let gap = |(channel, mark): (u64, u64)| {
                    let (gaps, tally, unread) = (Arc::clone(&gaps), Arc::clone(&tally), self.marks.unread(channel));
                    let mark = mark.max(floor);
                    Gap { gaps, tally, guild: None, since, channel, mark, unread, has_flowed: false }
                };
                known.into_iter().map(gap).collect()
            }
        }
    }

    /// The mark of each room where there is something behind it, and whether they flow meanwhile. What is in a server that was not
    /// listened to before is old news.
    async fn behind(
        &self,
        gaps: &Arc<Gaps>,
        guild: u64,
        rooms: &[Room],
        tally: &Tally,
        since: Instant,
    ) -> (Vec<Option<u64>>, bool) {
        let ids: Vec<u64> = rooms.iter().map(|room| room.channel).collect();
        let (mut has_flowed, none) = (false, vec![None; rooms.len()]);
        let marks = loop {
            match self.marks.of(guild, &ids).await {
                Err(error) if error.next() == Next::Retry && since.elapsed() < READ_WITHIN => {
                    if !has_flowed && since.elapsed() >= HELD_FOR {
                        has_flowed = true;
                        ids.iter().for_each(|channel| self.release(gaps, *channel));
                    }
                    sleep(AGAIN).await;
                }
                told => break told,
            }
        };
        let marks = match marks {
            Ok(Some(marks)) => rooms.iter().zip(marks).map(|(room, mark)| (room.last > mark).then_some(mark)).collect(),
            Ok(None) => {
                self.marks.begin(guild, rooms.iter().map(|room| room.last).max().unwrap_or(0));
                none
            }
            Err(error) => {
                tracing::warn!(platform = %self.name, %error, "it is not known how far channels were read");
                tally.unread(ids.len());
                none
            }
        };
        (marks, has_flowed)
    }

    /// Private channels with their marks, and others in which something was said meanwhile.
    async fn private(&self, hold: &Hold, tally: &Tally, since: Instant) -> (Vec<(u64, u64)>, Vec<u64>) {
        let known = loop {
            match self.marks.private(PRIVATE_MAX).await {
                Err(error) if error.next() == Next::Retry && since.elapsed() < HELD_FOR => sleep(AGAIN).await,
                told => break told,
            }
        };
        let known = known.unwrap_or_else(|error| {
            tracing::warn!(platform = %self.name, %error, "it is not known how far private channels were read");
            tally.unread(1);
            Vec::new()
        });
        let ids: Vec<u64> = known.iter().map(|(channel, _)| *channel).collect();
        let others = hold.only(&ids);
        (known, others)
    }

    /// The live events of a channel go on before what was missed.
    fn flow(&self, gap: &mut Gap) {
        if !std::mem::replace(&mut gap.has_flowed, true) {
            self.release(&gap.gaps, gap.channel);
        }
    }

    async fn close(&self, mut gap: Gap) {
        let until = gap.since + READ_WITHIN;
        let guild = gap.guild.as_ref().map(|guild| guild.of());
        let mut missed = pin!(self.missed(guild, gap.channel, gap.mark));
        let mut read = None;
        if !gap.has_flowed {
            match timeout_at(gap.since + HELD_FOR, &mut missed).await {
                Ok(done) => read = Some(done),
                Err(_) => self.flow(&mut gap),
            }
        }
        let read = match read {
            Some(read) => Ok(read),
            None => timeout_at(until, missed).await,
        };
        let mut last = None;
        match read {
            Ok(Ok((missed, is_whole))) => last = self.take_missed(&mut gap, &missed, is_whole).await,
            Ok(Err(failure)) => {
                tracing::debug!(platform = %self.name, channel = gap.channel, %failure, "a gap is not read");
                gap.tally.unread(1);
            }
            Err(_) => gap.tally.unread(1),
        }
        // From here on the mark is raised again, by what was missed first.
        let Gap { gaps, channel, unread, has_flowed, .. } = gap;
        drop(unread);
        last.into_iter().for_each(|mark| self.marks.note(mark));
        if !has_flowed {
            self.release(&gaps, channel);
        }
    }

    /// Takes what was missed, and gives how far that is. Where the buffer has no room, it waits: nobody else has these messages.
    async fn take_missed(&self, gap: &mut Gap, missed: &[Value], is_whole: bool) -> Option<Taken> {
        let (now_ms, mut taken, mut last) = (unix_ms(), 0, None::<Taken>);
        let until = gap.since + READ_WITHIN;
        for message in missed {
            let taking = loop {
                while self.ingress.is_nearly_full() && Instant::now() < until {
                    self.flow_when_due(gap);
                    sleep(NO_ROOM).await;
                }
                let taking = self.taking("MESSAGE_CREATE", message, now_ms);
                match taking.refused {
                    Some(refused) if refused.is_for_now() && Instant::now() < until => {
                        self.flow_when_due(gap);
                        sleep(AGAIN).await;
                    }
                    _ => break taking,
                }
            };
            if taking.refused.is_some_and(|refused| !matches!(refused, Refused::Invalid(_))) {
                gap.tally.read(taken, false);
                return last;
            }
            taken += usize::from(taking.is_any);
            if let Some(mark) = taking.mark {
                // It is so far when what stands before it is in its stream, too.
                let before = last.take().and_then(|last| last.receipt);
                last = Some(Taken { receipt: mark.receipt.or(before), ..mark });
            }
        }
        gap.tally.read(taken, is_whole);
        last
    }

    fn flow_when_due(&self, gap: &mut Gap) {
        if gap.since.elapsed() >= HELD_FOR {
            self.flow(gap);
        }
    }

    /// The live events of a channel go on.
    pub(in super::super) fn release(&self, gaps: &Arc<Gaps>, channel: u64) {
        let mut next = gaps.hold.end(channel, true);
        while let Some(held) = next {
            self.publish(gaps, &held);
            // None where there was no room for it, and it is to be read first.
            next = gaps.hold.end(channel, false);
        }
    }
}
