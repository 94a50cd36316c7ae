//! What people read. A reader that went away (a closed terminal, `| head`) is no reason to end, so failed writes are ignored.

use std::{
    fmt::Display,
    io::{IsTerminal, Write, stderr, stdout},
};

/// Wide enough for `stargazer` and `worker 64`.
const NAME_WIDTH: usize = 9;
const OWN: &str = "stargazer";

/// What a command was asked for, on standard output.
pub(crate) fn answer(text: impl Display) {
    let _ = writeln!(stdout().lock(), "{text}");
}

/// Why a command was not done, on standard error.
pub(crate) fn complaint(text: impl Display) {
    let _ = writeln!(stderr().lock(), "stargazer: {text}");
}

/// The screen of `up`, on standard error: lines, each with the name of who speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    is_coloured: bool,
}

impl Screen {
    /// Colours for people only, and not for those who said so with `NO_COLOR`.
    pub(crate) fn new(no_colour: bool) -> Self {
        Self { is_coloured: stderr().is_terminal() && !no_colour }
    }

    /// A line of a child.
    pub(crate) fn relay(self, name: &str, line: &str) {
        let _ = writeln!(stderr().lock(), "{}", prefixed(name, line, self.is_coloured));
    }

    /// A line of our own.
    pub(crate) fn own(self, line: impl Display) {
        self.relay(OWN, &line.to_string());
    }
}

/// `gateway   | line`.
fn prefixed(name: &str, line: &str, is_coloured: bool) -> String {
    let shown = format!("{name:NAME_WIDTH$} |");
    if !is_coloured {
        return format!("{shown} {line}");
    }
    let colour = match name.split(' ').next() {
        Some(OWN) => "1",
        Some("gateway") => "36",
        Some("worker") => "35",
        _ => "33",
    };
    format!("\u{1b}[{colour}m{shown}\u{1b}[0m {line}")
}

#[cfg(test)]
mod tests {
    use super::prefixed;

    #[test]
    fn names_stand_in_one_column() {
        assert_eq!(prefixed("gateway", "hello", false), "gateway   | hello");
        assert_eq!(prefixed("worker 12", "hello", false), "worker 12 | hello");
        assert_eq!(prefixed("worker 2", "x", true), "\u{1b}[35mworker 2  |\u{1b}[0m x");
    }
}
