//! Which faults a run has, drawn from its seed.

use std::{fmt, time::Duration};

use fastrand::Rng;

/// Whose processes are hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Worker,
    Gateway,
    Redis,
}

/// What happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// SIGKILL, and started again after a moment.
    Killed,
    /// SIGSTOP beyond the lease, then SIGCONT.
    Frozen,
    /// What it sends to Redis is held back beyond the lease and delivered then, while those who took over stand still.
    Held,
    /// Requests arrive and answers don't; then the connections are reset.
    Unanswered,
    /// Its connections are reset.
    Reset,
    /// Its connections are dead, and neither end is told.
    HalfOpen,
    /// It cannot reach Redis at all.
    CutOff,
    /// Everything between it and Redis takes long.
    Slow,
    /// SIGTERM and a new start, one after the other.
    Rolling,
}

/// One fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) target: Target,
    /// Which of them, modulo their number.
    pub(crate) victim: usize,
    /// All of them at once instead.
    pub(crate) everyone: bool,
    /// How long, between the least and the most that the kind allows.
    pub(crate) amount: f64,
    /// A second number for what a kind has to draw besides.
    pub(crate) detail: f64,
    /// Peace before it.
    pub(crate) pause: Duration,
    /// It comes also while processes are still starting.
    pub(crate) hasty: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self.target {
            Target::Worker => "worker",
            Target::Gateway => "gateway",
            Target::Redis => "redis",
        };
        let kind = match self.kind {
            Kind::Killed => "killed",
            Kind::Frozen => "frozen beyond its lease",
            Kind::Held => "requests held, then late",
            Kind::Unanswered => "answers lost, then reset",
            Kind::Reset => "connections reset",
            Kind::HalfOpen => "connections half open",
            Kind::CutOff => "cut off from redis",
            Kind::Slow => "slow connections",
            Kind::Rolling => "rolling restart",
        };
        write!(f, "{target}: {kind}")
    }
}

impl Fault {
    /// Between `least` and `most`, as far as this fault goes.
    pub(crate) fn between(&self, least: Duration, most: Duration) -> Duration {
        least + (most - least).mul_f64(self.amount)
    }
}

/// Draws from a deck that holds every fault, so that even a short run meets each kind.
#[derive(Debug)]
pub(crate) struct Schedule {
    rng: Rng,
    full: Vec<(Kind, Target)>,
    deck: Vec<(Kind, Target)>,
}

impl Schedule {
    /// Every fault there is.
    pub(crate) fn new(seed: u64) -> Self {
        const KINDS: [Kind; 9] = [
            Kind::Killed,
            Kind::Frozen,
            Kind::Held,
            Kind::Unanswered,
            Kind::Reset,
            Kind::HalfOpen,
            Kind::CutOff,
            Kind::Slow,
            Kind::Rolling,
        ];
        let both = |kind| [(kind, Target::Worker), (kind, Target::Gateway)];
        let mut full: Vec<_> = KINDS.into_iter().flat_map(both).collect();
        full.extend([(Kind::Killed, Target::Redis); 2]);
        Self::of(seed, full)
    }

    /// Only these.
    pub(crate) fn of(seed: u64, full: Vec<(Kind, Target)>) -> Self {
        Self { rng: Rng::with_seed(seed), full, deck: Vec::new() }
    }
}

impl Iterator for Schedule {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        if self.deck.is_empty() {
            self.deck.clone_from(&self.full);
            self.rng.shuffle(&mut self.deck);
        }
        let (kind, target) = self.deck.pop()?;
        let rng = &mut self.rng;
        Some(Fault {
            kind,
            target,
            victim: rng.usize(..1000),
            everyone: rng.u8(..6) == 0,
            amount: rng.f64(),
            detail: rng.f64(),
            pause: Duration::from_millis(rng.u64(..400)),
            hasty: rng.u8(..3) == 0,
        })
    }
}

#[test]
fn a_seed_draws_the_same_faults_again_and_a_deck_has_them_all() {
    let draw = |seed| Schedule::new(seed).take(20).map(|fault| format!("{fault:?}")).collect::<Vec<_>>();
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    let kinds: std::collections::BTreeSet<_> =
        Schedule::new(3).take(20).map(|fault| (fault.kind, fault.target)).collect();
    assert_eq!(kinds.len(), 19);
}
