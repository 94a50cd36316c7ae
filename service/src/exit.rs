//! Exit codes, a documented part of the contract with supervisors.

use std::process::ExitCode;

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: as told, also when the drain deadline left work pending (a line says so).
    Clean,
    /// 1: Redis is required and was not there at boot.
    NoRedis,
    /// 64: settings or a port that cannot be used. Starting again will not help before they are changed.
    Configuration,
    /// 70: a fault of our own.
    Internal,
    /// 128 + the signal: a second signal ended the process before it had drained.
    Signal(u8),
}

impl Exit {
    /// The number that the process exits with.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::NoRedis => 1,
            Self::Configuration => 64,
            Self::Internal => 70,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
