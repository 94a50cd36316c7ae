//! Cases that chance seldom meets, each played out on its own.

use std::time::Duration;

use bus::{DeadLetters, Replayed};
use tests::{Fault, Faults, Sabotage};
use tokio::time::Instant;

use super::{
    check::{Run, dead_letters},
    pair::Pair,
    platform::Fate,
    shown::Shown,
    world::{LEASE, PEACE_MAX, World, in_time_of_its_own},
};

/// A worker and a gateway with all the time they want to end, and no faults but those of the case.
fn calm_world(sabotage: Option<Sabotage>) -> World {
    let mut world = World::new(0, sabotage);
    world.server.set_faults(None);
    world.drain = PEACE_MAX;
    world.start_gateway();
    world.start_worker();
    world
}

/// An owner is frozen, another takes over and is busy for a moment, and in that moment new entries come and the first one
/// wakes, with its next read ready to be sent.
pub(crate) fn stale_reader(sabotage: Option<Sabotage>) -> Run {
    in_time_of_its_own(async {
        let mut world = calm_world(sabotage);
        world.send_all(&["lane1:0"]).await;
        world.seen(1).await;
        world.workers[0].link.freeze(PEACE_MAX);
        world.start_worker();
        world.send_all(&["lane1:1"]).await;
        world.seen(2).await;
        world.workers[1].link.freeze(LEASE.renew);
        world.send_all(&["lane1:2", "lane1:3"]).await;
        world.workers[0].link.thaw();
        world.rest().await
    })
}

/// A reading connection breaks with its next read on the way, and the read arrives when the reader has long begun anew.
pub(crate) fn late_read(sabotage: Option<Sabotage>) -> Run {
    in_time_of_its_own(async {
        let mut world = calm_world(sabotage);
        world.send_all(&["lane1:0"]).await;
        world.seen(1).await;
        world.server.set_faults(Some(Box::<Stranding>::default()));
        world.send_all(&["lane1:1"]).await;
        world.seen(2).await;
        world.server.set_faults(None);
        world.send_all(&["lane1:2"]).await;
        world.send_all(&["lane1:8"]).await;
        world.rest().await
    })
}

/// A world in which the first message's turn is a guest: its worker was told to stop while it ran, and another is there.
async fn with_a_guest(sabotage: Option<Sabotage>, payloads: &[&str], hand_over: Fault) -> World {
    let mut world = calm_world(sabotage);
    world.send_all(payloads).await;
    world.until(|world| world.holds("attempts")).await;
    world.start_worker();
    world.server.set_faults(Some(Box::new(FirstHandOver(Some(hand_over)))));
    world.workers[0].stop.cancel();
    world.until(|world| world.holds("guests")).await;
    world
}

/// A guest that falls silent: it is frozen until its pass is over and its lane has gone on, and then it wakes with its commit
/// ready to be sent.
pub(crate) fn silent_guest(sabotage: Option<Sabotage>) -> Run {
    in_time_of_its_own(async {
        let world = with_a_guest(sabotage, &["lane1:0:fragile", "lane1:1"], Fault::None).await;
        world.workers[0].link.freeze(PEACE_MAX);
        world.seen(2).await;
        world.workers[0].link.thaw();
        world.rest().await
    })
}

/// A guest that is well: its turn ends after the shard was handed over, whatever the hand-over met, and nothing runs twice.
pub(crate) fn guest(hand_over: Fault) -> Run {
    in_time_of_its_own(async { with_a_guest(None, &["lane1:0:once", "lane1:1"], hand_over).await.rest().await })
}

/// A hand-over that is made again renews the passes: its process counts their time from the answer that it has heard.
pub(crate) fn repeated_hand_over() -> Run {
    in_time_of_its_own(async {
        let world = with_a_guest(None, &["lane1:0:once", "lane1:1"], Fault::NotAnswered).await;
        let (began, passes) = (Instant::now(), world.passes());
        world.until(|world| world.passes() != passes).await;
        assert!(began.elapsed() < LEASE.renew + LEASE.renew / 2, "not before the tick after: {:?}", began.elapsed());
        world.rest().await
    })
}

/// How a gateway ends in whose name a preview is under way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    HandedOver,
    Frozen,
    Killed,
}

/// A gateway, one of two, ends so long after the first of a text was shown, with what it asked for it still on
/// its way, while the other carries the final text out.
pub(crate) fn preview_under_way(number: usize, after: Duration, which: usize, end: End) -> Run {
    in_time_of_its_own(async {
        let mut world = World::new(1, None);
        world.server.set_faults(None);
        let pair = Pair::new(1, world.chance.platform.clone());
        pair.platform.calm();
        pair.platform.hold_previews_up(LEASE.ttl.mul_f64(0.4));
        world.pair = Some(pair.clone());
        world.start_gateway();
        world.start_gateway();
        world.start_worker();
        tokio::time::sleep(2 * LEASE.ttl).await;
        world.send_all(&[&format!("lane1:{number}:slow")]).await;
        world.until(|_| pair.platform.met().previews > 0).await;
        tokio::time::sleep(after).await;
        let ending = world.gateways.remove(which);
        match end {
            End::HandedOver => ending.stop.cancel(),
            End::Frozen => ending.link.freeze(PEACE_MAX),
            End::Killed => ending.task.abort(),
        }
        world.rest().await
    })
}

/// A part of an answer is lost, nobody can say whether it was, and who looked replays the letter: with the part that was lost,
/// and those behind it, the answer is whole.
pub(crate) fn replayed_part(number: u64) -> Run {
    in_time_of_its_own(async move {
        let mut world = World::new(2, None);
        world.server.set_faults(None);
        let pair = Pair::new(2, world.chance.platform.clone());
        pair.platform.calm();
        pair.platform.lose(number);
        world.pair = Some(pair.clone());
        world.start_gateway();
        world.start_worker();
        world.send_all(&["lane1:8"]).await;
        world.until(|world| !dead_letters(world).is_empty()).await;
        assert_eq!(pair.platform.shown().len() as u64, number - 1);
        let letters = DeadLetters::new(world.bus.clone());
        let letter = letters.all(&[]).next().await.unwrap().unwrap();
        assert!(
            letter.error.starts_with("doubtful") && letter.error.contains(&format!("part {number} ")),
            "{letter:?}"
        );
        assert_eq!(letters.replay(&letter, 100).await.unwrap(), Replayed::Now);
        world.until(|_| pair.platform.shown().len() as u64 >= number).await;
        world.rest().await
    })
}

/// A part is refused for now, and the note that it surely was not sent strands with its connection: it arrives when the next try
/// has sent that part and lost the answer.
pub(crate) fn late_note(sabotage: Option<Sabotage>) -> Run {
    in_time_of_its_own(async move {
        let mut world = World::new(1, sabotage);
        world.server.set_faults(Some(Box::<StrandingNote>::default()));
        let pair = Pair::new(1, world.chance.platform.clone());
        pair.platform.calm();
        pair.platform.second_part_meets([Fate::Busy, Fate::AnswerLost]);
        world.pair = Some(pair.clone());
        world.start_gateway();
        world.start_worker();
        world.send_all(&["lane1:8"]).await;
        world.until(|_| pair.platform.shown().iter().any(Shown::is_further)).await;
        // The note arrives right behind this one.
        world.send_all(&["lane1:9"]).await;
        world.rest().await
    })
}

/// The first note that something surely was not sent is stranded.
#[derive(Debug, Default)]
struct StrandingNote {
    is_over: bool,
}

impl Faults for StrandingNote {
    fn next(&mut self, command: &[Vec<u8>]) -> Fault {
        let is_it = command[0].starts_with(b"EVAL") && command.last().is_some_and(|last| last == b"unsent");
        if is_it && !std::mem::replace(&mut self.is_over, true) { Fault::Stranded } else { Fault::None }
    }
}

/// The next read of a worker is stranded, and no other.
#[derive(Debug, Default)]
struct Stranding {
    is_read: bool,
    is_over: bool,
}

impl Faults for Stranding {
    fn next(&mut self, command: &[Vec<u8>]) -> Fault {
        match command[0].as_slice() {
            b"XREADGROUP" => self.is_read = command.iter().any(|part| part.starts_with(b"sg:stream:inbound")),
            b"EXEC" if self.is_read && !self.is_over => {
                self.is_over = true;
                return Fault::Stranded;
            }
            _ => {}
        }
        Fault::None
    }
}

/// What happens to the first hand-over of a shard.
#[derive(Debug)]
struct FirstHandOver(Option<Fault>);

impl Faults for FirstHandOver {
    fn next(&mut self, command: &[Vec<u8>]) -> Fault {
        // Told by its keys: a lease among four of them.
        let is_hand_over = command[0].starts_with(b"EVAL") && command[2] == b"4" && command[3].starts_with(b"sg:lock");
        if is_hand_over { self.0.take().unwrap_or(Fault::None) } else { Fault::None }
    }
}
