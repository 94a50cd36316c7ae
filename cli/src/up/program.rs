//! What there is to know about a program before it runs.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use crate::arguments::DeathSignal;

/// One program, and how it is started, known to be ready and ended.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// As people read it.
    pub(super) name: String,
    /// This very program, which ties the other one to its own life.
    pub(super) starter: PathBuf,
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// Variables to set or to take away.
    pub(super) environment: Vec<(&'static str, Option<OsString>)>,
    pub(super) on_death: DeathSignal,
    /// A file that stays locked while it runs.
    pub(super) hold: Option<PathBuf>,
    pub(super) readiness: Readiness,
    /// One of ours: its lines are shown as they come, and its exit codes say whether to start it again. Lines of another
    /// one are shown when it failed, and it has to become ready the first time.
    pub(super) is_daemon: bool,
    /// How long it may take to end.
    pub(super) deadline: Duration,
}

/// How a program shows that it is ready.
#[derive(Debug, Clone)]
pub(super) enum Readiness {
    /// It tells this socket, as it would tell systemd.
    Notifies(PathBuf),
    /// It answers PING on this socket.
    AnswersPing(PathBuf),
}
