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
    pub(in super::super) is_private: bool,
    /// Tells when it is in its stream; none where it became nothing.
    pub(in super::super) receipt: Option<Receipt>,
}

/// The marks of a bot. See the module.
#[derive(Debug, Clone)]
pub(in super::super) struct Marks {
    guilds: Watermarks,
    private: Watermarks,
    taken: mpsc::Sender<Taken>,
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
        let marks = Self { guilds: of(name), private: of(&format!("{name}:private")), taken: sender };
        (marks.clone(), Writing { marks, taken })
    }

    /// Notes a message, without waiting.
    pub(in super::super) fn note(&self, taken: Taken) {
        // Full: see WAITING_MAX.
        let _ = self.taken.try_send(taken);
    }

    /// Those of these channels of servers, in their order.
    pub(super) async fn of(&self, channels: &[u64]) -> Result<Vec<Option<u64>>, bus::Error> {
        self.guilds.of(channels).await
    }

    /// The private channels that had messages last, each with its mark.
    pub(super) async fn private(&self, count: usize) -> Result<Vec<(u64, u64)>, bus::Error> {
        self.private.highest(count).await
    }
}

/// Marks that are not written yet.
#[derive(Debug, Default)]
struct Fresh {
    guilds: HashMap<u64, u64>,
    private: HashMap<u64, u64>,
}

impl Fresh {
    fn raise(&mut self, taken: &Taken) {
        let marks = if taken.is_private { &mut self.private } else { &mut self.guilds };
        let mark = marks.entry(taken.channel).or_default();
        *mark = taken.message.max(*mark);
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
        for (channel, message, is_private) in [(1, 5, false), (1, 4, false), (2, 7, false), (1, 9, true)] {
            fresh.raise(&Taken { channel, message, is_private, receipt: None });
        }
        assert_eq!((fresh.guilds, fresh.private), (HashMap::from([(1, 5), (2, 7)]), HashMap::from([(1, 9)])));
    }

    #[tokio::test]
    async fn messages_are_noted_in_their_order_when_they_are_in() {
        let (sender, mut taken) = mpsc::channel(8);
        let mut waiting = None;
        let (appended, receipt) = Receipt::pair();
        let note = |channel, receipt| Taken { channel, message: 1, is_private: false, receipt };
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
