//! What goes wrong with requests, by script or by chance. What goes wrong with sockets comes when a test
//! says so (`sockets.rs`).

use std::{collections::VecDeque, time::Duration};

use super::{gateway::CloseCode, limits::Scope};
use crate::Gate;

/// When, around the request's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing was done.
    Before,
    /// It was done, and the client does not hear of it.
    After,
}

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An answer with this status (5xx) instead.
    Status(u16, When),
    /// The connection ends without an answer.
    Cut(When),
    /// The answer, or all of it, comes once the test opens the gate.
    Held(Gate, When),
    /// The same by the simulator's clock.
    Slow(Duration, When),
    /// A 429 out of the blue: scope, and how long to wait. Until then there is nothing else for this bucket, or this bot.
    TooMany(Scope, Duration),
}

/// How many of a thousand requests meet what. What was drawn is the same for the same seed and order of requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Odds {
    /// 500 to 504, half of them after it was done.
    pub status: u32,
    /// Cuts, half of them after it was done.
    pub cut: u32,
    /// Slow answers.
    pub slow: u32,
    /// The longest of those.
    pub slow_max: Duration,
    /// 429 with scope `shared`.
    pub shared: u32,
    /// 429 with scope `global`.
    pub global: u32,
}

/// What happens to a bot's sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketFault {
    /// Closed with this code.
    Close(u16),
    /// Ended without a close frame.
    Cut,
    /// Open, and silent for good.
    Stall,
    /// RECONNECT.
    Reconnect,
    /// `INVALID_SESSION`, resumable or not.
    Invalidate(bool),
    /// So many events are lost.
    Lose(u64),
    /// So many events come twice.
    Double(u64),
}

#[derive(Debug)]
pub(crate) struct Faults {
    chance: fastrand::Rng,
    /// Of sockets: another stream, so that one more request shifts nothing here.
    sockets: fastrand::Rng,
    odds: Odds,
    /// Method, a part of the path, and what happens to the first request that has both.
    script: VecDeque<(String, String, Fault)>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let (chance, sockets) = (fastrand::Rng::with_seed(seed ^ 0x5eed), fastrand::Rng::with_seed(seed ^ 0x50c7));
        Self { chance, sockets, odds: Odds::default(), script: VecDeque::new() }
    }

    /// What happens to sockets next.
    pub(crate) fn draw_socket(&mut self) -> SocketFault {
        let closes: Vec<_> = CloseCode::ALL.into_iter().filter(|code| code.may_reconnect()).collect();
        match self.sockets.u32(..7) {
            0 => SocketFault::Close(closes[self.sockets.usize(..closes.len())].code()),
            1 => SocketFault::Cut,
            2 => SocketFault::Stall,
            3 => SocketFault::Reconnect,
            4 => SocketFault::Invalidate(self.sockets.bool()),
            5 => SocketFault::Lose(self.sockets.u64(1..5)),
            _ => SocketFault::Double(self.sockets.u64(1..5)),
        }
    }

    pub(crate) fn set(&mut self, odds: Odds) {
        self.odds = odds;
    }

    pub(crate) fn script(&mut self, method: &str, path: &str, fault: Fault) {
        self.script.push_back((method.to_owned(), path.to_owned(), fault));
    }

    /// What happens to this request.
    pub(crate) fn draw(&mut self, method: &str, path: &str) -> Option<Fault> {
        let fits = |(wanted, part, _): &(String, String, Fault)| wanted == method && path.contains(part.as_str());
        if let Some(at) = self.script.iter().position(fits) {
            return self.script.remove(at).map(|(.., fault)| fault);
        }
        let Odds { status, cut, slow, slow_max, shared, global } = self.odds;
        // Always the same number of draws, so that other odds do not shift what follows.
        let (mut drawn, is_after, which) = (self.chance.u32(..1000), self.chance.bool(), self.chance.u64(..));
        let when = if is_after { When::After } else { When::Before };
        let mut hits = |odds: u32| {
            let is_hit = drawn < odds;
            drawn = drawn.wrapping_sub(odds);
            is_hit
        };
        let wait = Duration::from_millis(100 + which % 900);
        if hits(status) {
            return Some(Fault::Status([500, 502, 503, 504][(which % 4) as usize], when));
        }
        if hits(cut) {
            return Some(Fault::Cut(when));
        }
        if hits(slow) {
            return Some(Fault::Slow(slow_max.mul_f64((which % 1000) as f64 / 1000.0), when));
        }
        if hits(shared) {
            return Some(Fault::TooMany(Scope::Shared, wait));
        }
        hits(global).then_some(Fault::TooMany(Scope::Global, wait))
    }
}
