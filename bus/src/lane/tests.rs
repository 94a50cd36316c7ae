//! Lanes by hand, and by chance.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, PartialEq)]
struct Item {
    lane: LaneKey,
    number: usize,
    cause: Arc<str>,
    way: Way,
}

impl Job for Item {
    type Parked = Self;

    fn park(self) -> Self {
        self
    }
    fn lane(&self) -> &LaneKey {
        &self.lane
    }
    fn cause(&self) -> &Arc<str> {
        &self.cause
    }
    fn way(&self) -> &Way {
        &self.way
    }
    fn place(&self) -> EntryId {
        EntryId { ms: self.number as u64, seq: 0 }
    }
}

fn item(lane: &str, number: usize) -> Item {
    Item { lane: lane.into(), number, cause: number.to_string().into(), way: Way::Turn }
}

fn stop(lane: &str, number: usize) -> Item {
    Item { way: Way::Control, ..item(lane, number) }
}

fn change(lane: &str, number: usize, of: usize) -> Item {
    Item { way: Way::Change(of.to_string().into()), ..item(lane, number) }
}

fn record(lane: &str, number: usize) -> Item {
    Item { way: Way::Record, ..item(lane, number) }
}

fn heard(mail: &mut mpsc::Receiver<Item>) -> Vec<usize> {
    std::iter::from_fn(|| mail.try_recv().ok()).map(|job| job.number).collect()
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
    lanes.finish(&"a".into(), Verdict::Again(vec![first], later), vec![]);
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
fn a_change_joins_its_message_wherever_that_is() {
    let (mut lanes, now) = (Lanes::new(8), Instant::now());
    for job in [item("a", 1), item("a", 2), change("a", 3, 2), change("a", 4, 1), stop("a", 5), change("a", 6, 9)] {
        lanes.push(job);
    }
    let (first, mut mail) = lanes.next(now).unwrap();
    assert_eq!((first.number, heard(&mut mail)), (1, vec![4]), "the stop is for whoever is before it");
    lanes.push(change("a", 7, 1));
    lanes.push(change("a", 8, 2));
    assert_eq!(heard(&mut mail), [7], "its message runs");
    lanes.finish(&"a".into(), Verdict::Done, vec![]);
    let (second, mut mail) = lanes.next(now).unwrap();
    assert_eq!((second.number, heard(&mut mail)), (2, vec![3, 5, 8]));
    lanes.finish(&"a".into(), Verdict::Done, vec![]);
    assert_eq!(lanes.next(now).unwrap().0.number, 6, "its message is finished, so it has a turn of its own");
}

/// A stop that comes while the turn at the head runs elsewhere is for that turn, and not for what waits behind it.
#[test]
fn controls_of_a_lane_that_is_left_to_a_guest_are_for_its_turn() {
    let (mut lanes, now) = (Lanes::new(8), Instant::now());
    for job in [item("a", 1), item("a", 2), stop("a", 3)] {
        lanes.push(job);
    }
    let (head, mut mail) = lanes.next(now).unwrap();
    assert!(heard(&mut mail).is_empty(), "nobody knows yet");
    lanes.finish(&"a".into(), Verdict::Left(head, now), vec![]);
    lanes.push(stop("a", 4));
    let (head, mut mail) = lanes.next(now).unwrap();
    let mut told: Vec<_> = std::iter::from_fn(|| mail.try_recv().ok()).collect();
    told.sort_by_key(|control| control.number);
    assert_eq!((head.number, told.iter().map(|control| control.number).collect::<Vec<_>>()), (1, vec![3, 4]));
    // The guest's commit took them; here they are found to be done.
    lanes.finish(&"a".into(), Verdict::Done, told);
    let mut left = Vec::new();
    while let Some((job, mut mail)) = lanes.next(now) {
        left.push((job.number, heard(&mut mail)));
        lanes.finish(&"a".into(), Verdict::Done, vec![]);
    }
    assert_eq!(left, [(3, vec![]), (4, vec![]), (2, vec![])]);
}

/// The turn of a message runs for an owner that is none any more, and the next tenure of the same process has claimed the
/// message anew.
#[test]
fn a_change_that_a_lost_turn_did_not_end_stays_behind_its_message() {
    let (mut lanes, now) = (Lanes::new(8), Instant::now());
    lanes.push(item("a", 1));
    let (_, mut mail) = lanes.next(now).unwrap();
    for job in [item("a", 1), item("a", 2), change("a", 3, 1), item("a", 4)] {
        lanes.push(job);
    }
    let unheard: Vec<_> = std::iter::from_fn(|| mail.try_recv().ok()).collect();
    assert_eq!(unheard.len(), 1, "it is the same message");
    lanes.finish(&"a".into(), Verdict::Done, unheard);
    let (again, mut mail) = lanes.next(now).unwrap();
    assert_eq!((again.number, heard(&mut mail)), (1, vec![3]));
    lanes.finish(&"a".into(), Verdict::Done, vec![change("a", 3, 1)]);
    let mut left = Vec::new();
    while let Some((job, _mail)) = lanes.next(now) {
        left.push(job.number);
        lanes.finish(&job.lane, Verdict::Done, vec![]);
    }
    assert_eq!(left, [2, 3, 4]);
}

#[test]
fn records_are_taken_in_runs_and_stay_in_order() {
    let (mut lanes, now) = (Lanes::new(8), Instant::now());
    for job in [record("a", 1), record("a", 2), item("a", 3), record("a", 4), record("b", 5), change("b", 6, 5)] {
        lanes.push(job);
    }
    let numbers = |jobs: &[Item]| jobs.iter().map(|job| job.number).collect::<Vec<_>>();
    let run = lanes.next_records(now, 9).unwrap();
    assert_eq!(numbers(&run), [1, 2]);
    assert!(lanes.next_records(now, 9).is_none(), "b's is to be changed, which takes a turn");
    let (of_b, mut mail) = lanes.next(now).unwrap();
    assert_eq!((of_b.number, heard(&mut mail)), (5, vec![6]));
    assert!(lanes.next(now).is_none(), "a is in a batch");
    let later = now + Duration::from_secs(1);
    lanes.finish(&"a".into(), Verdict::Again(run, later), vec![]);
    assert_eq!(numbers(&lanes.next_records(later, 1).unwrap()), [1], "no more than asked for");
    lanes.finish(&"a".into(), Verdict::Done, vec![]);
    assert_eq!(numbers(&lanes.next_records(later, 9).unwrap()), [2]);
    lanes.finish(&"a".into(), Verdict::Done, vec![]);
    assert_eq!(lanes.next(later).unwrap().0.number, 3);
    assert_eq!(lanes.running(), 2, "batches hold no slot");
}

#[test]
fn a_lane_that_is_far_behind_keeps_few_bodies() {
    let (mut lanes, now) = (Lanes::new(8), Instant::now());
    let kept = (0..200).filter(|number| lanes.push(item("a", *number))).count();
    assert_eq!(kept, BODIES_MAX);
    assert!(lanes.next_hungry().is_none(), "it has enough");
    let mut ran = Vec::new();
    let mut asked = 0;
    while ran.len() < 200 {
        if let Some((job, _mail)) = lanes.next(now) {
            ran.push(job.number);
            // What comes meanwhile stays behind what is parked.
            lanes.finish(&job.lane, Verdict::Done, vec![]);
        } else if let Some((lane, parked)) = lanes.next_hungry() {
            assert!(parked.len() <= BODIES_MAX);
            asked += 1;
            lanes.unpark(&lane, parked);
        }
    }
    assert_eq!(ran, (0..200).collect::<Vec<_>>());
    assert!(asked > 2 && lanes.lanes.is_empty());
}

#[test]
fn what_is_parked_is_forgotten_as_well() {
    let (mut lanes, now) = (Lanes::new(8), Instant::now());
    (0..200).for_each(|number| _ = lanes.push(item("a", number)));
    let (first, _mail) = lanes.next(now).unwrap();
    lanes.forget(|_| true, |_| true);
    lanes.finish(&first.lane, Verdict::Done, vec![]);
    assert!(lanes.lanes.is_empty() && lanes.next_hungry().is_none());
}

#[test]
fn forgotten_entries_leave_no_trace() {
    let (mut lanes, now) = (Lanes::new(8), Instant::now());
    for job in [item("a", 1), item("a", 2), item("b", 3), item("c", 4)] {
        lanes.push(job);
    }
    let (running, _mail) = lanes.next(now).unwrap();
    lanes.forget(|job| &*job.lane != "c", |_| true);
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
        let mut running: Vec<(Item, mpsc::Receiver<Item>)> = Vec::new();
        let mut recording: Vec<Vec<Item>> = Vec::new();
        let mut pushed = HashMap::<LaneKey, Vec<usize>>::new();
        let mut ended = HashMap::<LaneKey, Vec<usize>>::new();
        let mut number = 0_usize;
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
                    let lane = format!("lane{which}");
                    let job = if number.is_multiple_of(3) { record(&lane, number) } else { item(&lane, number) };
                    pushed.entry(job.lane.clone()).or_default().push(number);
                    lanes.push(job);
                }
                1 if !running.is_empty() => {
                    let (job, _mail) = running.swap_remove(which % running.len());
                    let key = job.lane.clone();
                    lanes.finish(&key, Verdict::Again(vec![job], now + Duration::from_millis(which as u64)), vec![]);
                }
                2 if !running.is_empty() => {
                    let (job, _mail) = running.swap_remove(which % running.len());
                    ended.entry(job.lane.clone()).or_default().push(job.number);
                    lanes.finish(&job.lane, Verdict::Done, vec![]);
                }
                3 if !recording.is_empty() => {
                    let jobs = recording.swap_remove(which % recording.len());
                    ended.entry(jobs[0].lane.clone()).or_default().extend(jobs.iter().map(|job| job.number));
                    lanes.finish(&jobs[0].lane, Verdict::Done, vec![]);
                }
                _ => now += Duration::from_millis(2),
            }
            if drain && let Some(jobs) = recording.pop() {
                lanes.finish(&jobs[0].lane.clone(), Verdict::Again(jobs, now), vec![]);
            }
            now += Duration::from_millis(u64::from(drain) * 10);
            while let Some((lane, parked)) = lanes.next_hungry() {
                lanes.unpark(&lane, parked);
            }
            while let Some(started) = lanes.next(now) {
                prop_assert!(running.iter().all(|(job, _)| job.lane != started.0.lane), "two turns in one lane");
                running.push(started);
            }
            while let Some(started) = lanes.next_records(now, which + 1) {
                let lane = &started[0].lane;
                prop_assert!(running.iter().all(|(job, _)| job.lane != *lane), "a batch beside a turn");
                if drain {
                    ended.entry(lane.clone()).or_default().extend(started.iter().map(|job| job.number));
                    lanes.finish(&lane.clone(), Verdict::Done, vec![]);
                } else {
                    recording.push(started);
                }
            }
            prop_assert!(running.len() <= slots && running.len() == lanes.running());
            if drain && running.is_empty() && recording.is_empty() && lanes.lanes.is_empty() {
                break;
            }
        }
        prop_assert_eq!(pushed, ended);
    }
}
