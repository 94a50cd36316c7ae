//! Chance, all of it from one seed: a stream of its own for each concern, so that a change in one leaves the others as they
//! were.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use tests::{Fault, Faults};

/// The streams of one world.
#[derive(Debug)]
pub(crate) struct Chance {
    /// What is sent, and when.
    pub(crate) traffic: Rng,
    /// Who is killed, stopped and started.
    pub(crate) lives: Rng,
    /// What happens to commands.
    pub(crate) wire: Rng,
    /// What the platform does with a request.
    pub(crate) platform: Rng,
    /// What is lost on its way to a subscriber.
    pub(crate) pushes: Rng,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let mut root = Rng::with_seed(seed);
        let mut fork = || Rng::with_seed(root.u64(..));
        Self { traffic: fork(), lives: fork(), wire: fork(), platform: fork(), pushes: fork() }
    }
}

/// How many commands met which fault.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(crate) late: AtomicU64,
    pub(crate) not_done: AtomicU64,
    pub(crate) not_answered: AtomicU64,
    pub(crate) stranded: AtomicU64,
    pub(crate) pushes_lost: AtomicU64,
}

/// Faults on the wire, at the rates of a bad day.
pub(crate) struct Wire {
    rng: Rng,
    pushes: Rng,
    met: Arc<Met>,
}

impl Wire {
    pub(crate) fn new(rng: Rng, pushes: Rng, met: Arc<Met>) -> Self {
        Self { rng, pushes, met }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Faults for Wire {
    fn next(&mut self, _: &[Vec<u8>]) -> Fault {
        let (fault, count) = match self.rng.u32(..2000) {
            0..40 => (Fault::Late(Duration::from_millis(self.rng.u64(1..60))), &self.met.late),
            40..46 => (Fault::NotDone, &self.met.not_done),
            46..52 => (Fault::NotAnswered, &self.met.not_answered),
            52..56 => (Fault::Stranded, &self.met.stranded),
            _ => return Fault::None,
        };
        count.fetch_add(1, Ordering::Relaxed);
        fault
    }

    fn loses_push(&mut self) -> bool {
        let is_lost = self.pushes.u8(..50) == 0;
        self.met.pushes_lost.fetch_add(is_lost.into(), Ordering::Relaxed);
        is_lost
    }
}
