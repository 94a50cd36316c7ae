//! The model: which steps a state allows, and what each does.

use stateright::{Model, Property};

use super::{
    plan::{Budget, LANES, Plan},
    process::{Commit, Late, Phase, Process, Reader, Stage, Turn},
    properties,
    redis::{Redis, Started, first, has},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) redis: Redis,
    pub(crate) processes: Vec<Process>,
    pub(crate) left: Budget,
    /// A step changed Redis though whoever made it might not.
    pub(crate) was_stale: bool,
}

/// One step. A number names the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Append,
    Acquire(usize),
    /// A renewal is refused.
    Notice(usize),
    HandOver(usize),
    Crash(usize),
    /// The fence is written again as it is.
    Touch(usize),
    Watch(usize),
    Look(usize),
    Exec(usize),
    /// The reading connection breaks; what it had not yet done is still under way, or gone.
    Cut(usize, bool),
    /// What a broken connection had sent arrives.
    Late(usize),
    /// A turn of a lane is begun, after the deadline of a pass or without one.
    Start(usize, usize, bool),
    Absorb(usize, usize),
    Commit(usize, usize),
    /// The answer of a commit arrives, or is lost.
    Answer(usize, usize, bool),
    /// A turn fails, and its entry is put back.
    Fail(usize, usize),
}

impl Step {
    /// Part of the way of a message, and not something that happens to it.
    pub(crate) fn is_progress(self) -> bool {
        use Step::{Absorb, Acquire, Append, Crash, Cut, Fail, HandOver, Late};
        !matches!(
            self,
            Append
                | Acquire(_)
                | HandOver(_)
                | Crash(_)
                | Cut(..)
                | Late(_)
                | Absorb(..)
                | Fail(..)
                | Step::Answer(_, _, true)
        )
    }
}

impl Model for Plan {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let processes = vec![Process::default(); self.processes];
        vec![World { redis: Redis::new(self), processes, left: self.budget, was_stale: false }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.redis.appended < self.entries.len() {
            steps.push(Step::Append);
        }
        for at in 0..self.processes {
            self.steps_of(world, at, steps);
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        self.take(&mut world, step);
        // A key that is written anew is another one to those who watch it, whatever it holds.
        if world.redis.fence != before.redis.fence || matches!(step, Step::Touch(_)) {
            world.processes.iter_mut().for_each(Process::fence_moved);
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}

impl Plan {
    fn steps_of(&self, world: &World, at: usize, steps: &mut Vec<Step>) {
        let (process, redis, left) = (&world.processes[at], &world.redis, &world.left);
        if process.late.is_some() {
            steps.push(Step::Late(at));
        }
        if process.tenure == 0 {
            if redis.tenures < self.tenures {
                steps.push(Step::Acquire(at));
            }
        } else {
            if redis.fence != process.tenure {
                steps.push(Step::Notice(at));
            }
            if left.hand_overs > 0 {
                steps.push(Step::HandOver(at));
            }
            match process.reader.stage {
                Stage::New => steps.push(Step::Touch(at)),
                Stage::Unwatched => steps.push(Step::Watch(at)),
                Stage::Watched => steps.push(Step::Look(at)),
                // The doorbell: without something new there is no round.
                Stage::Checked if process.reader.phase == Phase::Reading && redis.delivered == redis.appended => {}
                Stage::Checked => steps.push(Step::Exec(at)),
            }
            if left.cuts > 0 && process.reader.stage != Stage::New {
                steps.push(Step::Cut(at, false));
                if process.reader.stage == Stage::Checked {
                    steps.push(Step::Cut(at, true));
                }
            }
        }
        if left.crashes > 0 && *process != Process::default() {
            steps.push(Step::Crash(at));
        }
        for lane in 0..LANES {
            let queue = process.queue(self, lane);
            match process.turns[lane] {
                None if queue != 0 => {
                    steps.push(Step::Start(at, lane, redis.guests[lane] != 0));
                }
                None => {}
                Some(turn) => {
                    if turn.commit == Commit::Answered {
                        steps.push(Step::Answer(at, lane, false));
                        if left.lost_answers > 0 {
                            steps.push(Step::Answer(at, lane, true));
                        }
                        continue;
                    }
                    steps.push(Step::Commit(at, lane));
                    if turn.commit == Commit::Ahead {
                        if left.failures > 0 {
                            steps.push(Step::Fail(at, lane));
                        }
                        if queue != 0 && self.entries[first(queue)].is_control {
                            steps.push(Step::Absorb(at, lane));
                        }
                    }
                }
            }
        }
    }

    fn take(&self, world: &mut World, step: Step) {
        let World { redis, processes, left, was_stale } = world;
        match step {
            Step::Append => redis.appended += 1,
            Step::Acquire(at) => processes[at].begin_tenure(redis.acquire()),
            Step::Notice(at) => processes[at].lose(),
            Step::HandOver(at) => {
                left.hand_overs -= 1;
                let process = &mut processes[at];
                let turns = process.turns.iter().enumerate();
                let turns = turns.filter_map(|(lane, turn)| {
                    turn.filter(|turn| turn.token == process.tenure).map(|turn| (lane, first(turn.entries)))
                });
                if redis.hand_over(self, process.tenure, turns) { process.end_tenure() } else { process.lose() }
            }
            Step::Crash(at) => {
                left.crashes -= 1;
                processes[at] = Process { late: processes[at].late, ..Process::default() };
            }
            Step::Touch(at) => match &mut processes[at] {
                process if redis.fence == process.tenure => process.reader.stage = Stage::Unwatched,
                process => process.lose(),
            },
            Step::Watch(at) => {
                let reader = &mut processes[at].reader;
                (reader.stage, reader.is_clean) = (Stage::Watched, true);
            }
            Step::Look(at) => self.look(redis, &mut processes[at]),
            Step::Exec(at) => self.exec(redis, &mut processes[at], was_stale),
            Step::Cut(at, is_late) => {
                left.cuts -= 1;
                let Process { reader, tenure, late, .. } = &mut processes[at];
                if is_late {
                    let is_read = reader.phase == Phase::Reading;
                    *late = Some(Late { token: *tenure, is_clean: reader.is_clean, is_read });
                }
                *reader = Reader::default();
                if !self.safeguards.fence_touch {
                    reader.stage = Stage::Unwatched;
                }
            }
            Step::Late(at) => {
                if let Some(late) = processes[at].late.take()
                    && late.is_read
                    && (late.is_clean || !self.safeguards.read_watch)
                {
                    *was_stale |= redis.fence != late.token;
                    redis.read(self.page);
                }
            }
            Step::Start(at, lane, is_late) => self.start(redis, &mut processes[at], lane, is_late),
            Step::Absorb(at, lane) => {
                let process = &mut processes[at];
                let control = 1 << first(process.queue(self, lane));
                if let Some(turn) = &mut process.turns[lane] {
                    turn.entries |= control;
                    if turn.token != process.tenure {
                        turn.borrowed |= control;
                    }
                    process.queued &= !control;
                }
            }
            Step::Commit(at, lane) => self.commit(redis, &mut processes[at], lane, was_stale),
            Step::Answer(at, lane, is_lost) => {
                let turn = &mut processes[at].turns[lane];
                match turn {
                    Some(turn) if is_lost => {
                        left.lost_answers -= 1;
                        turn.commit = Commit::Unsure;
                    }
                    _ => *turn = None,
                }
            }
            Step::Fail(at, lane) => {
                left.failures -= 1;
                let process = &mut processes[at];
                if let Some(turn) = process.turns[lane] {
                    let is_refused = !redis.put_back(turn.token, lane, first(turn.entries));
                    process.drop_turn(lane, turn);
                    if is_refused && turn.token == process.tenure {
                        process.lose();
                    }
                }
            }
        }
    }

    /// The answers of a round arrive: what it brought goes to the lanes, and the token says whether there is a next one.
    fn look(&self, redis: &Redis, process: &mut Process) {
        if redis.fence != process.tenure {
            // What it brought was read before the fence moved: it is pending, for the next owner.
            process.lose();
            return;
        }
        let new = process.reader.brought & !process.known();
        process.queued |= new;
        let reader = &mut process.reader;
        (reader.stage, reader.brought) = (Stage::Checked, 0);
        if reader.phase == Phase::Start {
            reader.phase = if self.safeguards.claim { Phase::Claiming(0) } else { Phase::Reading };
        }
    }

    fn exec(&self, redis: &mut Redis, process: &mut Process, was_stale: &mut bool) {
        let reader = &mut process.reader;
        reader.stage = Stage::Unwatched;
        if !reader.is_clean && self.safeguards.read_watch {
            return;
        }
        match reader.phase {
            Phase::Claiming(from) => {
                let (claimed, next) = redis.claim(from, self.page);
                reader.brought = claimed;
                process.claimed |= claimed;
                reader.phase = next.map_or(Phase::Reading, Phase::Claiming);
            }
            _ => {
                *was_stale |= redis.fence != process.tenure;
                reader.brought = redis.read(self.page);
            }
        }
    }

    fn start(&self, redis: &mut Redis, process: &mut Process, lane: usize, is_late: bool) {
        let entry = first(process.queue(self, lane));
        let is_claimed = has(process.claimed, entry);
        match redis.start(self, process.tenure, entry, is_claimed, is_late) {
            Started::Run => {
                process.queued &= !(1 << entry);
                let (entries, token) = (1 << entry, process.tenure);
                process.turns[lane] = Some(Turn { entries, token, borrowed: 0, commit: Commit::Ahead });
            }
            Started::Copy | Started::Gone => process.queued &= !(1 << entry),
            Started::Wait => {}
            Started::Fenced => process.lose(),
        }
    }

    fn commit(&self, redis: &mut Redis, process: &mut Process, lane: usize, was_stale: &mut bool) {
        let Some(turn) = process.turns[lane] else { return };
        let (may, before) = (redis.may(turn.token, lane), redis.clone());
        if redis.commit(self, turn.token, turn.entries) {
            process.turns[lane] = Some(Turn { commit: Commit::Answered, ..turn });
        } else if turn.token == process.tenure {
            process.lose();
        } else {
            process.drop_turn(lane, turn);
        }
        *was_stale |= !may && *redis != before;
    }
}
