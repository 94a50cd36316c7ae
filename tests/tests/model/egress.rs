//! A gateway's sends to a platform that can be asked what it shows, and does not dedupe: the record of a send, and what has to
//! be true beside it.

use stateright::{Model, Property};

pub(crate) const ONCE: &str = "I3 an action is shown once";
pub(crate) const ORDER: &str = "I2 actions are shown in order";
pub(crate) const ACKED: &str = "I1 what is acked is shown";

/// Actions of one lane.
const ACTIONS: usize = 2;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sends {
    pub(crate) gateways: usize,
    pub(crate) tenures: u8,
    pub(crate) crashes: u8,
    /// Requests of which the gateway hears no end.
    pub(crate) lost_answers: u8,
    /// The platform knows an action that it has, and shows it once.
    pub(crate) dedupes: bool,
    /// `sending` is written before the first byte leaves.
    pub(crate) record: bool,
    /// It is written under the fence.
    pub(crate) record_fence: bool,
    /// Nothing is sent but while the lease is known to be ours, by the gateway's own clock.
    pub(crate) lease_clock: bool,
    /// A platform that answers the question has seen every request of before: none is still under way.
    pub(crate) settled_wire: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sending {
    fence: u8,
    tenures: u8,
    records: [bool; ACTIONS],
    acked: [bool; ACTIONS],
    /// Requests under way, by action.
    wire: [u8; ACTIONS],
    shown: Vec<usize>,
    gateways: Vec<Gateway>,
    crashes: u8,
    lost_answers: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
struct Gateway {
    tenure: u8,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
enum Stage {
    #[default]
    Idle,
    /// The turn of an action has been begun.
    Begun(usize),
    /// The record said that a send of it may have happened.
    Unknown(usize),
    /// It is to be sent.
    Ready(usize),
    /// A request of ours is under way.
    Sent(usize),
    /// The platform shows it.
    Shown(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The lease has run out, or nobody has it.
    Acquire(usize),
    Crash(usize),
    Start(usize),
    Record(usize),
    Ask(usize),
    Send(usize),
    /// A request reaches the platform, whose answer reaches who waits for it.
    Arrive(usize),
    /// A request is lost, or its answer is.
    GiveUp(usize),
    Drop(usize),
    Commit(usize),
}

impl Model for Sends {
    type State = Sending;
    type Action = Step;

    fn init_states(&self) -> Vec<Sending> {
        vec![Sending {
            fence: 0,
            tenures: 0,
            records: [false; ACTIONS],
            acked: [false; ACTIONS],
            wire: [0; ACTIONS],
            shown: Vec::new(),
            gateways: vec![Gateway::default(); self.gateways],
            crashes: self.crashes,
            lost_answers: self.lost_answers,
        }]
    }

    fn actions(&self, state: &Sending, steps: &mut Vec<Step>) {
        for action in (0..ACTIONS).filter(|action| state.wire[*action] > 0) {
            steps.push(Step::Arrive(action));
            if state.lost_answers > 0 {
                steps.push(Step::Drop(action));
            }
        }
        for (at, gateway) in state.gateways.iter().enumerate() {
            if state.tenures < self.tenures && gateway.tenure != state.fence || state.fence == 0 {
                steps.push(Step::Acquire(at));
            }
            if state.crashes > 0 && gateway.tenure != 0 {
                steps.push(Step::Crash(at));
            }
            let is_leased = gateway.tenure == state.fence || !self.lease_clock;
            match gateway.stage {
                Stage::Idle if gateway.tenure != 0 => steps.push(Step::Start(at)),
                Stage::Idle => {}
                Stage::Begun(_) => steps.push(Step::Record(at)),
                Stage::Unknown(action) if state.wire[action] > 0 && self.settled_wire => {}
                Stage::Unknown(_) => steps.push(Step::Ask(at)),
                Stage::Ready(_) if is_leased => steps.push(Step::Send(at)),
                Stage::Ready(_) => {}
                Stage::Sent(action) if state.wire[action] == 0 || state.lost_answers > 0 => {
                    steps.push(Step::GiveUp(at));
                }
                Stage::Sent(_) => {}
                Stage::Shown(_) => steps.push(Step::Commit(at)),
            }
        }
    }

    fn next_state(&self, before: &Sending, step: Step) -> Option<Sending> {
        let mut state = before.clone();
        self.take(&mut state, step);
        (state != *before).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |_, state: &Sending| {
                (0..ACTIONS).all(|action| state.shown.iter().filter(|other| **other == action).count() <= 1)
            }),
            Property::always(ORDER, |_, state: &Sending| state.shown.is_sorted()),
            Property::always(ACKED, |_, state: &Sending| {
                (0..ACTIONS).all(|action| !state.acked[action] || state.shown.contains(&action))
            }),
            Property::sometimes("everything is shown and acked", |_, state: &Sending| state.acked == [true; ACTIONS]),
            Property::sometimes("a send of unknown fate is shown", |_, state: &Sending| {
                let unknown = |gateway: &Gateway| matches!(gateway.stage, Stage::Unknown(action) if state.shown.contains(&action));
                state.gateways.iter().any(unknown)
            }),
            Property::sometimes("a send of unknown fate is not shown", |_, state: &Sending| {
                let unknown = |gateway: &Gateway| matches!(gateway.stage, Stage::Unknown(action) if !state.shown.contains(&action));
                state.gateways.iter().any(unknown)
            }),
        ]
    }
}

impl Sends {
    fn take(&self, state: &mut Sending, step: Step) {
        let is_owner = |state: &Sending, at: usize| state.gateways[at].tenure == state.fence;
        match step {
            Step::Acquire(at) => {
                state.tenures += 1;
                state.fence = state.tenures;
                state.gateways[at] = Gateway { tenure: state.tenures, stage: Stage::Idle };
            }
            Step::Crash(at) => {
                state.crashes -= 1;
                state.gateways[at] = Gateway::default();
            }
            Step::Start(at) if is_owner(state, at) => {
                if let Some(action) = (0..ACTIONS).find(|action| !state.acked[*action]) {
                    state.gateways[at].stage = Stage::Begun(action);
                }
            }
            Step::Record(at) if is_owner(state, at) || !self.record_fence => {
                if let Stage::Begun(action) = state.gateways[at].stage {
                    let is_known = state.records[action] && self.record;
                    state.gateways[at].stage = if is_known { Stage::Unknown(action) } else { Stage::Ready(action) };
                    state.records[action] = true;
                }
            }
            Step::Ask(at) => {
                if let Stage::Unknown(action) = state.gateways[at].stage {
                    let is_shown = state.shown.contains(&action);
                    state.gateways[at].stage = if is_shown { Stage::Shown(action) } else { Stage::Ready(action) };
                }
            }
            Step::Send(at) => {
                if let Stage::Ready(action) = state.gateways[at].stage {
                    state.wire[action] += 1;
                    state.gateways[at].stage = Stage::Sent(action);
                }
            }
            Step::Arrive(action) => {
                state.wire[action] -= 1;
                if !(self.dedupes && state.shown.contains(&action)) {
                    state.shown.push(action);
                }
                let waits = |gateway: &&mut Gateway| gateway.stage == Stage::Sent(action);
                if let Some(gateway) = state.gateways.iter_mut().find(waits) {
                    gateway.stage = Stage::Shown(action);
                }
            }
            Step::GiveUp(at) => {
                state.lost_answers = state.lost_answers.saturating_sub(1);
                if let Stage::Sent(action) = state.gateways[at].stage {
                    state.gateways[at].stage = Stage::Unknown(action);
                }
            }
            Step::Drop(action) => {
                state.lost_answers -= 1;
                state.wire[action] -= 1;
            }
            Step::Commit(at) if is_owner(state, at) => {
                if let Stage::Shown(action) = state.gateways[at].stage {
                    state.acked[action] = true;
                    state.gateways[at].stage = Stage::Idle;
                }
            }
            // Refused: it is another's shard now.
            Step::Start(at) | Step::Record(at) | Step::Commit(at) => state.gateways[at] = Gateway::default(),
        }
    }
}
