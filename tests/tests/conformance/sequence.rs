//! Sequences of commands over two connections, some of which break: made by chance, written and read as text, and made small.

use std::fmt;

use fastrand::Rng;

use super::commands::{Command, command, words};

/// Connections of one sequence.
pub(crate) const CONNECTIONS: usize = 2;

/// What one connection does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Sends a command, and takes its reply.
    Call(usize, Command),
    /// Sends a command, and is gone before its reply.
    Unheard(usize, Command),
    /// Is gone in the middle of sending a command.
    Cut(usize, Command),
}

/// A connection by chance waits between WATCH and MULTI, or between MULTI and EXEC, while the other goes on; and breaks there.
pub(crate) fn generate(rng: &mut Rng, steps: usize) -> Vec<Step> {
    let mut is_queueing = [false; CONNECTIONS];
    let mut sequence = vec![Step::Call(0, words("SET fence T"))];
    for _ in 0..steps {
        let at = usize::from(rng.u8(..4) == 0);
        let next = match (is_queueing[at], rng.u8(..30)) {
            (false, 0) => words("WATCH fence x1"),
            (false, 1) => words("MULTI"),
            (true, 0..8) => words("EXEC"),
            _ => command(rng),
        };
        is_queueing[at] = match next[0].as_str() {
            "MULTI" => true,
            "EXEC" => false,
            _ => is_queueing[at],
        };
        let step = match rng.u8(..60) {
            0 => Step::Unheard(at, next),
            1 => Step::Cut(at, next),
            _ => Step::Call(at, next),
        };
        if !matches!(step, Step::Call(..)) {
            is_queueing[at] = false;
        }
        sequence.push(step);
    }
    sequence
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, mark, command) = match self {
            Self::Call(at, command) => (at, ':', command),
            Self::Unheard(at, command) => (at, '?', command),
            Self::Cut(at, command) => (at, '/', command),
        };
        let quoted =
            |word: &String| if word.is_empty() || word.contains(' ') { format!("'{word}'") } else { word.clone() };
        write!(f, "{at}{mark} {}", command.iter().map(quoted).collect::<Vec<_>>().join(" "))
    }
}

/// A sequence as it is written by `Display`, a step in each line.
pub(crate) fn parse(text: &str) -> Vec<Step> {
    let step = |line: &str| {
        let (head, rest) = line.trim().split_once(' ').unwrap();
        // Every second part stands between quotes.
        let parts = rest.split('\'').enumerate();
        let words = |(at, part): (usize, &str)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        };
        let (command, at) = (parts.flat_map(words).collect(), usize::from(head.starts_with('1')));
        match &head[1..] {
            ":" => Step::Call(at, command),
            "?" => Step::Unheard(at, command),
            "/" => Step::Cut(at, command),
            other => panic!("no such mark: {other}"),
        }
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(step).collect()
}

/// Whether each transaction has its beginning and its end. What Redis says of others differs by version.
fn is_sound(steps: &[Step]) -> bool {
    let mut is_queueing = [false; CONNECTIONS];
    steps.iter().all(|step| {
        let (Step::Call(at, command) | Step::Unheard(at, command) | Step::Cut(at, command)) = step;
        let was_queueing = is_queueing[*at];
        let stays = matches!(step, Step::Call(..));
        is_queueing[*at] = stays && (command[0] == "MULTI" || was_queueing && command[0] != "EXEC");
        match command[0].as_str() {
            "MULTI" | "WATCH" => !was_queueing,
            "EXEC" => was_queueing,
            _ => true,
        }
    })
}

/// Leaves out what `fails` does not need: halves first, single steps last.
pub(crate) async fn shrink(mut sequence: Vec<Step>, mut fails: impl AsyncFnMut(&[Step]) -> bool) -> Vec<Step> {
    let mut size = sequence.len().div_ceil(2);
    loop {
        let (mut start, mut is_smaller) = (0, false);
        while start < sequence.len() {
            let end = (start + size).min(sequence.len());
            let rest = [&sequence[..start], &sequence[end..]].concat();
            if !rest.is_empty() && is_sound(&rest) && fails(&rest).await {
                (sequence, is_smaller) = (rest, true);
            } else {
                start = end;
            }
        }
        if size == 1 && !is_smaller {
            return sequence;
        }
        size = size.div_ceil(2).max(1);
    }
}
