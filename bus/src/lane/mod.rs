//! Lanes: one turn at a time for each conversation, in stream order, while lanes run in parallel.
//!
//! A plain state machine without I/O and clock. A lane that waits holds no worker slot. What concerns the running turn is
//! handed to it at once, and what concerns a message that still waits goes to its turn when that starts; everything else
//! queues. Entries that need no turn are taken out in runs, to be settled in batches. A lane that is far behind keeps a
//! bounded number of bodies; of what follows it keeps the ids, and asks for their bodies when their time comes nearer.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use tokio::{sync::mpsc, time::Instant};

use crate::EntryId;

/// Key of a lane: `<platform>:<thread or channel id>`.
pub type LaneKey = Arc<str>;

/// Entries that a turn may have waiting beside its own; further ones queue in the lane.
pub(crate) const CONTROLS_MAX: usize = 16;

/// Bodies that a lane keeps, and how few are left when it asks for more.
pub(crate) const BODIES_MAX: usize = 64;
const BODIES_LOW: usize = BODIES_MAX / 2;

/// How an entry is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By a turn of its own.
    Turn,
    /// By the turn that runs in its lane; by one of its own where none does.
    Control,
    /// By the turn of the entry with this cause, while that is not finished; by one of its own after that.
    Change(Arc<str>),
    /// Without a turn, in a batch with others.
    Record,
}

/// What lanes hold. The consumer's is a delivery; tests use something smaller.
pub(crate) trait Job {
    /// What is left of one that is put aside without its body.
    type Parked: std::fmt::Debug;

    fn park(self) -> Self::Parked;
    fn lane(&self) -> &LaneKey;
    fn cause(&self) -> &Arc<str>;
    fn way(&self) -> &Way;
    /// Its place in the stream.
    fn place(&self) -> EntryId;

    /// Whether this is work for the turn of `cause`.
    fn concerns(&self, cause: &str) -> bool {
        match self.way() {
            Way::Turn | Way::Record => false,
            Way::Control => true,
            Way::Change(of) => **of == *cause,
        }
    }
}

/// How a turn left its lane.
#[derive(Debug)]
pub(crate) enum Verdict<J> {
    /// Settled, or not ours any more: the lane goes on.
    Done,
    /// The same entries again, not before then; the lane waits with them.
    Again(Vec<J>, Instant),
    /// As [`Verdict::Again`], since the lane is left to a guest whose turn is this entry's: whatever controls come are for it.
    Left(J, Instant),
}

#[derive(Debug)]
pub(crate) struct Lanes<J: Job> {
    lanes: HashMap<LaneKey, Lane<J>>,
    /// Lanes whose next entry needs a turn, and those whose next one does not.
    ready: VecDeque<LaneKey>,
    recordable: VecDeque<LaneKey>,
    waiting: BTreeSet<(Instant, LaneKey)>,
    /// Lanes that want bodies of what they have parked.
    hungry: VecDeque<LaneKey>,
    running: usize,
    running_max: usize,
}

#[derive(Debug)]
struct Lane<J: Job> {
    queue: VecDeque<J>,
    /// What comes behind the queue.
    parked: VecDeque<J::Parked>,
    /// In `hungry`, or bodies are on their way.
    is_hungry: bool,
    /// When the entry at its head was started first.
    head_since: Option<Instant>,
    /// The turn of the entry at its head runs elsewhere.
    is_left: bool,
    state: State<J>,
}

#[derive(Debug)]
enum State<J> {
    /// In `ready` or `recordable`.
    Ready,
    /// Has a turn, of this cause, which takes what concerns it here.
    Running(Arc<str>, mpsc::Sender<J>),
    /// Has entries in a batch.
    Recording,
    /// In `waiting`.
    Waiting(Instant),
    /// Everything is parked: it goes on when bodies come.
    Starved,
}

impl<J: Job> Lane<J> {
    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.parked.is_empty() && !self.is_hungry
    }

    /// Whether the next entry needs no turn, not even for the sake of a change that waits behind it.
    fn is_recordable(&self) -> bool {
        self.queue.front().is_some_and(|front| {
            *front.way() == Way::Record
                && !self.queue.iter().any(|job| matches!(job.way(), Way::Change(of) if of == front.cause()))
        })
    }

    /// Hands to the turn of `cause` what waits for it: controls right behind it, or all where it ran while they came, and
    /// changes of it wherever they are.
    fn hand(&mut self, cause: &str, mailbox: &mpsc::Sender<J>) {
        let mut at = 0;
        let mut is_behind = true;
        while let Some(job) = self.queue.get(at) {
            let is_control = *job.way() == Way::Control;
            is_behind &= is_control || job.concerns(cause);
            if job.concerns(cause) && (is_behind || self.is_left || !is_control) {
                let Ok(place) = mailbox.try_reserve() else { return };
                if let Some(job) = self.queue.remove(at) {
                    place.send(job);
                }
            } else {
                at += 1;
            }
        }
    }
}

impl<J: Job> Lanes<J> {
    pub(crate) fn new(running_max: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            recordable: VecDeque::new(),
            waiting: BTreeSet::new(),
            hungry: VecDeque::new(),
            running: 0,
            running_max,
        }
    }

    /// Puts an entry behind those of its lane, or hands it to the running turn; false when it was parked, and its body with it
    /// let go.
    pub(crate) fn push(&mut self, job: J) -> bool {
        let Some(job) = self.offer(job) else { return true };
        let key = Arc::clone(job.lane());
        let Some(lane) = self.lanes.get_mut(&key) else {
            let (queue, parked) = (VecDeque::from([job]), VecDeque::new());
            self.lanes.insert(
                Arc::clone(&key),
                Lane { queue, parked, is_hungry: false, head_since: None, is_left: false, state: State::Ready },
            );
            self.make_ready(&key);
            return true;
        };
        if lane.is_left && *job.way() == Way::Control {
            lane.queue.insert(lane.queue.len().min(1), job);
            return true;
        }
        let has_room = lane.parked.is_empty() && !lane.is_hungry && lane.queue.len() < BODIES_MAX;
        if has_room {
            lane.queue.push_back(job);
        } else {
            lane.parked.push_back(job.park());
        }
        has_room
    }

    /// The next lane that wants bodies, with what it wants them of.
    pub(crate) fn next_hungry(&mut self) -> Option<(LaneKey, Vec<J::Parked>)> {
        let key = self.hungry.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let wanted = BODIES_MAX.saturating_sub(lane.queue.len()).min(lane.parked.len());
        Some((key, lane.parked.drain(..wanted).collect()))
    }

    /// The bodies that a lane wanted, as far as there still are any.
    pub(crate) fn unpark(&mut self, key: &LaneKey, jobs: Vec<J>) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        lane.is_hungry = false;
        lane.queue.extend(jobs);
        if matches!(lane.state, State::Starved) {
            self.go_on(key);
        } else {
            self.feed(key);
        }
    }

    /// Asks for bodies where few are left and some are parked.
    fn feed(&mut self, key: &LaneKey) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        if !lane.is_hungry && !lane.parked.is_empty() && lane.queue.len() <= BODIES_LOW {
            lane.is_hungry = true;
            self.hungry.push_back(Arc::clone(key));
        }
    }

    /// The lane is free for its next entry.
    fn go_on(&mut self, key: &LaneKey) {
        self.feed(key);
        match self.lanes.get_mut(key) {
            Some(lane) if lane.is_empty() => {
                self.lanes.remove(key);
            }
            Some(lane) if lane.queue.is_empty() => lane.state = State::Starved,
            _ => self.make_ready(key),
        }
    }

    /// Hands an entry to the turn that it concerns, if that runs; gives back what no turn takes, among it what meets a turn
    /// that has as many as it may have or has just ended.
    pub(crate) fn offer(&mut self, job: J) -> Option<J> {
        match self.lanes.get(job.lane()).map(|lane| &lane.state) {
            Some(State::Running(cause, mailbox)) if job.concerns(cause) => {
                mailbox.try_send(job).err().map(mpsc::error::TrySendError::into_inner)
            }
            _ => Some(job),
        }
    }

    /// Lanes whose time has come are ready again.
    fn wake(&mut self, now: Instant) {
        while self.waiting.first().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, key)) = self.waiting.pop_first() {
                self.make_ready(&key);
            }
        }
    }

    fn make_ready(&mut self, key: &LaneKey) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        lane.state = State::Ready;
        let queue = if lane.is_recordable() { &mut self.recordable } else { &mut self.ready };
        queue.push_back(Arc::clone(key));
    }

    /// The next entry that needs a turn, if a slot is free, with the mailbox of its turn.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(J, mpsc::Receiver<J>)> {
        self.wake(now);
        if self.running >= self.running_max {
            return None;
        }
        let key = self.ready.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let job = lane.queue.pop_front()?;
        let (controls, mailbox) = mpsc::channel(CONTROLS_MAX);
        let cause = Arc::clone(job.cause());
        // A control that found no turn is no turn for others.
        if *job.way() != Way::Control {
            lane.hand(&cause, &controls);
        }
        lane.state = State::Running(cause, controls);
        lane.head_since.get_or_insert(now);
        self.running += 1;
        self.feed(&key);
        Some((job, mailbox))
    }

    /// The next entries of one lane, at most so many, that need no turn.
    pub(crate) fn next_records(&mut self, now: Instant, most: usize) -> Option<Vec<J>> {
        self.wake(now);
        loop {
            let key = self.recordable.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            let mut records = Vec::new();
            while records.len() < most && lane.is_recordable() {
                records.extend(lane.queue.pop_front());
            }
            if records.is_empty() {
                // A change of it came meanwhile.
                self.ready.push_back(key);
                continue;
            }
            lane.state = State::Recording;
            self.feed(&key);
            return Some(records);
        }
    }

    /// A turn of `key`, or a batch that had entries of it, ended. `unheard` is what the turn did not take.
    pub(crate) fn finish(&mut self, key: &LaneKey, verdict: Verdict<J>, unheard: Vec<J>) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        self.running -= usize::from(matches!(lane.state, State::Running(..)));
        for job in unheard.into_iter().rev() {
            // A control concerned the turn that is over, and is done first. A change may be of a message that comes yet: of the
            // very same one, where this turn has lost its shard and the next tenure has it again.
            let at = match job.way() {
                Way::Change(_) => lane.queue.iter().position(|other| other.place() > job.place()),
                _ => Some(0),
            };
            lane.queue.insert(at.unwrap_or(lane.queue.len()), job);
        }
        lane.is_left = matches!(verdict, Verdict::Left(..));
        let again = match verdict {
            Verdict::Again(jobs, until) => Some((jobs, until)),
            Verdict::Left(job, until) => Some((vec![job], until)),
            Verdict::Done => None,
        };
        match again {
            Some((jobs, until)) => {
                for job in jobs.into_iter().rev() {
                    lane.queue.push_front(job);
                }
                lane.state = State::Waiting(until);
                self.waiting.insert((until, Arc::clone(key)));
            }
            None => {
                lane.head_since = None;
                self.go_on(key);
            }
        }
    }

    /// Forgets the queued entries for which `gone` holds, and the parked ones; what runs is not touched.
    pub(crate) fn forget(&mut self, mut gone: impl FnMut(&J) -> bool, mut gone_parked: impl FnMut(&J::Parked) -> bool) {
        let (waiting, mut starved) = (&mut self.waiting, Vec::new());
        self.lanes.retain(|key, lane| {
            lane.queue.retain(|job| !gone(job));
            lane.parked.retain(|parked| !gone_parked(parked));
            let is_kept = match &lane.state {
                State::Running(..) | State::Recording => return true,
                // Bodies that are on their way find it.
                _ if lane.is_hungry => true,
                _ => !lane.is_empty(),
            };
            if lane.queue.is_empty() {
                if let State::Waiting(until) = &lane.state {
                    waiting.remove(&(*until, Arc::clone(key)));
                }
                lane.state = State::Starved;
                if is_kept {
                    starved.push(Arc::clone(key));
                }
            }
            is_kept
        });
        starved.sort_unstable();
        starved.iter().for_each(|key| self.feed(key));
        for queue in [&mut self.ready, &mut self.recordable] {
            queue.retain(|key| self.lanes.get(key).is_some_and(|lane| !lane.queue.is_empty()));
        }
        self.hungry.retain(|key| self.lanes.contains_key(key));
    }

    /// When a waiting lane may go on.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        self.waiting.first().map(|(until, _)| *until)
    }

    /// How many lanes have been at one entry since before `then`, waiting for its next try among it; and since when the one is
    /// that has been for longest.
    pub(crate) fn stuck(&self, then: Instant) -> (usize, Option<Instant>) {
        let since = || self.lanes.values().filter_map(|lane| lane.head_since);
        (since().filter(|since| *since <= then).count(), since().min())
    }

    /// Turns that run.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// Lanes that could run but have no slot, and lanes that wait for a retry.
    pub(crate) fn idle(&self) -> (usize, usize) {
        (self.ready.len() + self.recordable.len(), self.waiting.len())
    }
}
