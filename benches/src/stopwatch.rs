//! Times of several contenders, taken in turn, so that a noisy neighbour slows all of them alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 41;
const ROUND: Duration = Duration::from_micros(1_500);

/// One way to do the work.
pub struct Contender {
    /// What it is called in tables.
    pub name: &'static str,
    work: Box<dyn FnMut(u64)>,
}

impl Contender {
    /// `once` does the work once; what it returns is kept from being optimised away.
    pub fn new<T>(name: &'static str, mut once: impl FnMut() -> T + 'static) -> Self {
        let work = move |times| {
            for _ in 0..times {
                black_box(once());
            }
        };
        Self { name, work: Box::new(work) }
    }

    /// Does the work so often.
    pub fn run(&mut self, times: u64) {
        (self.work)(times);
    }

    /// How long that takes.
    pub fn time(&mut self, times: u64) -> Duration {
        let start = Instant::now();
        self.run(times);
        start.elapsed()
    }
}

/// Nanoseconds that each contender takes for one run: the lower quartile of many rounds, each long enough for the
/// clock.
#[must_use]
pub fn race(contenders: &mut [Contender]) -> Vec<f64> {
    let times: Vec<u64> = contenders
        .iter_mut()
        .map(|contender| {
            let mut times = 1;
            // Also warms caches and branch predictors.
            while contender.time(times) < ROUND / 2 {
                times *= 2;
            }
            times
        })
        .collect();
    let mut rounds: Vec<Vec<f64>> = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((contender, times), taken) in contenders.iter_mut().zip(&times).zip(&mut rounds) {
            taken.push(contender.time(*times).as_nanos() as f64 / *times as f64);
        }
    }
    rounds
        .into_iter()
        .map(|mut taken| {
            taken.sort_by(f64::total_cmp);
            taken[ROUNDS / 4]
        })
        .collect()
}
