//! `stargazer child`: becomes another program, tied to the life of the process that asked for it.
//!
//! A program that `up` starts has to die with it, however it dies. The kernel does that for a process that asks for it
//! itself, before it becomes the program. No code runs between fork and exec of `up` for this, so none of it is unsafe.

use std::{fs::File, os::unix::process::CommandExt, path::Path, process::Command};

use rustix::{
    fs::FlockOperation,
    io::FdFlags,
    process::{Pid, Signal, getppid, set_parent_process_death_signal},
};
use service::Exit;

use crate::{
    Refusal,
    arguments::{Child, DeathSignal},
};

/// Comes back only when it could not become the program.
pub(crate) fn become_program(arguments: &Child) -> Result<Exit, Refusal> {
    let signal = match arguments.on_death {
        DeathSignal::Term => Signal::TERM,
        DeathSignal::Kill => Signal::KILL,
    };
    set_parent_process_death_signal(Some(signal))
        .map_err(|error| Refusal::internal(format!("cannot be tied to the life of its parent: {error}")))?;
    // It may have died before the kernel was asked; then somebody else is the parent by now, and no signal will come.
    if getppid().map(Pid::as_raw_pid) != Some(arguments.parent) {
        return Ok(Exit::Clean);
    }
    let _held = arguments.hold.as_deref().map(hold).transpose()?;
    let [program, rest @ ..] = arguments.command.as_slice() else { return Ok(Exit::Clean) };
    let error = Command::new(program).args(rest).exec();
    Err(Refusal::configuration(format!("{} cannot be started: {error}", Path::new(program).display())))
}

/// Locks `path` for as long as the program that this becomes is alive: the file stays open across the exec.
fn hold(path: &Path) -> Result<File, Refusal> {
    let refuse = |error: std::io::Error| Refusal::internal(format!("{} cannot be locked: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(refuse)?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive).map_err(|error| refuse(error.into()))?;
    rustix::io::fcntl_setfd(&file, FdFlags::empty()).map_err(|error| refuse(error.into()))?;
    Ok(file)
}
