//! Lease, fenced read, commit and hand-over as a small model of which every state is visited, whatever the order of steps. Unlike
//! the simulation, which runs our code in some worlds, this runs the idea of it in all; `docs/decisions/0008` says what stands
//! for what.
//!
//! `SG_MODEL_LARGE=1` takes larger bounds; `./dev model` sets it.
#![expect(clippy::panic, reason = "a check that nothing can fail is one that fails")]
#![expect(clippy::print_stdout, reason = "how much was visited is what a check is worth")]

mod delivery;
mod egress;
mod plan;
mod plans;
mod process;
mod properties;
mod redis;
mod report;

use egress::Sends;
use properties::{ACKED, GUEST, KNOWN, ONCE, ORDER, REST, RUNNER, SETTLED, STALE};
use report::{Table, is_missed};

#[test]
fn the_invariants_hold_in_every_state() {
    #[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, not a setting of the service")]
    let is_large = std::env::var("SG_MODEL_LARGE").is_ok();
    let mut table = Table::default();
    for plan in if is_large { plans::large() } else { plans::small() } {
        table.check(plan.name, plan);
    }
    for (name, sends) in sends(is_large) {
        table.check(name, sends);
    }
    table.print();
}

/// Sends to a platform that can be asked, and to one that dedupes and about which then nothing has to be assumed.
fn sends(is_large: bool) -> [(&'static str, Sends); 2] {
    let (gateways, tenures, crashes) = if is_large { (3, 4, 3) } else { (2, 3, 2) };
    let asked = Sends {
        gateways,
        tenures,
        crashes,
        lost_answers: 2,
        dedupes: false,
        record: true,
        record_fence: true,
        lease_clock: true,
        settled_wire: true,
    };
    let deduped =
        Sends { dedupes: true, record: false, record_fence: false, lease_clock: false, settled_wire: false, ..asked };
    [("sends, the platform is asked", asked), ("sends, the platform dedupes", deduped)]
}

#[test]
fn a_commit_without_its_fence_is_noticed() {
    is_missed(plans::without_commit_fence(), &[STALE]);
}

#[test]
fn a_read_that_watches_nothing_is_noticed() {
    is_missed(plans::without_read_watch(), &[STALE, ORDER, KNOWN, REST]);
}

#[test]
fn an_owner_that_claims_nothing_is_noticed() {
    is_missed(plans::without_claim(), &[KNOWN, REST, ORDER]);
}

#[test]
fn a_cause_that_leaves_no_mark_is_noticed() {
    is_missed(plans::without_done_mark(), &[ONCE]);
}

#[test]
fn a_pass_that_is_not_removed_is_noticed() {
    is_missed(plans::without_guest_removal(), &[RUNNER, ACKED]);
}

#[test]
fn a_claimed_entry_that_is_run_though_it_is_settled_is_noticed() {
    is_missed(plans::without_pending_check(), &[SETTLED]);
    is_missed(plans::without_pending_check_at_rest(), &[SETTLED]);
}

#[test]
fn a_pass_for_a_turn_that_has_ended_is_noticed() {
    is_missed(plans::without_running_check(), &[GUEST]);
}

#[test]
fn a_late_read_of_a_broken_connection_is_noticed() {
    is_missed(plans::without_fence_touch(), &[KNOWN, REST, ORDER]);
}

#[test]
fn a_send_without_its_record_is_noticed() {
    let [(_, asked), _] = sends(false);
    is_missed(Sends { record: false, ..asked }, &[egress::ONCE, egress::ORDER]);
    is_missed(Sends { record_fence: false, lease_clock: false, ..asked }, &[egress::ONCE]);
}

/// Where a platform cannot dedupe these are the limits: nothing of ours can call a request back.
#[test]
fn what_a_send_relies_on_is_needed() {
    let [(_, asked), _] = sends(false);
    is_missed(Sends { lease_clock: false, ..asked }, &[egress::ONCE]);
    is_missed(Sends { settled_wire: false, ..asked }, &[egress::ONCE]);
}
