//! What has to hold in every state, and what the model has to come across.

use stateright::{Model, Property};

use super::{
    delivery::World,
    plan::{Entry, LANES, Plan},
    process::{Commit, Phase, Process, Stage, Turn},
    redis::{first, has, numbers},
};

pub(crate) const ACKED: &str = "I1 what is acked has had its effect";
pub(crate) const ORDER: &str = "I2 actions come in the order of their causes, without a gap";
pub(crate) const ONCE: &str = "I3 a cause is committed once";
pub(crate) const RUNNER: &str = "I5 one runner of a lane can commit";
pub(crate) const STALE: &str = "a stale step changes nothing";
pub(crate) const KNOWN: &str = "an owner knows what is pending";
pub(crate) const REST: &str = "at rest everything is done";
pub(crate) const SETTLED: &str = "a turn that can commit has something to do";
pub(crate) const GUEST: &str = "a lane that is left to a guest has one";

pub(crate) fn of(plan: &Plan) -> Vec<Property<Plan>> {
    let mut properties = vec![
        Property::always(ACKED, |plan, world: &World| {
            let acked = |entry: &usize| *entry < world.redis.delivered && !has(world.redis.pending, *entry);
            (0..world.redis.appended).filter(acked).all(|entry| world.has_effect(plan, entry))
        }),
        // A gap is a break of the order that has not come to light yet: nothing is given up here.
        Property::always(ORDER, |plan, world: &World| {
            let outbound = &world.redis.outbound;
            let comes_before = |entry: &Entry, cause: u8| {
                entry.cause < usize::from(cause) && entry.lane == plan.lane_of(usize::from(cause))
            };
            outbound.iter().enumerate().all(|(at, cause)| {
                let mut before = plan.entries.iter().filter(|entry| comes_before(entry, *cause));
                before.all(|entry| outbound[..at].contains(&(entry.cause as u8)))
            })
        }),
        Property::always(ONCE, |_, world: &World| {
            let outbound = &world.redis.outbound;
            outbound.iter().enumerate().all(|(at, cause)| !outbound[..at].contains(cause))
        }),
        Property::always(RUNNER, |plan, world: &World| {
            (0..LANES).all(|lane| world.runners(lane).filter(|turn| world.has_work(plan, turn)).count() <= 1)
        }),
        Property::always(STALE, |_, world: &World| !world.was_stale),
        Property::always(KNOWN, |_, world: &World| {
            let unknown = |process: &Process| world.redis.pending & !process.known() & !process.reader.brought;
            world.readers().all(|process| unknown(process) == 0)
        }),
        Property::always(SETTLED, |plan, world: &World| {
            (0..LANES).all(|lane| world.runners(lane).all(|turn| world.has_work(plan, turn)))
        }),
        Property::always(GUEST, |plan, world: &World| {
            let is_there = |lane: usize, token| {
                world
                    .processes
                    .iter()
                    .filter_map(|process| process.turns[lane])
                    .any(|turn| turn.token == token && turn.commit == Commit::Ahead)
            };
            let was_killed = world.left.crashes < plan.budget.crashes;
            was_killed
                || (0..LANES).all(|lane| world.redis.guests[lane] == 0 || is_there(lane, world.redis.guests[lane]))
        }),
        Property::always(REST, |plan, world: &World| {
            let is_done = world.redis.pending == 0 && world.redis.delivered == world.redis.appended;
            is_done || !world.has_owner() || {
                let mut steps = Vec::new();
                plan.actions(world, &mut steps);
                steps.into_iter().any(|step| step.is_progress() && plan.next_state(world, step).is_some())
            }
        }),
        Property::sometimes("everything is done", |plan, world: &World| {
            world.redis.appended == plan.entries.len()
                && world.redis.pending == 0
                && world.redis.delivered == world.redis.appended
        }),
        Property::sometimes("a stale read is ready to be sent", |_, world: &World| {
            world.processes.iter().any(|process| {
                process.tenure != 0
                    && process.reader.phase == Phase::Reading
                    && process.reader.stage == Stage::Checked
                    && process.tenure != world.redis.fence
                    && world.redis.fence != 0
                    && world.redis.delivered < world.redis.appended
            })
        }),
        Property::sometimes("a stale turn is about to commit what is done", |plan, world: &World| {
            let stale = |turn: &Turn| !world.redis.may(turn.token, plan.entries[first(turn.entries)].lane);
            world.turns().any(|turn| stale(turn) && turn.commit == Commit::Ahead && !world.has_work(plan, turn))
        }),
    ];
    if plan.budget.hand_overs > 0 {
        properties.push(Property::sometimes("a guest has committed beside a new owner", |_, world: &World| {
            let is_guest = |turn: &Turn| turn.token != world.redis.fence && world.redis.fence != 0;
            world.turns().any(|turn| is_guest(turn) && turn.commit == Commit::Answered)
        }));
        properties.push(Property::sometimes(
            "a guest runs without a pass beside who runs its entry",
            |_, world: &World| {
                world.turns().any(|turn| {
                    let again = |other: &Turn| other.token != turn.token && other.entries & turn.entries != 0;
                    turn.token != world.redis.fence && world.turns().any(again)
                })
            },
        ));
    }
    if plan.has_copies() {
        properties.push(Property::sometimes("a copy is acked without a run", |plan, world: &World| {
            world.redis.delivered == plan.entries.len()
                && world.redis.pending == 0
                && world.redis.outbound.len() < plan.entries.len()
        }));
    }
    properties
}

impl Plan {
    fn lane_of(&self, cause: usize) -> usize {
        self.entries.iter().find(|entry| entry.cause == cause).map_or(0, |entry| entry.lane)
    }

    pub(crate) fn has_copies(&self) -> bool {
        let causes = |at: usize| self.entries[..at].iter().any(|other| other.cause == self.entries[at].cause);
        (0..self.entries.len()).any(causes)
    }
}

impl World {
    fn has_effect(&self, plan: &Plan, entry: usize) -> bool {
        self.redis.outbound.contains(&(plan.entries[entry].cause as u8))
    }

    fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.processes.iter().flat_map(|process| process.turns.iter().flatten())
    }

    /// Turns of a lane whose first commit would not be refused.
    fn runners(&self, lane: usize) -> impl Iterator<Item = &Turn> {
        let turns = self.processes.iter().filter_map(move |process| process.turns[lane].as_ref());
        turns.filter(move |turn| turn.commit == Commit::Ahead && self.redis.may(turn.token, lane))
    }

    /// All of its entries are pending, and its cause is not done.
    fn has_work(&self, plan: &Plan, turn: &Turn) -> bool {
        let is_done = plan.keeps_marks && has(self.redis.done, plan.entries[first(turn.entries)].cause);
        !is_done && numbers(turn.entries).all(|entry| has(self.redis.pending, entry))
    }

    fn has_owner(&self) -> bool {
        self.redis.fence != 0 && self.processes.iter().any(|process| process.tenure == self.redis.fence)
    }

    /// The owner, when it has claimed everything.
    fn readers(&self) -> impl Iterator<Item = &Process> {
        let is_owner = |process: &&Process| process.tenure != 0 && process.tenure == self.redis.fence;
        self.processes.iter().filter(is_owner).filter(|process| process.reader.phase == Phase::Reading)
    }
}
