//! What a daemon brings to the contract, and what the contract gives it.

use std::sync::Arc;

use bus::Bus;
use tokio::sync::watch;

use crate::{Health, Problem, Settings, Tasks};

/// A daemon. The contract calls these in this order.
pub trait Daemon: Sized + Send {
    /// Its name in the registry and in logs.
    const SERVICE: &'static str;
    /// What its instance ids begin with; 8 hex digits follow.
    const INSTANCE_PREFIX: &'static str;
    /// The health port when none is set.
    const HEALTH_PORT: u16;

    /// Settings that this build cannot serve. Called before anything is touched.
    fn refuse(settings: &Settings) -> Vec<Problem>;

    /// Makes what it needs; takes nothing in yet.
    fn prepare(context: &Context) -> impl Future<Output = Result<Self, StartError>> + Send;

    /// Begins to work: first what carries out, then what takes in. Returns when that is under way.
    fn start(&mut self, context: &Context) -> impl Future<Output = Result<(), StartError>> + Send;

    /// Where people find it, for the line that says it is ready.
    fn addresses(&self) -> Vec<String>;

    /// Takes nothing in any more, finishes what is under way until the drain deadline, and puts the rest back.
    fn drain(self, context: &Context) -> impl Future<Output = ()> + Send;
}

/// What the contract gives a daemon.
#[derive(Debug, Clone)]
pub struct Context {
    /// Checked settings, as they were at the start.
    pub settings: Arc<Settings>,
    /// The same as they are now: of what takes effect without a start.
    pub live: watch::Receiver<Arc<Settings>>,
    /// This process's id.
    pub instance: String,
    /// The log, connected and answering.
    pub bus: Bus,
    /// Readiness.
    pub health: Health,
    /// Owner of every task.
    pub tasks: Tasks,
}

/// Why a daemon could not start.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// Something that the settings have to mend. Exit code 64.
    #[error("{0}")]
    Configuration(String),
    /// Redis went away meanwhile. Exit code 1.
    #[error("redis is not there: {0}")]
    NoRedis(bus::Error),
    /// A fault of our own. Exit code 70.
    #[error("{0}")]
    Internal(String),
}

impl From<bus::Error> for StartError {
    fn from(error: bus::Error) -> Self {
        match error {
            bus::Error::Topology { .. } | bus::Error::Setting(_) => Self::Configuration(error.to_string()),
            other => Self::NoRedis(other),
        }
    }
}
