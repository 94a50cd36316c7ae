//! The last message of each channel that was taken: a watermark, from which a gap is read.
//!
//! It is raised when the message is in its stream, and written to Redis at most once a second, so that it outlives the process and
//! is there for whoever holds the shard next. What is read once more because its mark was late is known by its `event_id`.

use std::{collections::HashMap, time::Duration};

use bus::{Bus, Watermarks};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::reading::{Reading, Readings};
use crate::ingress::Receipt;

/// Channels that are remembered, those with the latest messages: some 10 MB in Redis.
const CHANNELS_MAX: usize = 100_000;
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often they are written at most.
const EVERY: Duration = Duration::from_secs(1);
/// Messages that wait to be in their streams. More are not noted: one that comes later in the same channel notes for them.
const WAITING_MAX: usize = 16 * 1024;
/// Channels that are written at once.
const BATCH: usize = 1_000;

/// A message that was taken.
#[derive(Debug)]
pub(in super::super) struct Taken {
    pub(in super::super) channel: u64,
    pub(in super::super) message: u64,
    /// Its server; none where it is private.
    pub(in super::super) guild: Option<u64>,
    /// The server as a whole was heard up to it.
    pub(in super::super) raises_guild: bool,
    /// Tells when it is in its stream; none where it became nothing.
    pub(in super::super) receipt: Option<Receipt>,
}

/// The marks of a bot. See the module.
#[derive(Debug, Clone)]
pub(in super::super) struct Marks {
    guilds: Watermarks,
    private: Watermarks,
    taken: mpsc::Sender<Taken>,
    readings: Readings,
    unread: Readings,
}

/// What writes them.
#[derive(Debug)]
pub(in super::super) struct Writing {
    marks: Marks,
    taken: mpsc::Receiver<Taken>,
}

impl Marks {
    /// Of the platform `name`. They are raised while [`Writing::run`] does.
    pub(in super::super) fn new(bus: &Bus, name: &str) -> (Self, Writing) {
        let of = |name: &str| Watermarks::new(bus.clone(), name, CHANNELS_MAX, KEPT);
        let (sender, taken) = mpsc::channel(WAITING_MAX);
        let marks = Self {
            guilds: of(name),
            private: of(&format!("{name}:private")),
            taken: sender,
            readings: Readings::default(),
            unread: Readings::default(),
        };
        (marks.clone(), Writing { marks, taken })
    }

    /// The gaps of a server are read from now on.
    pub(super) fn reading(&self, guild: u64) -> Reading {
        self.readings.begin(guild)
    }

    /// What was missed in a channel is not read yet: its mark stays, whatever comes live.
    pub(super) fn unread(&self, channel: u64) -> Reading {
        self.unread.begin(channel)
    }

    /// Notes a message, without waiting.
    pub(in super::super) fn note(&self, mut taken: Taken) {
        if self.unread.has(taken.channel) {
            return;
        }
        taken.raises_guild &= !taken.guild.is_some_and(|guild| self.readings.has(guild));
        // Full: see WAITING_MAX.
        let _ = self.taken.try_send(taken);
    }

    /// From here on a server is listened to, whose last message is this one.
    pub(super) fn begin(&self, guild: u64, last: u64) {
        let (channel, message) = (of_guild(guild), last.max(1));
        self.note(Taken { channel, message, guild: Some(guild), raises_guild: false, receipt: None });
    }

    /// Those of these channels of a server, in their order. Of one in which nothing was taken yet it is that of the server: what
    /// came later there was missed. None of a server that was not listened to before.
    pub(super) async fn of(&self, guild: u64, channels: &[u64]) -> Result<Option<Vec<u64>>, bus::Error> {
        let all: Vec<u64> = channels.iter().copied().chain([of_guild(guild)]).collect();
        let mut marks = self.guilds.of(&all).await?;
        let whole = marks.pop().flatten();
        Ok(whole.map(|whole| marks.into_iter().map(|mark| mark.unwrap_or(whole)).collect()))
    }

    /// The private channels that had messages last, each with its mark.
    pub(super) async fn private(&self, count: usize) -> Result<Vec<(u64, u64)>, bus::Error> {
        self.private.highest(count).await
    }
}

/// What a server as a whole is marked by: the id of none of its channels.
fn of_guild(guild: u64) -> u64 {
    guild | 1 << 63
}

/// Marks that are not written yet.
#[derive(Debug, Default)]
struct Fresh {
    guilds: HashMap<u64, u64>,
    private: HashMap<u64, u64>,
}

impl Fresh {
    fn raise(&mut self, taken: &Taken) {
        let marks = if taken.guild.is_some() { &mut self.guilds } else { &mut self.private };
        let guild = taken.guild.filter(|_| taken.raises_guild).map(of_guild);
        for of in std::iter::once(taken.channel).chain(guild) {
            let mark = marks.entry(of).or_default();
            *mark = taken.message.max(*mark);
        }
    }

    fn len(&self) -> usize {
        self.guilds.len() + self.private.len()
    }
}

impl Writing {
    /// Writes until `stop`, and then what is settled within `drain`.
    pub(in super::super) async fn run(&mut self, stop: CancellationToken, drain: Duration) {
        let (mut fresh, mut waiting) = (Fresh::default(), None);
        // The first after a quiet time is written at once.
        let mut write_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep_until(write_at), if fresh.len() > 0 => {
                    self.write(&mut fresh).await;
                    write_at = Instant::now() + EVERY;
                }
                settled = settled(&mut self.taken, &mut waiting), if fresh.len() < BATCH => {
                    if let Some(taken) = settled {
                        fresh.raise(&taken);
                    }
                }
            }
        }
        let until = Instant::now() + drain;
        while waiting.is_some() || !self.taken.is_empty() {
            match tokio::time::timeout_at(until, settled(&mut self.taken, &mut waiting)).await {
                Ok(Some(taken)) => fresh.raise(&taken),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        self.write(&mut fresh).await;
    }

    /// What could not be written is written the next time.
    async fn write(&self, fresh: &mut Fresh) {
        for (marks, fresh) in [(&self.marks.guilds, &mut fresh.guilds), (&self.marks.private, &mut fresh.private)] {
            let batch: Vec<(u64, u64)> = fresh.iter().map(|(channel, mark)| (*channel, *mark)).collect();
            match marks.raise(&batch).await {
                Ok(()) => fresh.clear(),
                Err(error) => tracing::debug!(%error, "how far channels were read is not written yet"),
            }
        }
    }
}

/// The next message that is in its stream, or needs none; `None` where one did not get there. May be dropped at any time.
async fn settled(taken: &mut mpsc::Receiver<Taken>, waiting: &mut Option<Taken>) -> Option<Taken> {
    if waiting.is_none() {
        match taken.recv().await {
            Some(next) => *waiting = Some(next),
            // As long as its own sender lives there is no end.
            None => std::future::pending().await,
        }
    }
    let is_in = match waiting.as_mut().and_then(|taken| taken.receipt.as_mut()) {
        Some(receipt) => receipt.settled().await,
        None => true,
    };
    waiting.take().filter(|_| is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_only_raised() {
        let mut fresh = Fresh::default();
        for (channel, message, guild) in [(1, 5, Some(1)), (1, 4, Some(1)), (2, 7, Some(1)), (1, 9, None)] {
            fresh.raise(&Taken { channel, message, guild, raises_guild: channel == 2, receipt: None });
        }
        let guilds = HashMap::from([(1, 5), (2, 7), (of_guild(1), 7)]);
        assert_eq!((fresh.guilds, fresh.private), (guilds, HashMap::from([(1, 9)])));
    }

    #[tokio::test]
    async fn messages_are_noted_in_their_order_when_they_are_in() {
        let (sender, mut taken) = mpsc::channel(8);
        let mut waiting = None;
        let (appended, receipt) = Receipt::pair();
        let note = |channel, receipt| Taken { channel, message: 1, guild: Some(7), raises_guild: true, receipt };
        sender.try_send(note(1, Some(receipt))).unwrap();
        sender.try_send(note(2, None)).unwrap();
        let none = tokio::time::timeout(Duration::from_millis(20), settled(&mut taken, &mut waiting)).await;
        assert!(none.is_err(), "the first is not in its stream, and was not lost by giving up");
        appended.send(()).unwrap();
        assert_eq!(settled(&mut taken, &mut waiting).await.map(|taken| taken.channel), Some(1));
        assert_eq!(settled(&mut taken, &mut waiting).await.map(|taken| taken.channel), Some(2));
        let (appended, receipt) = Receipt::pair();
        sender.try_send(note(3, Some(receipt))).unwrap();
        drop(appended);
        assert!(settled(&mut taken, &mut waiting).await.is_none() && waiting.is_none(), "it never got there");
    }
}
