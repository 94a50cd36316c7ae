//! The plans that are checked: small ones at every test, larger ones by `./dev model`.

use super::plan::{Budget, Entry, Plan, Safeguards, control, entry};

/// One lane of two, and one of one.
const TWO_LANES: &[Entry] = &[entry(0, 0), entry(0, 1), entry(1, 2)];
const ONE_LANE: &[Entry] = &[entry(0, 0), entry(0, 1), entry(0, 2)];
/// The first event comes twice.
const COPY: &[Entry] = &[entry(0, 0), entry(0, 0), entry(0, 1)];
const CONTROLS: &[Entry] = &[entry(0, 0), control(0, 1), entry(0, 2)];
const SHORT: &[Entry] = &[entry(0, 0), entry(0, 1)];

const NOTHING: Budget = Budget { crashes: 0, cuts: 0, lost_answers: 0, failures: 0, hand_overs: 0 };
const CUT: Budget = Budget { cuts: 1, ..NOTHING };
const HAND_OVER: Budget = Budget { hand_overs: 1, ..NOTHING };

const TAKE_OVER: Plan = Plan {
    name: "take-over",
    entries: TWO_LANES,
    there: 2,
    processes: 2,
    page: 1,
    tenures: 2,
    budget: NOTHING,
    keeps_marks: true,
    safeguards: Safeguards::ALL,
};

/// Each takes seconds in a debug build.
pub(crate) fn small() -> Vec<Plan> {
    vec![
        TAKE_OVER,
        Plan { name: "take-over, pages of 2", page: 2, entries: ONE_LANE, ..TAKE_OVER },
        Plan { name: "crash, lost answer", budget: Budget { crashes: 1, lost_answers: 1, ..NOTHING }, ..TAKE_OVER },
        Plan { name: "broken connection, late read", budget: CUT, entries: SHORT, there: 1, ..TAKE_OVER },
        Plan { name: "copy of an event", entries: COPY, budget: Budget { failures: 1, ..NOTHING }, ..TAKE_OVER },
        Plan { name: "hand-over", budget: HAND_OVER, ..TAKE_OVER },
        Plan { name: "hand-over, crash", budget: Budget { crashes: 1, ..HAND_OVER }, ..TAKE_OVER },
        Plan {
            name: "hand-over, failure, lost answer",
            entries: SHORT,
            there: 1,
            budget: Budget { failures: 1, lost_answers: 1, ..HAND_OVER },
            ..TAKE_OVER
        },
        Plan { name: "hand-over, controls", entries: CONTROLS, there: 1, budget: HAND_OVER, ..TAKE_OVER },
        Plan { name: "hand-over of a gateway's shard", keeps_marks: false, budget: HAND_OVER, ..TAKE_OVER },
        Plan {
            name: "two hand-overs",
            entries: SHORT,
            there: 1,
            tenures: 3,
            budget: Budget { hand_overs: 2, ..NOTHING },
            ..TAKE_OVER
        },
    ]
}

pub(crate) fn large() -> Vec<Plan> {
    let all = Budget { crashes: 1, cuts: 1, lost_answers: 1, ..NOTHING };
    let moves = Budget { crashes: 1, failures: 1, lost_answers: 1, hand_overs: 2, cuts: 0 };
    let more = vec![
        Plan { name: "crash, late read, lost answer", budget: all, ..TAKE_OVER },
        Plan { name: "three processes", processes: 3, tenures: 3, page: 2, ..TAKE_OVER },
        Plan { name: "three owners, late read", budget: CUT, entries: SHORT, there: 1, tenures: 3, ..TAKE_OVER },
        Plan {
            name: "two hand-overs, two lanes",
            tenures: 3,
            budget: Budget { hand_overs: 2, ..NOTHING },
            ..TAKE_OVER
        },
        Plan {
            name: "two hand-overs, controls, faults",
            entries: CONTROLS,
            there: 3,
            page: 3,
            tenures: 3,
            budget: moves,
            ..TAKE_OVER
        },
        Plan {
            name: "two hand-overs of a gateway's shard",
            entries: ONE_LANE,
            there: 2,
            page: 2,
            tenures: 3,
            keeps_marks: false,
            budget: Budget { cuts: 1, hand_overs: 2, ..NOTHING },
            ..TAKE_OVER
        },
        Plan {
            name: "hand-over between three processes",
            entries: SHORT,
            there: 2,
            page: 2,
            processes: 3,
            tenures: 3,
            budget: Budget { hand_overs: 2, failures: 1, ..NOTHING },
            ..TAKE_OVER
        },
    ];
    small().into_iter().chain(more).collect()
}

/// The smallest plan in which a safeguard is missed.
pub(crate) fn without_commit_fence() -> Plan {
    Plan { safeguards: Safeguards { commit_fence: false, ..Safeguards::ALL }, ..TAKE_OVER }
}

pub(crate) fn without_read_watch() -> Plan {
    Plan { entries: ONE_LANE, safeguards: Safeguards { read_watch: false, ..Safeguards::ALL }, ..TAKE_OVER }
}

pub(crate) fn without_claim() -> Plan {
    Plan { safeguards: Safeguards { claim: false, ..Safeguards::ALL }, ..TAKE_OVER }
}

pub(crate) fn without_done_mark() -> Plan {
    Plan { entries: COPY, safeguards: Safeguards { done_mark: false, ..Safeguards::ALL }, ..TAKE_OVER }
}

pub(crate) fn without_guest_removal() -> Plan {
    let safeguards = Safeguards { guest_removal: false, ..Safeguards::ALL };
    Plan { entries: CONTROLS, budget: HAND_OVER, safeguards, ..TAKE_OVER }
}

pub(crate) fn without_pending_check() -> Plan {
    let safeguards = Safeguards { pending_check: false, ..Safeguards::ALL };
    Plan { keeps_marks: false, budget: HAND_OVER, safeguards, ..TAKE_OVER }
}

/// The same without any hand-over: a page that was cut before a commit is handed on after it.
pub(crate) fn without_pending_check_at_rest() -> Plan {
    Plan { budget: CUT, tenures: 1, processes: 1, ..without_pending_check() }
}

pub(crate) fn without_running_check() -> Plan {
    let safeguards = Safeguards { running_check: false, ..Safeguards::ALL };
    Plan { budget: HAND_OVER, safeguards, ..TAKE_OVER }
}

pub(crate) fn without_fence_touch() -> Plan {
    let safeguards = Safeguards { fence_touch: false, ..Safeguards::ALL };
    Plan { entries: ONE_LANE, there: 0, page: 2, budget: CUT, safeguards, ..TAKE_OVER }
}
