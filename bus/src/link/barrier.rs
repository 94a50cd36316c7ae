//! Waiting until a replica has what was written.
//!
//! `WAIT` speaks of the writes of its own connection and blocks it, so it has no place on the shared one, where it would hold
//! up every command behind it. It has a connection of its own: a small write there, after a step was answered elsewhere, has a
//! later place in the replication stream than that step, and who has the later has the earlier. One wait is under way at a
//! time, and it answers all that asked before it began.
//!
//! That holds as long as both connections are to the same server. So a step is covered only by a connection that was there
//! before the step was sent; one that had to be made anew may be to the server that took over.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{Client, aio::MultiplexedConnection};
use tokio::sync::Semaphore;

use super::{Bus, RESPONSE_TIMEOUT, connection};
use crate::{Error, unix_ms};

/// The small write.
const KEY: &str = "sg:waited";
/// How often a step that is done is waited for before the work goes on without.
const TRIES: u32 = 3;

/// When a step counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When Redis has answered.
    Local,
    /// When a replica has it too, for which it has so long.
    Replicated(Duration),
}

pub(super) struct Barrier {
    client: Client,
    timeout: Duration,
    asked: AtomicU64,
    /// One at a time makes a connection or waits.
    turn: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections.
    generation: u64,
    /// The last question that was answered, on which connection, and how.
    answered: (u64, u64, bool),
}

/// Taken before a step, asked after it.
pub(crate) struct Armed<'a>(Option<(&'a Barrier, u64)>);

impl Bus {
    /// The same bus, whose appends, commits and notes are as durable as this.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.barrier = match (durability, &self.link) {
            (Durability::Replicated(timeout), super::Link::Redis(clients)) => Some(
                Barrier {
                    client: clients.resp2.clone(),
                    timeout,
                    asked: AtomicU64::new(0),
                    turn: Semaphore::new(1),
                    state: Mutex::default(),
                }
                .into(),
            ),
            _ => None,
        };
        self
    }

    /// To be called before a step that a replica has to have.
    pub(crate) async fn arm(&self) -> Result<Armed<'_>, Error> {
        let Some(barrier) = &self.barrier else { return Ok(Armed(None)) };
        Ok(Armed(Some((barrier, barrier.ready().await?))))
    }
}

impl Armed<'_> {
    /// Waits until a replica has what was answered since.
    pub(crate) async fn replicated(&self) -> Result<(), Error> {
        match self.0 {
            Some((barrier, generation)) => barrier.wait(generation).await,
            None => Ok(()),
        }
    }

    /// As [`Armed::replicated`], for a step that cannot be taken back: where no replica answers, that is counted and logged,
    /// and the work goes on.
    pub(crate) async fn settled(&self, step: &'static str) -> Result<(), Error> {
        for _ in 0..TRIES {
            match self.replicated().await {
                Err(error @ Error::Unreplicated { .. }) => {
                    metrics::counter!("stargazer_unreplicated_total", "step" => step).increment(1);
                    tracing::warn!(step, %error, "a step is on no replica");
                }
                result => return result,
            }
        }
        Ok(())
    }
}

impl Barrier {
    /// The number of a connection that stands.
    async fn ready(&self) -> Result<u64, Error> {
        if let Some(generation) = self.standing() {
            return Ok(generation);
        }
        let _turn = self.turn.acquire().await;
        if let Some(generation) = self.standing() {
            return Ok(generation);
        }
        let config = connection(Some(self.timeout + RESPONSE_TIMEOUT));
        let made = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut state = self.state();
        state.generation += 1;
        state.connection = Some(made);
        Ok(state.generation)
    }

    fn standing(&self) -> Option<u64> {
        let state = self.state();
        state.connection.is_some().then_some(state.generation)
    }

    async fn wait(&self, generation: u64) -> Result<(), Error> {
        let unreplicated = || Err(Error::Unreplicated { timeout: self.timeout });
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let _turn = self.turn.acquire().await;
        let connection = {
            let state = self.state();
            let (on, until, has_it) = state.answered;
            if on == generation && until >= ticket {
                return if has_it { Ok(()) } else { unreplicated() };
            }
            state.connection.clone().filter(|_| state.generation == generation)
        };
        let Some(mut connection) = connection else {
            return Err(Error::Unreachable("the connection that would tell of a replica broke meanwhile".into()));
        };
        let until = self.asked.load(Ordering::SeqCst);
        let timeout = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(KEY).arg(unix_ms()).ignore().cmd("WAIT").arg(1).arg(timeout);
        match pipe.query_async::<(i64,)>(&mut connection).await {
            Ok((replicas,)) => {
                self.state().answered = (generation, until, replicas > 0);
                if replicas > 0 { Ok(()) } else { unreplicated() }
            }
            Err(error) => {
                let mut state = self.state();
                if state.generation == generation {
                    state.connection = None;
                }
                Err(error.into())
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
