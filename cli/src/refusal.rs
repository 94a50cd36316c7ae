//! Why a command was not done: lines for a person, and the exit code.

use service::{Exit, Problem};

use crate::say;

/// A command's end before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) exit: Exit,
    /// Each says what happened, to what, and what to do.
    pub(crate) lines: Vec<String>,
}

impl Refusal {
    /// Something that the person can mend.
    pub(crate) fn configuration(line: impl Into<String>) -> Self {
        Self { exit: Exit::Configuration, lines: vec![line.into()] }
    }

    /// Something that should not have happened.
    pub(crate) fn internal(line: impl Into<String>) -> Self {
        Self { exit: Exit::Internal, lines: vec![line.into()] }
    }

    /// Every fault of the settings.
    pub(crate) fn settings(problems: &[Problem]) -> Self {
        Self { exit: Exit::Configuration, lines: problems.iter().map(ToString::to_string).collect() }
    }

    /// Shows the lines, and gives the exit code.
    pub(crate) fn tell(&self) -> Exit {
        self.lines.iter().for_each(say::complaint);
        self.exit
    }
}
