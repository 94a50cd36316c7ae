//! Events on their way to their streams: in order within each shard, bounded in count and bytes.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bus::{Entry, Shard};
use tokio::{sync::oneshot, time::Instant};

/// Between two questions whether a full stream has room.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(250);

/// What all shards together may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Events.
    pub entries: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// One event that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) entry: Entry,
    /// Told when the event is in its stream.
    pub(super) appended: oneshot::Sender<()>,
}

/// Why an event is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// The buffer is full.
    Buffer,
    /// The event's stream is full, and its share of the buffer too.
    Stream,
}

/// See the module. An event leaves when it is known to be in its stream, and not before.
#[derive(Debug)]
pub(super) struct Backlog {
    bounds: Bounds,
    shards: BTreeMap<Shard, Queue>,
    entries: usize,
    bytes: usize,
    /// The shard that the last batch began with: the next one begins behind it.
    last: Option<Shard>,
}

#[derive(Debug)]
struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Entries that the stream may still take, as far as is known. 0 has to be asked about.
    room: u64,
    is_full: bool,
    /// Not before this.
    ask_at: Instant,
}

impl Backlog {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, shards: BTreeMap::new(), entries: 0, bytes: 0, last: None }
    }

    /// Takes an event. A stream that is full gets half of the buffer at most, so that the others go on.
    pub(super) fn push(&mut self, shard: Shard, waiting: Waiting) -> Result<(), NoRoom> {
        let size = size(&waiting.entry);
        let over = |entries: usize, bytes: usize, part: usize| {
            entries + 1 > (self.bounds.entries / part).max(1) || bytes + size > self.bounds.bytes / part
        };
        if over(self.entries, self.bytes, 1) {
            return Err(NoRoom::Buffer);
        }
        if let Some(queue) = self.shards.get(&shard)
            && queue.is_full
            && over(queue.waiting.len(), queue.bytes, 2)
        {
            return Err(NoRoom::Stream);
        }
        // Until the first answer nothing is known of the stream; the bound is a soft one.
        let queue = self.shards.entry(shard).or_insert_with(|| Queue {
            waiting: VecDeque::new(),
            bytes: 0,
            room: 1,
            is_full: false,
            ask_at: Instant::now(),
        });
        queue.waiting.push_back(waiting);
        queue.bytes += size;
        self.entries += 1;
        self.bytes += size;
        Ok(())
    }

    /// The next events, the same ones until they are settled: of each shard in its order, of all shards that have room in
    /// turn.
    pub(super) fn batch(&mut self, most: usize) -> Vec<(Shard, Entry)> {
        let behind = |last: Option<Shard>| {
            let (before, after): (Vec<_>, Vec<_>) =
                self.shards.iter().partition(|(shard, _)| last.is_some_and(|last| **shard <= last));
            after.into_iter().chain(before)
        };
        let mut queues: Vec<_> = behind(self.last)
            .map(|(shard, queue)| {
                (*shard, queue.waiting.iter().take(usize::try_from(queue.room).unwrap_or(usize::MAX)))
            })
            .collect();
        let mut batch = Vec::new();
        let mut first = None;
        while batch.len() < most && !queues.is_empty() {
            queues.retain_mut(|(shard, waiting)| {
                let Some(next) = waiting.next() else { return false };
                if batch.len() < most {
                    first.get_or_insert(*shard);
                    batch.push((*shard, next.entry.clone()));
                }
                true
            });
        }
        self.last = first.or(self.last);
        batch
    }

    /// The oldest event of a shard is in its stream.
    pub(super) fn settle(&mut self, shard: Shard) {
        let Some(queue) = self.shards.get_mut(&shard) else { return };
        let Some(Waiting { entry, appended }) = queue.waiting.pop_front() else { return };
        let size = size(&entry);
        queue.bytes -= size;
        self.bytes -= size;
        self.entries -= 1;
        // Who does not want to know has dropped the other end.
        let _ = appended.send(());
    }

    /// What a stream may still take as its length says, after an append. Its being full is found by asking.
    pub(super) fn set_room_left(&mut self, shard: Shard, room: u64) {
        if let Some(queue) = self.shards.get_mut(&shard) {
            queue.room = room;
        }
    }

    /// What is known of a stream's room now. Gives whether that changed its being full.
    pub(super) fn set_room(&mut self, shard: Shard, room: u64, is_full: bool) -> bool {
        let Some(queue) = self.shards.get_mut(&shard) else { return false };
        queue.room = room;
        queue.ask_at = Instant::now() + ASK_AGAIN;
        std::mem::replace(&mut queue.is_full, is_full) != is_full
    }

    /// The shards with events whose room has to be asked about. One that is full is left alone for a moment.
    pub(super) fn doubtful(&self) -> Vec<Shard> {
        let now = Instant::now();
        let doubtful = |(_, queue): &(&Shard, &Queue)| {
            queue.room == 0 && !queue.waiting.is_empty() && (!queue.is_full || queue.ask_at <= now)
        };
        self.shards.iter().filter(doubtful).map(|(shard, _)| *shard).collect()
    }

    /// The shards whose stream is full.
    pub(super) fn full(&self) -> usize {
        self.shards.values().filter(|queue| queue.is_full).count()
    }

    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether more than four fifths of a bound are used.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.entries > self.bounds.entries / 5 * 4 || self.bytes > self.bounds.bytes / 5 * 4
    }

    /// The events that wait, oldest first within each shard.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Shard, &Entry)> {
        self.shards.iter().flat_map(|(shard, queue)| queue.waiting.iter().map(|waiting| (*shard, &waiting.entry)))
    }
}

/// Bytes that an event takes here, about.
fn size(entry: &Entry) -> usize {
    entry.data.len() + entry.stream.len() + entry.trace_id.len() + size_of::<Waiting>()
}

#[cfg(test)]
mod tests {
    use bus::Shards;

    use super::*;

    fn shard(number: u16) -> Shard {
        Shards::DEFAULT.get(number).unwrap()
    }

    fn backlog(entries: usize, bytes: usize) -> Backlog {
        Backlog::new(Bounds { entries, bytes })
    }

    fn push(backlog: &mut Backlog, number: u16, data: &'static str) -> Result<oneshot::Receiver<()>, NoRoom> {
        let (appended, receipt) = oneshot::channel();
        let entry = Entry { stream: "s".into(), data: data.into(), trace_id: "t".into() };
        backlog.push(shard(number), Waiting { entry, appended }).map(|()| receipt)
    }

    fn texts(batch: &[(Shard, Entry)]) -> Vec<&str> {
        batch.iter().map(|(_, entry)| std::str::from_utf8(&entry.data).unwrap()).collect()
    }

    #[test]
    fn both_bounds_refuse_and_what_is_settled_makes_room() {
        let mut by_count = backlog(2, 1 << 20);
        let mut receipt = push(&mut by_count, 1, "a").unwrap();
        push(&mut by_count, 2, "b").unwrap();
        assert_eq!(push(&mut by_count, 3, "c").unwrap_err(), NoRoom::Buffer);
        assert!(by_count.is_nearly_full());
        by_count.settle(shard(1));
        assert_eq!(receipt.try_recv(), Ok(()));
        push(&mut by_count, 3, "c").unwrap();

        let one = size(&Entry { stream: "s".into(), data: "abc".into(), trace_id: "t".into() });
        let mut by_bytes = backlog(100, 2 * one);
        push(&mut by_bytes, 1, "abc").unwrap();
        assert_eq!(push(&mut by_bytes, 1, "abcd").unwrap_err(), NoRoom::Buffer);
        push(&mut by_bytes, 1, "abc").unwrap();
        assert_eq!((by_bytes.entries(), by_bytes.bytes()), (2, 2 * one));
        by_bytes.settle(shard(1));
        by_bytes.settle(shard(1));
        by_bytes.settle(shard(1));
        assert_eq!((by_bytes.entries(), by_bytes.bytes()), (0, 0));
    }

    #[test]
    fn a_batch_keeps_the_order_of_each_shard_and_is_fair_to_all() {
        let mut backlog = backlog(100, 1 << 20);
        for data in ["a1", "a2", "a3", "a4"] {
            push(&mut backlog, 1, data).unwrap();
        }
        push(&mut backlog, 2, "b1").unwrap();
        push(&mut backlog, 2, "b2").unwrap();
        for number in [1, 2] {
            backlog.set_room(shard(number), 100, false);
        }
        assert_eq!(texts(&backlog.batch(3)), ["a1", "b1", "a2"]);
        // Nothing was settled, so its fate is unknown: the same again, whoever comes first.
        assert_eq!(texts(&backlog.batch(3)), ["b1", "a1", "b2"]);
        backlog.settle(shard(1));
        backlog.settle(shard(2));
        assert_eq!(texts(&backlog.batch(9)), ["a2", "b2", "a3", "a4"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_stream_holds_up_no_other_and_takes_half_of_the_buffer() {
        let mut backlog = backlog(8, 1 << 20);
        push(&mut backlog, 1, "a1").unwrap();
        assert_eq!(texts(&backlog.batch(9)), ["a1"], "one may go before anything is known");
        assert!(backlog.set_room(shard(1), 0, true));
        assert!(!backlog.set_room(shard(1), 0, true), "said once");
        for data in ["a2", "a3", "a4"] {
            push(&mut backlog, 1, data).unwrap();
        }
        assert_eq!(push(&mut backlog, 1, "a5").unwrap_err(), NoRoom::Stream);
        push(&mut backlog, 2, "b1").unwrap();
        assert_eq!(texts(&backlog.batch(9)), ["b1"]);
        backlog.set_room(shard(2), 5, false);
        assert_eq!((backlog.doubtful(), backlog.full()), (vec![], 1), "it was asked a moment ago");
        tokio::time::advance(ASK_AGAIN).await;
        assert_eq!(backlog.doubtful(), [shard(1)]);
        assert!(backlog.set_room(shard(1), 2, false));
        assert_eq!(texts(&backlog.batch(9)), ["a1", "b1", "a2"]);
        assert!(backlog.doubtful().is_empty());
    }
}
