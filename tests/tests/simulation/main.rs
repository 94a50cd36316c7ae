//! The bus in a simulated world: its own lanes, leases, readers, commits and retries over a server in memory, with a clock of
//! its own, under faults that a seed draws. After each run everything is compared with what was sent.
//!
//! `SG_SEED` runs one seed, `SG_SEEDS` so many from 0 on. A run that compared nothing, or met no faults, fails.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]
#![expect(clippy::panic, reason = "a check that nothing can fail is one that fails")]

mod cases;
mod chance;
mod check;
mod handlers;
mod model;
mod pair;
mod platform;
mod shown;
mod world;

use std::{
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use check::Totals;
use tests::{Fault, Sabotage};

/// Runs in CI. Each takes about half a minute of the world's time.
const SEEDS: u64 = 60;
/// The daemons' own code takes longer.
const SEEDS_OF_PAIR: u64 = 18;
const SHARE_OF_PAIR: u64 = 8;
/// Worlds that may pass before the absence of a safeguard has to be noticed.
const NOTICED_WITHIN: u64 = 60;

#[test]
fn nothing_is_lost_doubled_or_out_of_order() {
    all_worlds(SEEDS, 1, false, |seed| world::run(seed, None));
}

#[test]
fn the_pair_answers_each_message_once_and_in_order() {
    all_worlds(SEEDS_OF_PAIR, SHARE_OF_PAIR, true, |seed| world::run_pair(seed, None));
}

/// `share`: of the seeds that are wished for, one in so many.
fn all_worlds(count: u64, share: u64, are_of_pair: bool, run: impl Fn(u64) -> check::Run + Sync) {
    #[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, not a setting of the service")]
    let wish = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = wish("SG_SEED")
        .map_or_else(|| 0..wish("SG_SEEDS").map_or(count, |wished| wished.div_ceil(share)), |seed| seed..seed + 1);
    let (next, totals) = (AtomicU64::new(seeds.start), Mutex::new(Totals::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) {
                        return;
                    }
                    let run = run(seed);
                    totals.lock().unwrap().add(run);
                }
            });
        }
    });
    totals.into_inner().unwrap().report(are_of_pair);
}

/// The checks can fail: each safeguard is taken out, and has to be missed.
fn is_missed(sabotage: Sabotage) {
    is_missed_in(0..NOTICED_WITHIN, world::run, sabotage);
}

fn is_missed_in(seeds: Range<u64>, run: fn(u64, Option<Sabotage>) -> check::Run, sabotage: Sabotage) {
    for seed in seeds {
        let ran = std::panic::catch_unwind(|| run(seed, Some(sabotage)));
        let Ok(run) = ran else { return };
        assert!(
            !matches!(sabotage, Sabotage::Script(..)) || run.sabotaged > 0,
            "{sabotage:?} is in no script any more"
        );
    }
    panic!("{NOTICED_WITHIN} worlds did well without {sabotage:?}");
}

#[test]
fn a_commit_without_its_fence_is_noticed() {
    is_missed(Sabotage::COMMIT_FENCE);
}

#[test]
fn a_stale_reader_takes_nothing() {
    cases::stale_reader(None);
}

#[test]
fn a_read_that_watches_nothing_is_noticed() {
    let ran = std::panic::catch_unwind(|| cases::stale_reader(Some(Sabotage::Watch)));
    assert!(ran.is_err(), "nobody missed what a stale reader took");
}

#[test]
fn a_read_that_arrives_late_takes_nothing() {
    cases::late_read(None);
}

#[test]
fn a_fence_that_a_new_connection_does_not_write_is_noticed() {
    let untouched = Sabotage::Script("redis.call('SET', KEYS[1], ARGV[1])\nreturn 1", "return 1");
    let ran = std::panic::catch_unwind(|| cases::late_read(Some(untouched)));
    assert!(ran.is_err(), "nobody missed what a late read took");
}

#[test]
fn an_owner_that_claims_nothing_is_noticed() {
    is_missed(Sabotage::Claim);
}

#[test]
fn a_cause_that_leaves_no_mark_is_noticed() {
    is_missed(Sabotage::DONE_MARK);
}

#[test]
fn a_send_that_is_noted_nowhere_is_noticed() {
    is_missed_in(0..NOTICED_WITHIN, world::run_pair, Sabotage::SENDING);
}

#[test]
fn a_preview_that_is_noted_nowhere_is_noticed() {
    is_missed_in(0..NOTICED_WITHIN, world::run_pair, Sabotage::PREVIEW);
}

#[test]
fn a_preview_behind_its_final_text_is_noticed() {
    is_missed_in(0..NOTICED_WITHIN, world::run_pair, Sabotage::Gate);
}

/// Whenever a gateway ends, what it asked for a preview is done before the final text is shown, or not at all.
#[test]
fn a_preview_under_way_does_not_outlive_its_gateway() {
    let mut edits = 0;
    for end in [cases::End::HandedOver, cases::End::Frozen, cases::End::Killed] {
        // Texts that are written so that, without the margin of the lease, a late edit is shown.
        for number in [7, 15, 22, 24] {
            for (after, which) in (50..900).step_by(200).flat_map(|after| [(after, 0), (after, 1)]) {
                edits += cases::preview_under_way(number, Duration::from_millis(after), which, end).preview_edits;
            }
        }
    }
    assert!(edits > 100, "{edits} edits");
}

#[test]
fn a_replay_goes_on_with_the_part_that_is_missing() {
    for number in 1..=3 {
        cases::replayed_part(number);
    }
}

#[test]
fn a_note_of_an_earlier_try_that_arrives_late_changes_nothing() {
    assert_eq!(cases::late_note(None).answers_lost, 1);
}

#[test]
fn a_note_that_is_taken_whenever_it_comes_is_noticed() {
    let whenever = Sabotage::Script("> tonumber(ARGV[5])", "> 1e15");
    let ran = std::panic::catch_unwind(|| cases::late_note(Some(whenever)));
    assert!(ran.is_err(), "nobody missed what a late note undid");
}

#[test]
fn a_guest_ends_its_turn_after_the_hand_over() {
    cases::guest(Fault::None);
}

#[test]
fn a_hand_over_that_was_not_done_is_done_again() {
    cases::guest(Fault::NotDone);
}

#[test]
fn a_hand_over_that_was_not_answered_is_known_to_be_done() {
    cases::guest(Fault::NotAnswered);
}

#[test]
fn a_hand_over_that_is_done_again_renews_its_passes() {
    cases::repeated_hand_over();
}

#[test]
fn a_guest_that_fell_silent_changes_nothing() {
    cases::silent_guest(None);
}

#[test]
fn a_pass_that_is_not_removed_is_noticed() {
    let ran = std::panic::catch_unwind(|| cases::silent_guest(Some(Sabotage::GUEST_REMOVAL)));
    assert!(ran.is_err(), "nobody missed what a silent guest did");
}
