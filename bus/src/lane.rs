//! Lanes: one turn at a time for each conversation, in stream order, while lanes run in parallel.
//!
//! A plain state machine without I/O and clock. A lane that waits holds no worker slot. A control entry whose lane runs is
//! handed to the running turn at once; everything else queues.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use tokio::time::Instant;

/// Key of a lane: `<platform>:<thread or channel id>`.
pub type LaneKey = Arc<str>;

/// Control entries that a running turn may have waiting; further ones queue in the lane.
pub(crate) const CONTROLS_MAX: usize = 16;

/// What lanes hold. The consumer's is a delivery; tests use something smaller.
pub(crate) trait Job {
    fn lane(&self) -> &LaneKey;
    fn is_control(&self) -> bool;
}

/// How a turn left its lane.
#[derive(Debug)]
pub(crate) enum Verdict<J> {
    /// Settled, or not ours any more: the lane goes on.
    Done,
    /// The same entry again, not before then; the lane waits with it.
    Again(J, Instant),
}

#[derive(Debug)]
pub(crate) struct Lanes<J> {
    lanes: HashMap<LaneKey, Lane<J>>,
    ready: VecDeque<LaneKey>,
    waiting: BTreeSet<(Instant, LaneKey)>,
    running: usize,
    running_max: usize,
}

#[derive(Debug)]
struct Lane<J> {
    queue: VecDeque<J>,
    state: State<J>,
}

#[derive(Debug)]
enum State<J> {
    /// In `ready`.
    Ready,
    /// Has a turn, which takes control entries here.
    Running(tokio::sync::mpsc::Sender<J>),
    /// In `waiting`.
    Waiting(Instant),
}

impl<J: Job> Lanes<J> {
    pub(crate) fn new(running_max: usize) -> Self {
        Self { lanes: HashMap::new(), ready: VecDeque::new(), waiting: BTreeSet::new(), running: 0, running_max }
    }

    /// Puts an entry behind those of its lane, or hands it to the running turn.
    pub(crate) fn push(&mut self, job: J) {
        let Some(job) = self.offer(job) else { return };
        let key = Arc::clone(job.lane());
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.queue.push_back(job);
        } else {
            self.lanes.insert(Arc::clone(&key), Lane { queue: VecDeque::from([job]), state: State::Ready });
            self.ready.push_back(key);
        }
    }

    /// Hands a control to the turn that runs in its lane; gives back what no turn takes, a control among it whose turn has
    /// as many as it may have or has just ended.
    pub(crate) fn offer(&mut self, job: J) -> Option<J> {
        match self.lanes.get(job.lane()).map(|lane| &lane.state) {
            Some(State::Running(controls)) if job.is_control() => {
                controls.try_send(job).err().map(tokio::sync::mpsc::error::TrySendError::into_inner)
            }
            _ => Some(job),
        }
    }

    /// The next entry to run, if a slot is free, with the mailbox of its turn's controls.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(J, tokio::sync::mpsc::Receiver<J>)> {
        while self.waiting.first().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, key)) = self.waiting.pop_first()
                && let Some(lane) = self.lanes.get_mut(&key)
            {
                lane.state = State::Ready;
                self.ready.push_back(key);
            }
        }
        if self.running >= self.running_max {
            return None;
        }
        let key = self.ready.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let job = lane.queue.pop_front()?;
        let (controls, mailbox) = tokio::sync::mpsc::channel(CONTROLS_MAX);
        // Controls that came while the lane waited belong to the turn that starts now.
        while lane.queue.front().is_some_and(Job::is_control) && !job.is_control() {
            let Some(control) = lane.queue.pop_front() else { break };
            if let Err(refused) = controls.try_send(control) {
                lane.queue.push_front(refused.into_inner());
                break;
            }
        }
        lane.state = State::Running(controls);
        self.running += 1;
        Some((job, mailbox))
    }

    /// A turn of `key` ended. `unheard` are controls that it did not take.
    pub(crate) fn finish(&mut self, key: &LaneKey, verdict: Verdict<J>, unheard: Vec<J>) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        self.running -= 1;
        for control in unheard.into_iter().rev() {
            lane.queue.push_front(control);
        }
        match verdict {
            Verdict::Again(job, until) => {
                lane.queue.push_front(job);
                lane.state = State::Waiting(until);
                self.waiting.insert((until, Arc::clone(key)));
            }
            Verdict::Done if lane.queue.is_empty() => {
                self.lanes.remove(key);
            }
            Verdict::Done => {
                lane.state = State::Ready;
                self.ready.push_back(Arc::clone(key));
            }
        }
    }

    /// Forgets the queued entries for which `gone` holds; running turns are not touched.
    pub(crate) fn forget(&mut self, mut gone: impl FnMut(&J) -> bool) {
        let (ready, waiting) = (&mut self.ready, &mut self.waiting);
        self.lanes.retain(|key, lane| {
            lane.queue.retain(|job| !gone(job));
            match &lane.state {
                State::Running(_) => true,
                _ if !lane.queue.is_empty() => true,
                State::Ready => {
                    ready.retain(|other| other != key);
                    false
                }
                State::Waiting(until) => {
                    waiting.remove(&(*until, Arc::clone(key)));
                    false
                }
            }
        });
    }

    /// When a waiting lane may go on.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        self.waiting.first().map(|(until, _)| *until)
    }

    /// Turns that run.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// Lanes that could run but have no slot, and lanes that wait for a retry.
    pub(crate) fn idle(&self) -> (usize, usize) {
        (self.ready.len(), self.waiting.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Item {
        lane: LaneKey,
        number: usize,
        control: bool,
    }

    impl Job for Item {
        fn lane(&self) -> &LaneKey {
            &self.lane
        }
        fn is_control(&self) -> bool {
            self.control
        }
    }

    fn item(lane: &str, number: usize) -> Item {
        Item { lane: lane.into(), number, control: false }
    }

    fn stop(lane: &str, number: usize) -> Item {
        Item { control: true, ..item(lane, number) }
    }

    #[test]
    fn one_turn_a_lane_and_lanes_in_parallel() {
        let (mut lanes, now) = (Lanes::new(8), Instant::now());
        for job in [item("a", 1), item("a", 2), item("b", 3)] {
            lanes.push(job);
        }
        let (first, _mail_a) = lanes.next(now).unwrap();
        let (second, _mail_b) = lanes.next(now).unwrap();
        assert_eq!((first.number, second.number), (1, 3));
        assert!(lanes.next(now).is_none(), "the second of lane a waits for the first");
        lanes.finish(&first.lane, Verdict::Done, vec![]);
        assert_eq!(lanes.next(now).unwrap().0.number, 2);
    }

    #[test]
    fn a_retry_waits_at_the_head_of_its_lane_only() {
        let (mut lanes, now) = (Lanes::new(1), Instant::now());
        let later = now + Duration::from_secs(1);
        for job in [item("a", 1), item("a", 2), item("b", 3)] {
            lanes.push(job);
        }
        let (first, _mail) = lanes.next(now).unwrap();
        lanes.finish(&"a".into(), Verdict::Again(first, later), vec![]);
        assert_eq!(lanes.next_wake(), Some(later));
        let (other, _mail) = lanes.next(now).unwrap();
        assert_eq!(other.number, 3, "the waiting lane holds no slot");
        lanes.finish(&"b".into(), Verdict::Done, vec![]);
        assert!(lanes.next(now).is_none());
        assert_eq!(lanes.next(later).unwrap().0.number, 1);
    }

    #[test]
    fn a_control_reaches_the_running_turn_or_queues() {
        let (mut lanes, now) = (Lanes::new(8), Instant::now());
        lanes.push(item("a", 1));
        let (_, mut mail) = lanes.next(now).unwrap();
        lanes.push(item("a", 2));
        lanes.push(stop("a", 3));
        assert_eq!(mail.try_recv().unwrap().number, 3, "it overtakes what queues");
        lanes.push(stop("a", 4));
        mail.close();
        let unheard: Vec<_> = std::iter::from_fn(|| mail.try_recv().ok()).collect();
        lanes.push(stop("a", 5));
        lanes.finish(&"a".into(), Verdict::Done, unheard);
        let mut left = Vec::new();
        while let Some((job, mut mail)) = lanes.next(now) {
            left.push(job.number);
            left.extend(std::iter::from_fn(|| mail.try_recv().ok()).map(|control| control.number));
            lanes.finish(&"a".into(), Verdict::Done, vec![]);
        }
        assert_eq!(left, [4, 2, 5]);
    }

    #[test]
    fn forgotten_entries_leave_no_trace() {
        let (mut lanes, now) = (Lanes::new(8), Instant::now());
        for job in [item("a", 1), item("a", 2), item("b", 3), item("c", 4)] {
            lanes.push(job);
        }
        let (running, _mail) = lanes.next(now).unwrap();
        lanes.forget(|job| &*job.lane != "c");
        assert_eq!(lanes.idle(), (1, 0));
        lanes.finish(&running.lane, Verdict::Done, vec![]);
        assert_eq!(lanes.next(now).unwrap().0.number, 4);
        assert!(lanes.next(now).is_none());
    }

    proptest! {
        /// Any interleaving of arrivals, starts, retries and ends runs each lane's entries in order, one at a time, each once.
        #[test]
        fn order_holds(steps in prop::collection::vec((0u8..4, 0usize..5), 1..300), slots in 1usize..4) {
            let (mut lanes, mut now) = (Lanes::new(slots), Instant::now());
            let mut running: Vec<(Item, tokio::sync::mpsc::Receiver<Item>)> = Vec::new();
            let mut pushed = HashMap::<LaneKey, Vec<usize>>::new();
            let mut ended = HashMap::<LaneKey, Vec<usize>>::new();
            let mut number = 0;
            let mut drain = false;
            let mut steps = steps.into_iter();
            loop {
                let (what, which) = match steps.next() {
                    Some(step) => step,
                    None => { drain = true; (2, 0) }
                };
                match what {
                    0 => {
                        number += 1;
                        let job = item(&format!("lane{which}"), number);
                        pushed.entry(job.lane.clone()).or_default().push(number);
                        lanes.push(job);
                    }
                    1 if !running.is_empty() => {
                        let (job, _mail) = running.swap_remove(which % running.len());
                        let key = job.lane.clone();
                        lanes.finish(&key, Verdict::Again(job, now + Duration::from_millis(which as u64)), vec![]);
                    }
                    2 if !running.is_empty() => {
                        let (job, _mail) = running.swap_remove(which % running.len());
                        ended.entry(job.lane.clone()).or_default().push(job.number);
                        lanes.finish(&job.lane, Verdict::Done, vec![]);
                    }
                    _ => now += Duration::from_millis(2),
                }
                now += Duration::from_millis(u64::from(drain) * 10);
                while let Some(started) = lanes.next(now) {
                    prop_assert!(running.iter().all(|(job, _)| job.lane != started.0.lane), "two turns in one lane");
                    running.push(started);
                }
                prop_assert!(running.len() <= slots && running.len() == lanes.running());
                if drain && running.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(pushed, ended);
        }
    }
}
