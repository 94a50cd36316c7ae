//! The private Redis: a child that nobody else can reach, with data that outlive it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::program::{Program, Readiness};
use crate::{Refusal, arguments::DeathSignal, environment::Environment};

const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// It may take long to write a large log to a slow disk.
const DEADLINE: Duration = Duration::from_secs(30);

/// The server's program, or how to get one.
pub(super) fn find(environment: &Environment) -> Result<PathBuf, Refusal> {
    environment.find_program(&PROGRAMS).ok_or_else(|| {
        Refusal::configuration(
            "there is no redis-server (nor valkey-server) on this machine's search path: \
             install one with `apt-get install redis-server`, or name a running one with SG_REDIS_URL",
        )
    })
}

/// The server on the folder `data`, reached by `socket` alone.
pub(super) fn program(starter: &Path, path: PathBuf, data: &Path, socket: &Path) -> Program {
    let arguments: [(&str, OsString); 9] = [
        ("--port", "0".into()),
        ("--unixsocket", socket.into()),
        ("--unixsocketperm", "700".into()),
        ("--dir", data.join("redis").into()),
        // What was answered is in the log within a second, and nothing is thrown away to make room.
        ("--appendonly", "yes".into()),
        ("--appendfsync", "everysec".into()),
        ("--save", "".into()),
        ("--maxmemory-policy", "noeviction".into()),
        ("--daemonize", "no".into()),
    ];
    Program {
        name: "redis".into(),
        starter: starter.to_owned(),
        path,
        arguments: arguments.into_iter().flat_map(|(name, value)| [name.into(), value]).collect(),
        environment: Vec::new(),
        // Time to write what it holds back while the disk is busy.
        on_death: DeathSignal::Term,
        // So a server whose `up` was killed has surely ended before the next one opens its data.
        hold: Some(data.join("redis.lock")),
        readiness: Readiness::AnswersPing(socket.to_owned()),
        is_daemon: false,
        deadline: DEADLINE,
    }
}
