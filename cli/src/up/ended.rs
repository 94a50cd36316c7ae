//! How a program ended, in words.

use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus};

use service::Exit;

/// The end of one run of a program.
#[derive(Debug)]
pub(super) enum Ended {
    /// It could not even be started.
    NotStarted(std::io::Error),
    /// One of ours, whose exit codes have a meaning.
    Daemon {
        /// Its exit code or signal.
        status: ExitStatus,
        /// What it said last about it.
        last_words: Option<String>,
    },
    /// Another program.
    Other {
        /// Its exit code or signal.
        status: ExitStatus,
    },
}

impl Ended {
    fn status(&self) -> Option<ExitStatus> {
        match self {
            Self::NotStarted(_) => None,
            Self::Daemon { status, .. } | Self::Other { status } => Some(*status),
        }
    }

    /// Whether its lines may tell why. Who is killed from outside has nothing to say about it.
    pub(super) fn is_own_doing(&self) -> bool {
        self.status().is_some_and(|status| !matches!(status.signal(), Some(9 | 15)))
    }

    /// Whether it says that starting it again is of no use before its settings are changed.
    pub(super) fn is_configuration(&self) -> bool {
        let code = i32::from(Exit::Configuration.code());
        matches!(self, Self::Daemon { status, .. } if status.code() == Some(code))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self {
            Self::NotStarted(error) => return write!(f, "could not be started: {error}"),
            Self::Daemon { status, .. } | Self::Other { status } => status,
        };
        match (status.code(), status.signal()) {
            (Some(code), _) => write!(f, "ended with exit code {code}")?,
            (None, Some(signal)) => write!(f, "was ended by signal {signal}{}", signal_name(signal))?,
            (None, None) => f.write_str("ended")?,
        }
        let Self::Daemon { status, last_words } = self else { return Ok(()) };
        f.write_str(status.code().map_or("", meaning))?;
        match last_words {
            Some(words) if self.is_own_doing() => write!(f, ": {words}"),
            _ => Ok(()),
        }
    }
}

/// The exit codes that the daemons promise.
fn meaning(code: i32) -> &'static str {
    const MEANINGS: [(Exit, &str); 4] = [
        (Exit::Clean, " (as if told to)"),
        (Exit::NoRedis, " (Redis was not there)"),
        (Exit::Configuration, " (settings or a port that it cannot use)"),
        (Exit::Internal, " (a fault of its own)"),
    ];
    MEANINGS.iter().find(|(exit, _)| i32::from(exit.code()) == code).map_or("", |(_, meaning)| meaning)
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        9 => " (SIGKILL; out of memory, or by hand)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// Keeps of a program's lines what tells best why it ended: its last complaint, or else its last line.
#[derive(Debug, Default)]
pub(super) struct LastWords {
    complaint: Option<String>,
    line: Option<String>,
}

impl LastWords {
    pub(super) fn hear(&mut self, line: &str) {
        let complaint =
            ["ERROR ", "cannot start: "].iter().find_map(|mark| line.split_once(mark)).map(|(_, rest)| rest);
        let kept = complaint.unwrap_or(line).trim();
        if kept.is_empty() {
            return;
        }
        let place = if complaint.is_some() { &mut self.complaint } else { &mut self.line };
        *place = Some(kept.to_owned());
    }

    pub(super) fn take(&mut self) -> Option<String> {
        let line = self.line.take();
        self.complaint.take().or(line)
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    use super::{Ended, LastWords};

    fn shown(raw: i32, lines: &[&str]) -> String {
        let mut last_words = LastWords::default();
        lines.iter().for_each(|line| last_words.hear(line));
        Ended::Daemon { status: ExitStatus::from_raw(raw), last_words: last_words.take() }.to_string()
    }

    #[test]
    fn codes_and_signals_are_explained() {
        let refused =
            ["cannot start: bus.shards: has to be a power of two", "`stargazer config check` lists every problem"];
        assert_eq!(
            shown(64 << 8, &refused),
            "ended with exit code 64 (settings or a port that it cannot use): bus.shards: has to be a power of two"
        );
        let lost = ["2026-11-21T10:00:00.000000Z ERROR redis is not there: refused"];
        assert_eq!(shown(1 << 8, &lost), "ended with exit code 1 (Redis was not there): redis is not there: refused");
        assert_eq!(shown(9, &["busy"]), "was ended by signal 9 (SIGKILL; out of memory, or by hand)");
        assert_eq!(shown(6, &["memory corrupt"]), "was ended by signal 6 (SIGABRT): memory corrupt");
        assert_eq!(shown(3 << 8, &[]), "ended with exit code 3");
    }

    #[test]
    fn only_a_configuration_exit_is_one() {
        let ended = |raw| Ended::Daemon { status: ExitStatus::from_raw(raw), last_words: None };
        assert!(ended(64 << 8).is_configuration());
        assert!(!ended(70 << 8).is_configuration() && !ended(9).is_configuration());
    }
}
