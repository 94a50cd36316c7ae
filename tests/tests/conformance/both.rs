//! One sequence on a real server and on the simulated one.

use std::{fmt, path::PathBuf};

use bus::Session;
use tests::{RawConnection, RedisServer, Reply, SimServer};

use super::{
    commands::sent,
    sequence::{CONNECTIONS, Step},
    shown::{reply, shown},
};

/// A real server, and how it differs from the oldest that we support.
pub(crate) struct Real {
    pub(crate) redis: RedisServer,
    pub(crate) differences: &'static [Difference],
}

/// A reply that is another one in this version, and why that is no matter to us.
pub(crate) struct Difference {
    pub(crate) reason: &'static str,
    /// Hides what differs in a reply or in a part of one.
    pub(crate) hide: fn(&mut Reply),
}

/// How many commands were answered alike by a value, and how many by an error.
#[derive(Default)]
pub(crate) struct Compared {
    pub(crate) values: usize,
    pub(crate) errors: usize,
    /// Transactions that were refused for what they watched, and connections that broke.
    pub(crate) refused: usize,
    pub(crate) broken: usize,
    /// How often each difference of the version was met.
    pub(crate) differences: Vec<usize>,
}

/// Where the two went apart: the step, and both replies.
pub(crate) struct Apart {
    pub(crate) at: usize,
    pub(crate) real: Reply,
    pub(crate) simulated: Reply,
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}, real first:\n{:?}\n{:?}", self.at, self.real, self.simulated)
    }
}

impl Real {
    pub(crate) async fn new(program: PathBuf, differences: &'static [Difference]) -> Self {
        let redis = RedisServer::of(program, "always").await;
        // Approximate trimming goes by nodes; with one entry each it is exact.
        redis.command(["CONFIG", "SET", "stream-node-max-entries", "1"]).await;
        Self { redis, differences }
    }

    /// Runs a sequence on this server and on a new simulated one, both empty.
    pub(crate) async fn compare(&self, sequence: &[Step], compared: &mut Compared) -> Result<(), Apart> {
        self.redis.flush();
        compared.differences.resize(self.differences.len(), 0);
        let server = SimServer::new();
        let mut real: Vec<RawConnection> = Vec::new();
        let mut simulated: Vec<Box<dyn Session>> = Vec::new();
        for _ in 0..CONNECTIONS {
            real.push(self.redis.connection().await);
            simulated.push(bus::Server::connect(&server));
        }
        for (number, step) in sequence.iter().enumerate() {
            match step {
                Step::Call(at, command) => {
                    let bytes = sent(command);
                    let parts: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
                    let answer = real[*at].command(&parts).await.unwrap();
                    let (answer, other) = (shown(&answer), shown(&reply(&simulated[*at].call(bytes).await.unwrap())));
                    if answer != other && !self.is_known(&answer, &other, &mut compared.differences) {
                        return Err(Apart { at: number, real: answer, simulated: other });
                    }
                    compared.refused += usize::from(command[0] == "EXEC" && answer == Reply::Nil);
                    let is_error = matches!(answer, Reply::Error(_));
                    *(if is_error { &mut compared.errors } else { &mut compared.values }) += 1;
                }
                Step::Unheard(at, command) | Step::Cut(at, command) => {
                    compared.broken += 1;
                    let is_whole = matches!(step, Step::Unheard(..));
                    let bytes = sent(command);
                    let parts: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
                    let gone = std::mem::replace(&mut real[*at], self.redis.connection().await);
                    gone.leave(&parts, is_whole).await.unwrap();
                    if is_whole {
                        simulated[*at].call(bytes).await.unwrap();
                    }
                    simulated[*at] = bus::Server::connect(&server);
                }
            }
        }
        Ok(())
    }

    /// Whether two replies differ by nothing but what is known to.
    fn is_known(&self, real: &Reply, simulated: &Reply, met: &mut [usize]) -> bool {
        let (mut real, mut simulated) = (real.clone(), simulated.clone());
        for (difference, met) in self.differences.iter().zip(met) {
            let before = real == simulated;
            hide(&mut real, difference.hide);
            hide(&mut simulated, difference.hide);
            *met += usize::from(!before && real == simulated);
        }
        real == simulated
    }
}

/// In a reply and in its parts.
fn hide(reply: &mut Reply, what: fn(&mut Reply)) {
    what(reply);
    if let Reply::List(parts) = reply {
        parts.iter_mut().for_each(|part| hide(part, what));
    }
}
