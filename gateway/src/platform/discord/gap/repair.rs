//! What was said while nobody listened is taken in the order in which it was said, and before anything that was said after it.
//!
//! Channels whose gap is not read yet wait in a queue, and what is said in them meanwhile is held: for a minute. After it they flow
//! on, and what was missed comes late; their marks stay until it is there.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use bus::{Next, unix_ms};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{super::Shared, Hold, reading::Reading, tally::Tally};
use crate::ingress::Refused;

/// Channels that are read at once.
const AT_ONCE: usize = 8;
/// Channels that wait to be read, for one gateway.
const WAITING_MAX: usize = 64 * 1024;
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
    pub(super) hold: Arc<Hold>,
    pub(super) tally: Arc<Tally>,
    pub(super) since: Instant,
    pub(super) of: Of,
}

#[derive(Debug)]
pub(super) enum Of {
    /// Of a server: each channel with its last message.
    Guild(Arc<Reading>, Vec<(u64, u64)>),
    /// All that is private.
    Private,
}

/// A channel with messages behind its mark.
#[derive(Debug)]
struct Gap {
    hold: Arc<Hold>,
    tally: Arc<Tally>,
    /// Keeps the server's own mark where it is.
    guild: Option<Arc<Reading>>,
    since: Instant,
    channel: u64,
    mark: u64,
    /// While it is read and its live events flow: they leave its mark alone.
    late: Option<Reading>,
}

/// Reads what is missing until there are no more jobs.
pub(in super::super) async fn run(shared: Arc<Shared>, mut jobs: mpsc::Receiver<Job>) {
    let (mut waiting, mut under_way) = (VecDeque::<Gap>::new(), JoinSet::new());
    loop {
        while under_way.len() < AT_ONCE
            && let Some(gap) = waiting.pop_front()
        {
            let shared = Arc::clone(&shared);
            under_way.spawn(async move { shared.close(gap).await });
        }
        // In the order in which they came, so the first that is held has waited longest.
        let held = waiting.iter().find(|gap| gap.late.is_none()).map(|gap| gap.since + HELD_FOR);
        tokio::select! {
            biased;
            Some(_) = under_way.join_next() => {}
            () = sleep_until(held.unwrap_or_else(Instant::now)), if held.is_some() => {
                let over = |gap: &&mut Gap| gap.late.is_none() && gap.since.elapsed() >= HELD_FOR;
                waiting.iter_mut().filter(over).for_each(|gap| shared.flow(gap));
            }
            job = jobs.recv(), if waiting.len() < WAITING_MAX => match job {
                Some(job) => waiting.extend(shared.due(job).await),
                None => break,
            }
        }
    }
    under_way.join_all().await;
}

impl Shared {
    /// Those of a job's channels that have a gap. The others flow.
    async fn due(&self, job: Job) -> Vec<Gap> {
        let Job { hold, tally, since, of } = job;
        let (guild, channels) = match of {
            Of::Guild(guild, channels) => {
                let behind = self.behind(guild.of(), &channels, &tally, since).await;
                (Some(guild), behind)
            }
            Of::Private => (None, self.private(&hold, &tally, since).await),
        };
        let mut due = Vec::new();
        for (channel, mark) in channels {
            match mark {
                Some(mark) if tally.may_read(CHANNELS_MAX) => due.push(Gap {
                    hold: Arc::clone(&hold),
                    tally: Arc::clone(&tally),
                    guild: guild.clone(),
                    since,
                    channel,
                    mark,
                    late: None,
                }),
                _ => self.release(&hold, channel),
            }
        }
        due
    }

    /// Channels of a server, each with its mark where there is something behind it. What is in a server that was not listened to
    /// before is old news.
    async fn behind(
        &self,
        guild: u64,
        channels: &[(u64, u64)],
        tally: &Tally,
        since: Instant,
    ) -> Vec<(u64, Option<u64>)> {
        let ids: Vec<u64> = channels.iter().map(|(channel, _)| *channel).collect();
        let marks = loop {
            match self.marks.of(guild, &ids).await {
                Err(error) if may_ask_again(since, &error) => sleep(AGAIN).await,
                told => break told,
            }
        };
        let marks = match marks {
            Ok(Some(marks)) => marks,
            Ok(None) => {
                self.marks.begin(guild, channels.iter().map(|(_, last)| *last).max().unwrap_or(0));
                Vec::new()
            }
            Err(error) => {
                tracing::warn!(platform = %self.name, %error, "it is not known how far channels were read");
                tally.unread(ids.len());
                Vec::new()
            }
        };
        let marks = marks.into_iter().map(Some).chain(std::iter::repeat(None));
        let behind = |((channel, last), mark): (&(u64, u64), Option<u64>)| (*channel, mark.filter(|mark| last > mark));
        channels.iter().zip(marks).map(behind).collect()
    }

    async fn private(&self, hold: &Hold, tally: &Tally, since: Instant) -> Vec<(u64, Option<u64>)> {
        let known = loop {
            match self.marks.private(PRIVATE_MAX).await {
                Err(error) if may_ask_again(since, &error) => sleep(AGAIN).await,
                told => break told,
            }
        };
        let known = known.unwrap_or_else(|error| {
            tracing::warn!(platform = %self.name, %error, "it is not known how far private channels were read");
            tally.unread(1);
            Vec::new()
        });
        let ids: Vec<u64> = known.iter().map(|(channel, _)| *channel).collect();
        let others = hold.only(&ids).into_iter().map(|channel| (channel, None));
        known.into_iter().map(|(channel, mark)| (channel, Some(mark))).chain(others).collect()
    }

    /// The live events of a channel go on before what was missed.
    fn flow(&self, gap: &mut Gap) {
        gap.late = Some(self.marks.late(gap.channel));
        self.release(&gap.hold, gap.channel);
    }

    async fn close(&self, mut gap: Gap) {
        let until = gap.since + READ_WITHIN;
        let guild = gap.guild.as_ref().map(|guild| guild.of());
        let mut missed = pin!(self.missed(guild, gap.channel, gap.mark));
        let mut read = None;
        if gap.late.is_none() {
            match timeout_at(gap.since + HELD_FOR, &mut missed).await {
                Ok(done) => read = Some(done),
                Err(_) => self.flow(&mut gap),
            }
        }
        let read = match read {
            Some(read) => Ok(read),
            None => timeout_at(until, missed).await,
        };
        match read {
            Ok(Ok((missed, is_whole))) => self.take_missed(&mut gap, &missed, is_whole, until).await,
            Ok(Err(failure)) => {
                tracing::debug!(platform = %self.name, channel = gap.channel, %failure, "a gap is not read");
                gap.tally.unread(1);
            }
            Err(_) => gap.tally.unread(1),
        }
        self.release(&gap.hold, gap.channel);
    }

    /// Takes what was missed. Where the buffer has no room, it waits: nobody else has these messages.
    async fn take_missed(&self, gap: &mut Gap, missed: &[Value], is_whole: bool, until: Instant) {
        let (now_ms, mut taken, mut last) = (unix_ms(), 0, None);
        for message in missed {
            let taking = loop {
                let taking = self.taking("MESSAGE_CREATE", message, now_ms);
                match taking.refused {
                    Some(Refused::BufferFull | Refused::StreamFull { .. }) if Instant::now() < until => {
                        sleep(NO_ROOM).await;
                    }
                    _ => break taking,
                }
            };
            if taking.refused.is_some_and(|refused| !matches!(refused, Refused::Invalid(_))) {
                return gap.tally.read(taken, false);
            }
            taken += usize::from(taking.is_any);
            match gap.late {
                Some(_) => last = taking.mark.or(last),
                None => taking.mark.into_iter().for_each(|mark| self.marks.note(mark)),
            }
        }
        gap.tally.read(taken, is_whole);
        // From here on what comes live raises the mark again.
        if gap.late.take().is_some() {
            last.into_iter().for_each(|mark| self.marks.note(mark));
        }
    }

    /// The live events of a channel go on.
    pub(in super::super) fn release(&self, hold: &Hold, channel: u64) {
        let mut next = hold.end(channel, true);
        while let Some(held) = next {
            self.publish(&held.kind, &held.data, held.now_ms);
            next = hold.end(channel, false);
        }
    }
}

/// Whether Redis is asked again, while what is held can wait.
fn may_ask_again(since: Instant, error: &bus::Error) -> bool {
    error.next() == Next::Retry && since.elapsed() < HELD_FOR
}
